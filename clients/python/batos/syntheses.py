"""Methods that are being written, and those that were. Law: a synthesis goes on whoever watches; only cancel ends it.

A synthesis has an id: a message that is not waited for fails with SynthesisPending, which names it in
`fields["synthesis"]`. Every coroutine raises BatosError, SynthesisNotFound for an id that names none.
"""

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from batos.channel import SHORT, Service
from batos.errors import BatosError, DeadlineExceeded, SynthesisPending, Unreachable
from batos.examples import Example
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub
from batos.values import map_to_wire, to_wire

Event = synthesizer_pb.SynthesizeResponse
OnEvent = Callable[[Event], None]
State = Literal["running", "succeeded", "waiting", "failed", "cancelled"]

WATCH = 600.0  # seconds; longer than a synthesis takes
PATIENCE = 10.0  # seconds for which a synthesizer that cannot be reached is tried again
PAGE = 100
_PAUSE = 0.5


@dataclass(slots=True)
class _Seen:
    """What was told so far of one synthesis."""

    tell: OnEvent
    synthesis_id: str = ""
    events: int = 0
    method: pb.MethodVersion | None = None
    last: float = field(default_factory=time.monotonic)

    def take(self, event: Event) -> None:
        self.events += 1
        self.last = time.monotonic()
        if event.HasField("started"):
            self.synthesis_id = event.started.synthesis_id
        if event.HasField("registered"):
            self.method = event.registered.method
        self.tell(event)


def _nothing(event: Event) -> None:
    del event


@dataclass(frozen=True, slots=True)
class Syntheses:
    """The syntheses of one namespace; `patience` is for how many seconds a watch that broke off is tried again."""

    service: Service
    namespace: str
    patience: float = PATIENCE

    @property
    def _stub(self) -> SynthesizerStub:
        return SynthesizerStub(self.service.channel)

    async def get(self, synthesis_id: str) -> synthesizer_pb.Synthesis:
        """Where it stands: its state, the message that asked for it, the version or the failure that came of it."""
        request = synthesizer_pb.GetSynthesisRequest(namespace=self.namespace, id=synthesis_id)
        return (await self.service.ask(self._stub.GetSynthesis(request, timeout=SHORT))).synthesis

    async def watch(
        self,
        synthesis_id: str,
        on_event: OnEvent | None = None,
        *,
        timeout: float = WATCH,  # noqa: ASYNC109 - it is the RPC's own deadline
    ) -> pb.MethodVersion:
        """Wait for the version that comes of it; `on_event` gets every event, from the first.

        Raises what the synthesis failed with, SynthesisCancelled too, and after `timeout` seconds SynthesisPending, or
        DeadlineExceeded where it told nothing. A watch that breaks off goes on where it was.
        """
        seen = _Seen(on_event or _nothing, synthesis_id)
        return await self._watched(seen, time.monotonic() + timeout)

    async def cancel(self, synthesis_id: str) -> synthesizer_pb.Synthesis:
        """End it for all who wait; what is registered by then stays. It may be running for a moment yet."""
        request = synthesizer_pb.CancelSynthesisRequest(namespace=self.namespace, id=synthesis_id)
        return (await self.service.ask(self._stub.CancelSynthesis(request, timeout=SHORT))).synthesis

    async def list(self, states: Iterable[State] = (), *, limit: int = PAGE) -> list[synthesizer_pb.Synthesis]:
        """The newest, at most `limit` of them; those in any of these states, in all where none is named."""
        found: list[synthesizer_pb.Synthesis] = []
        wanted, page = [f"SYNTHESIS_STATE_{state.upper()}" for state in states], ""
        while len(found) < limit:
            request = synthesizer_pb.ListSynthesesRequest(
                namespace=self.namespace, states=wanted, page_size=min(limit - len(found), 1000), page_token=page
            )
            answer = await self.service.ask(self._stub.ListSyntheses(request, timeout=SHORT))
            found += answer.syntheses
            if not (page := answer.next_page_token):
                break
        return found

    async def evolve(
        self,
        receiver: str,
        selector: str,
        *arguments: object,
        keywords: Mapping[str, object] | None = None,
        intent: str = "",
        examples: Iterable[Example] = (),
        on_event: OnEvent | None = None,
        timeout: float = WATCH,  # noqa: ASYNC109 - it is the RPC's own deadline
    ) -> pb.MethodVersion:
        """Have a better version written of the method that answers, and wait for it.

        It passes all examples that are kept for the method and these. Raises ApprovalPending where it answers recorded
        calls otherwise than the version before, or the policy wants a person; MethodNotFound where none answers; and as
        `watch` after `timeout` seconds.
        """
        message = pb.Message(
            namespace=self.namespace,
            receiver=receiver,
            selector=selector,
            arguments=[to_wire(item) for item in arguments],
            keywords=map_to_wire(keywords or {}),
            intent=intent,
            examples=[example.to_wire() for example in examples],
        )
        seen, deadline = _Seen(on_event or _nothing), time.monotonic() + timeout
        evolution = self._stub.Evolve(synthesizer_pb.EvolveRequest(message=message), timeout=timeout)
        try:
            return await self._told(evolution, seen)
        except Unreachable:
            if not seen.synthesis_id:
                raise
            seen.last = time.monotonic()  # it was there until now, however long it had nothing to tell
            return await self._watched(seen, deadline)

    async def _watched(self, seen: _Seen, deadline: float) -> pb.MethodVersion:
        """Watch until it ends. A stream that lasted longer than the patience was open, though it told nothing."""
        while True:
            began = time.monotonic()
            request = synthesizer_pb.WatchSynthesisRequest(
                namespace=self.namespace, id=seen.synthesis_id, after=seen.events
            )
            try:
                watching = self._stub.WatchSynthesis(request, timeout=deadline - began)
                return await self._told(watching, seen)
            except Unreachable:
                now = time.monotonic()
                if now - began > self.patience:
                    seen.last = now
                if now + _PAUSE > min(deadline, seen.last + self.patience):
                    raise
            await asyncio.sleep(_PAUSE)

    async def _told(
        self,
        stream: AsyncIterable[synthesizer_pb.WatchSynthesisResponse] | AsyncIterable[synthesizer_pb.EvolveResponse],
        seen: _Seen,
    ) -> pb.MethodVersion:
        try:
            async with self.service.failures():
                async for told in stream:
                    seen.take(told.event)
        except DeadlineExceeded as error:
            if not seen.events:
                raise
            text = f"the method is still being written (synthesis {seen.synthesis_id}); watch it"
            raise SynthesisPending(text, code=error.code, fields={"synthesis": seen.synthesis_id}) from None
        if seen.method is None:
            raise BatosError("the synthesizer ended the stream without a version; this is a bug of its")
        return seen.method
