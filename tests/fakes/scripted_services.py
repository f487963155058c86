"""Servers of the contract whose every answer is written in the test. They promise nothing but the wire."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message as ProtoMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from batos.addresses import Addresses
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.v1.dispatcher_pb2_grpc import DispatcherServicer, add_DispatcherServicer_to_server
from batos.v1.objectstore_pb2_grpc import add_ObjectStoreServicer_to_server
from batos.v1.synthesizer_pb2_grpc import add_SynthesizerServicer_to_server

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
CODES: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class Failure:
    """A failure as the suite tells it: google.rpc.Status with ErrorInfo and, where given, RetryInfo."""

    reason: str
    code: int
    text: str = "as the script says"
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    retry_seconds: float | None = None

    async def tell(self, context: Context) -> NoReturn:
        details: list[ProtoMessage] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain="batos", metadata=dict(self.fields))
        ]
        if self.retry_seconds is not None:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(int(self.retry_seconds * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        await abort(context, self.code, self.text, details)


@dataclass(frozen=True)
class Bug:
    """What a service tells of a failure that it does not know: an id, and INTERNAL."""

    id: str

    async def tell(self, context: Context) -> NoReturn:
        detail = error_details_pb2.RequestInfo(request_id=self.id)
        await abort(context, code_pb2.INTERNAL, f"internal error {self.id}: the server's log has the reason", [detail])


@dataclass(frozen=True)
class Bare:
    """What gRPC itself tells: a code and a text."""

    code: int
    text: str

    async def tell(self, context: Context) -> NoReturn:
        await context.abort(CODES[self.code], self.text)


async def abort(context: Context, code: int, text: str, details: Sequence[ProtoMessage]) -> NoReturn:
    packed = [any_pb2.Any() for _ in details]
    for box, detail in zip(packed, details, strict=True):
        box.Pack(detail)
    status = status_pb2.Status(code=code, message=text, details=packed).SerializeToString()
    await context.abort(CODES[code], text, (("grpc-status-details-bin", status),))


def not_found(object_id: str) -> Failure:
    return Failure("OBJECT_NOT_FOUND", code_pb2.NOT_FOUND, f"there is no object {object_id}", {"object": object_id})


@dataclass(frozen=True)
class Answer:
    """What comes of a message: events, then the reply, or the failure; `synthesis` goes out in initial metadata."""

    reply: dispatcher_pb.Reply | Failure | Bug | Bare
    events: Sequence[synthesizer_pb.SynthesizeResponse] = ()
    synthesis: str = ""
    seconds: float = 0.0


@dataclass
class ScriptedDispatcher(DispatcherServicer):
    """Answers by selector, the last answer over and over; keeps what it saw."""

    answers: dict[str, list[Answer]] = field(default_factory=dict[str, list[Answer]])
    seen: list[pb.Message] = field(default_factory=list[pb.Message])
    times: list[float] = field(default_factory=list[float])
    traceparents: list[str] = field(default_factory=list[str])
    cancelled: int = 0

    async def _answer(self, message: pb.Message, context: Context) -> Answer:
        self.seen.append(message)
        self.times.append(time.monotonic())
        self.traceparents += [str(value) for key, value in context.invocation_metadata() or () if key == "traceparent"]
        script = self.answers.get(message.selector, [Answer(not_found(message.receiver))])
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer.synthesis:
            await context.send_initial_metadata((("batos-synthesis", answer.synthesis),))
        return answer

    async def _end(self, answer: Answer, context: Context) -> dispatcher_pb.Reply:
        try:
            await asyncio.sleep(answer.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return answer.reply if isinstance(answer.reply, dispatcher_pb.Reply) else await answer.reply.tell(context)

    async def Send(  # noqa: N802 - the contract's name
        self, request: dispatcher_pb.SendRequest, context: Context
    ) -> dispatcher_pb.SendResponse:
        answer = await self._answer(request.message, context)
        return dispatcher_pb.SendResponse(reply=await self._end(answer, context))

    async def SendStream(  # noqa: N802 - the contract's name
        self, request: dispatcher_pb.SendStreamRequest, context: Context
    ) -> AsyncIterator[dispatcher_pb.SendStreamResponse]:
        answer = await self._answer(request.message, context)
        for event in answer.events:
            yield dispatcher_pb.SendStreamResponse(synthesis=event)
        yield dispatcher_pb.SendStreamResponse(reply=await self._end(answer, context))

    async def Pipeline(  # noqa: N802 # pyright: ignore[reportIncompatibleMethodOverride] - the contract's name
        self, request_iterator: object, context: Context
    ) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the script answers calls alone")

    async def GetVersion(  # noqa: N802 - the contract's name
        self, request: dispatcher_pb.GetVersionRequest, context: Context
    ) -> dispatcher_pb.GetVersionResponse:
        del request, context
        walls = [wall("seccomp", applied=True), wall("landlock", applied=False, reason="the kernel has none")]
        return dispatcher_pb.GetVersionResponse(version="0.1.0", jail=walls, jail_level="partial", format=1)


def wall(name: str, *, applied: bool, reason: str = "") -> dispatcher_pb.Wall:
    return dispatcher_pb.Wall(name=name, applied=applied, reason=reason)


class Scripted:
    """Any servicer whose answers are functions from the request, by the RPC's name; keeps what it saw."""

    def __init__(self, **answers: Callable[[Any], ProtoMessage | Failure]) -> None:
        self.answers = answers
        self.seen: list[Any] = []

    def __getattr__(self, name: str) -> Callable[[Any, Context], Awaitable[ProtoMessage]]:
        async def serve(request: ProtoMessage, context: Context) -> ProtoMessage:
            self.seen.append(request)
            if name not in self.answers:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the script has no {name}")
            answer = self.answers[name](request)
            return await answer.tell(context) if isinstance(answer, Failure) else answer

        return serve


@dataclass(frozen=True)
class ScriptedSuite:
    dispatcher: ScriptedDispatcher
    objectstore: Scripted
    synthesizer: Scripted
    addresses: Addresses


@asynccontextmanager
async def scripted_suite(
    dispatcher: ScriptedDispatcher | None = None,
    objectstore: Scripted | None = None,
    synthesizer: Scripted | None = None,
    port: int = 0,
) -> AsyncGenerator[ScriptedSuite, None]:
    """All three services on one port of the loopback."""
    dispatcher = dispatcher or ScriptedDispatcher()
    objectstore, synthesizer = objectstore or Scripted(), synthesizer or Scripted()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    add_DispatcherServicer_to_server(dispatcher, server)
    add_ObjectStoreServicer_to_server(objectstore, server)  # pyright: ignore[reportArgumentType] - answers by name
    add_SynthesizerServicer_to_server(synthesizer, server)  # pyright: ignore[reportArgumentType] - answers by name
    address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    await server.start()
    try:
        yield ScriptedSuite(dispatcher, objectstore, synthesizer, Addresses(address, address, address))
    finally:
        await server.stop(None)


# --- Events of a synthesis, in the order they come
Event = synthesizer_pb.SynthesizeResponse


def started(target: str = "counter/main") -> Event:
    return Event(started=synthesizer_pb.SynthesisStarted(synthesis_id="syn-1", target=target))


def speaks(persona: str, draft: int = 0) -> Event:
    return Event(turn_started=synthesizer_pb.TurnStarted(persona=persona, model="tiny", draft=draft))


def spoke(persona: str, text: str, draft: int = 0) -> Event:
    turn = pb.PersonaTurn(persona=persona, model="tiny", input_tokens=100, output_tokens=20, seconds=1.5)
    return Event(turn_finished=synthesizer_pb.TurnFinished(turn=turn, draft=draft, text=text))


def audited(draft: int, *findings: pb.Finding) -> Event:
    return Event(audited=synthesizer_pb.DraftAudited(draft=draft, findings=findings, passed=not findings))


def tried(draft: int, passed: int, total: int, failure: str = "") -> Event:
    return Event(tried=synthesizer_pb.DraftTried(draft=draft, passed=passed, total=total, failure=failure))


def registered(holder: str = "counter/main", selector: str = "increment") -> Event:
    method = pb.MethodVersion(holder=holder, selector=selector, number=1, digest="ab" * 32, active=True)
    method.evidence.add(level=pb.EVIDENCE_LEVEL_EXAMPLES, by="synthesizer")
    return Event(registered=synthesizer_pb.SynthesisRegistered(method=method, token="t1"))


def panel() -> list[Event]:
    finding = pb.Finding(rule="BAT102", severity=pb.SEVERITY_ERROR, line=2, reason="imports nothing")
    return [
        started(),
        *(speaks(persona) for persona in ("BRICK", "BABS", "ROBIN")),
        *(spoke(persona, f"{persona} has said it") for persona in ("BABS", "ROBIN", "BRICK")),
        *(speaks("ALFRED", draft) for draft in (1, 2)),
        spoke("ALFRED", "def increment(self):\n    import os", 1),
        audited(1, finding),
        spoke("ALFRED", "def increment(self):\n    return 1", 2),
        audited(2),
        tried(2, 2, 2),
        registered(),
    ]
