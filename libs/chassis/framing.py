"""The words of framed streams on the server's side. Law: nothing here waits for anything; `chassis.frames` does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from google.rpc.status_pb2 import Status


class Request(Protocol):
    """A request of a frame; a traceparent is empty where the caller has no span."""

    @property
    def id(self) -> int:
        """The caller's number."""
        ...

    @property
    def traceparent(self) -> str:
        """The caller's span, as in the W3C header."""
        ...


class Answer(Protocol):
    """An answer of a frame."""

    id: int

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's name
        """The bytes it takes."""
        ...


Q = TypeVar("Q", bound=Request)
A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Framing(Generic[Q, A]):
    """How a contract's frames are taken apart and put together.

    `name` is what a request's span is called (`package.Service/Method`), `failed` the answer for a failure, `seconds`
    for how long the request's caller waits (None: as long as it takes). `begins` says whether a request without a
    caller's span may begin a trace; else its caller is one of ours, and has decided.
    """

    requests: Callable[[Any], Sequence[Q]]
    frame: Callable[[Sequence[A]], Any]
    failed: Callable[[Status], A]
    name: Callable[[Q], str]
    cancels: Callable[[Any], Iterable[int]] = lambda _: ()
    seconds: Callable[[Q], float | None] = lambda _: None
    begins: bool = False
