"""One request to a server of `POST /v1/chat/completions`. Law: how servers differ is known here and in `faults` alone.

| of a server              | TGI                      | vLLM             | SGLang           | llama.cpp        |
|--------------------------|--------------------------|------------------|------------------|------------------|
| `model` names            | a LoRA adapter, else 0   | model or adapter | (ignored)        | (ignored)        |
| `response_format` schema | in `value`               | in `json_schema` | in `json_schema` | in `json_schema` |
| body of an error         | `error`, `error_type`    | `error.message`  | `message`        | `error.message`  |
| prompt too long          | 422                      | 400              | 400              | 400, once 500    |
| too many requests        | 429 at 128               | queues           | queues           | queues           |
| `finish_reason`          | `eos_token`, `length`, … | `abort` too      | `abort` too      | `stop`, `length` |

Answers are asked for whole and not as a stream: a method can be judged only when it is whole, a request that waits for
a slot looks like one that hangs either way, errors keep their status, usage is always told, and a connection that is
closed cancels a generation just as well.
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
from huggingface_hub import AsyncInferenceClient, set_async_client_factory
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError
from opentelemetry.trace import get_current_span

from chassis.propagation import headers_of
from synthesizer.faults import Cause, Fault, garbage, refused, said, unreachable

ChatMessages = Sequence[Mapping[str, str]]
"""A conversation: `role` and `content` of each turn."""

_LONGEST_ANSWER = 4 << 20  # bytes: far beyond what any max_tokens of ours can fill
_CONNECT_SECONDS = 10.0
_BYTES_OF_A_TOKEN = 4  # of text and code, about; an estimate where a server does not count
_MOST_TOKENS = (1 << 63) - 1  # of int64, in which they are told
_HERE = ("all://127.0.0.1", "all://localhost", "all://[::1]")
_CUT = frozenset({"length", "max_tokens", "model_length"})
_BROKEN = frozenset({"abort", "error"})


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn. The same seed on the same server draws the same answer, where the server can.

    `schema` is a JSON schema that the answer has to fit; a server that takes none answers freely.
    """

    max_tokens: int
    temperature: float
    seed: int
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a server said. `cut` tells that it reached max_tokens; tokens that it did not count are estimated."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    cut: bool


@dataclass(slots=True)
class Arrival:
    """How many bytes of an answer have come."""

    received: int = 0


# The Hub's client lets nobody near a request of its own: what comes of it is found by the context it is made in.
_arriving: ContextVar[Arrival] = ContextVar("arriving")


@asynccontextmanager
async def client(url: str, key: str) -> AsyncGenerator[AsyncInferenceClient]:
    """A client of one server. `key` is its bearer token; the Hub's own, which it would send by itself, never is."""
    # The Hub's client makes its connections through one factory for the whole process, and only so can a header be
    # different for each request.
    set_async_client_factory(_traced_client)
    # It would log the URL of every request, with the password that may be in it.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    # Its type knows of one number. How long a turn may take is decided above.
    patience = cast("float", httpx2.Timeout(None, connect=_CONNECT_SECONDS))
    async with AsyncInferenceClient(base_url=url, api_key=key, timeout=patience) as made:
        yield made


async def complete(
    to: AsyncInferenceClient, model: str, messages: ChatMessages, sampling: Sampling, arrival: Arrival
) -> Completion:
    """Ask once. Closes the connection where it is cancelled. Raises Fault."""
    _arriving.set(arrival)
    try:
        # The Hub's client leaves its messages' type open.
        post = cast("Callable[..., Awaitable[object]]", to.chat_completion)  # pyright: ignore[reportUnknownMemberType]
        output = await post(
            [dict(message) for message in messages],
            model=model,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            seed=sampling.seed,
            response_format=_format(sampling.schema),
        )
    except HfHubHTTPError as error:
        raise refused(error.response) from None
    except (httpx2.ConnectError, InferenceTimeoutError) as error:  # of its timeouts, only that of connecting is set
        raise unreachable(error) from None
    except httpx2.HTTPError as error:
        raise Fault(Cause.BROKEN, f" ({type(error).__name__})") from None
    except ValueError as error:
        raise garbage(getattr(error, "doc", "") or str(error)) from None
    except RecursionError:
        raise garbage("it is nested too deeply to read") from None
    return read(output, model, messages, sampling)


class _Format(dict[str, object]):
    """A response_format that the Hub's client passes on as it is.

    Of every other `json_schema` it makes the `json_object` that old TGIs read; no other server would then see a schema.
    """

    def get(self, key: str, default: Any = None) -> Any:
        return default if key == "type" else super().get(key, default)


def _format(schema: Mapping[str, object] | None) -> _Format | None:
    """A response_format for all: TGI reads `value`, the others `json_schema`, and none minds the other's."""
    if schema is None:
        return None
    named = {"name": "artifact", "schema": dict(schema)}
    return _Format(type="json_schema", json_schema={**named, "strict": True}, value=named)


def read(output: Any, model: str, messages: ChatMessages, sampling: Sampling) -> Completion:
    """The answer in a chat completion, whatever of it a server left out. Raises Fault where there is none."""
    if output.get("error") or output.get("object") == "error":
        raise Fault(Cause.TOLD, said(json.dumps(output, default=str)))
    try:
        choice = output.choices[0]
        text, reason = choice.message.content, choice.finish_reason
    except (TypeError, IndexError, AttributeError, KeyError):
        raise garbage(json.dumps(output, default=str)) from None
    if not isinstance(text, str | None) or not _is_text(text or ""):
        raise garbage("its content is no text")
    usage, echoed = output.usage, str(output.model or model)
    if not _is_text(echoed):
        raise garbage("its model is no text")
    asked = sum(len(message["content"].encode()) for message in messages)
    tokens = _count(usage, "prompt_tokens", asked), _count(usage, "completion_tokens", len((text or "").encode()))
    _check(text or "", reason, sampling)
    return Completion(text or "", echoed, *tokens, cut=reason in _CUT)


def _check(text: str, reason: object, sampling: Sampling) -> None:
    if reason in _BROKEN:
        raise Fault(Cause.BROKEN, f" (finish_reason {reason})")
    if reason == "content_filter":
        raise Fault(Cause.WITHHELD)
    if not text.strip():
        # A model that thinks aloud may have used them up before it began.
        limit = f" (all of {sampling.max_tokens} tokens used)" if reason in _CUT else ""
        raise Fault(Cause.EMPTY, limit)


def _count(usage: object, name: str, size: int) -> int:
    """The tokens that were counted, or about as many as so many bytes have: what nobody counts would cost nothing."""
    count = getattr(usage, name, None)
    if not isinstance(count, int) or isinstance(count, bool):
        return -(-size // _BYTES_OF_A_TOKEN)
    if not 0 <= count <= _MOST_TOKENS:
        raise garbage(f"its {name} are out of range")
    return count


def _is_text(text: str) -> bool:
    """Whether it can be encoded: JSON can spell half of a pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(slots=True)
class _Counted(httpx2.AsyncByteStream):
    """The bytes of an answer, counted as they come, and not without end."""

    stream: httpx2.AsyncByteStream
    arrival: Arrival = field(default_factory=Arrival)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.stream:
            self.arrival.received += len(part)
            if self.arrival.received > _LONGEST_ANSWER:
                raise garbage(f"it is longer than {_LONGEST_ANSWER >> 20} MiB")
            yield part

    async def aclose(self) -> None:
        await self.stream.aclose()


def _traced_client() -> httpx2.AsyncClient:
    """A connection pool whose requests carry the ids of the span they are made in."""

    async def inject(request: httpx2.Request) -> None:
        request.headers.update(headers_of(get_current_span()))

    async def count(response: httpx2.Response) -> None:
        stream = cast("httpx2.AsyncByteStream", response.stream)
        response.stream = _Counted(stream, _arriving.get(Arrival()))

    # A proxy that the environment names is for the way out; a server on this machine is not reached through it. How
    # many requests a server takes at a time is for `endpoints` to say.
    direct: dict[str, httpx2.AsyncBaseTransport | None] = dict.fromkeys(_HERE)
    return httpx2.AsyncClient(
        event_hooks={"request": [inject], "response": [count]},
        mounts=direct,
        follow_redirects=True,
        timeout=None,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
    )
