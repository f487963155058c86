"""A synthesizer's operations as the contract promises them, over syntheses that a test writes down.

It writes no method. What it keeps of a synthesis is its events so far and its end; who watches gets them from the
start, or after those that it saw, and waits for more until it has ended.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import TypeAlias

from google.rpc import code_pb2, error_details_pb2

from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from fakes.scripted_services import Bare, Context, Event, Failure, Scripted, started

State: TypeAlias = "synthesizer_pb.SynthesisState"
CANCELLED = Failure("SYNTHESIS_CANCELLED", code_pb2.ABORTED, "somebody cancelled it")


@dataclass
class Kept:
    """One synthesis: what it told so far, and what it failed with."""

    synthesis: synthesizer_pb.Synthesis
    events: list[Event] = field(default_factory=list[Event])
    failed: Failure | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def running(self) -> bool:
        return self.synthesis.state == synthesizer_pb.SYNTHESIS_STATE_RUNNING

    def tell(self, *events: Event) -> None:
        """What happened; a registered version ends it."""
        self.events += events
        if any(event.HasField("registered") for event in events):
            self._end(synthesizer_pb.SYNTHESIS_STATE_SUCCEEDED)
        self._wake()

    def fail(self, failure: Failure, state: State = synthesizer_pb.SYNTHESIS_STATE_FAILED) -> None:
        """It ends without a version."""
        self.failed = failure
        info = error_details_pb2.ErrorInfo(reason=failure.reason, domain="batos", metadata=dict(failure.fields))
        told = pb.Failure(code=failure.code, message=failure.text)
        told.details.add().Pack(info)
        self.synthesis.failure.CopyFrom(told)
        self._end(state)

    def _end(self, state: State) -> None:
        self.synthesis.state = state
        self.synthesis.ended.seconds = self.synthesis.created.seconds + 60
        self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class OwnSyntheses(Scripted):
    """Serves what is kept; `break_after` ends the next stream with UNAVAILABLE after so many events, `quiet` later."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Kept] = {}
        self.asked: list[synthesizer_pb.EvolveRequest] = []
        self.break_after: int | None = None
        self.quiet = 0.0  # seconds
        self.watched_after: list[int] = []

    def begin(self, synthesis_id: str, selector: str = "increment", receiver: str = "counter/main") -> Kept:
        """A synthesis that is under way, and has told that it began."""
        message = pb.Message(namespace="default", receiver=receiver, selector=selector, intent="raise the count")
        synthesis = synthesizer_pb.Synthesis(
            id=synthesis_id, message=message, asked_by="ada", state=synthesizer_pb.SYNTHESIS_STATE_RUNNING
        )
        synthesis.created.seconds = 1_700_000_000 + len(self.kept)
        kept = self.kept[synthesis_id] = Kept(synthesis, [started(receiver)])
        kept.events[0].started.synthesis_id = synthesis_id
        return kept

    async def _found(self, synthesis_id: str, context: Context) -> Kept:
        if synthesis_id not in self.kept:
            await Failure("SYNTHESIS_NOT_FOUND", code_pb2.NOT_FOUND, f"there is no synthesis {synthesis_id}").tell(
                context
            )
        return self.kept[synthesis_id]

    async def _events(self, kept: Kept, after: int, context: Context) -> AsyncGenerator[Event]:
        seen, told = after, 0
        while True:
            changed = kept.changed
            for event in kept.events[seen:]:
                if told == self.break_after:
                    self.break_after = None
                    await asyncio.sleep(self.quiet)
                    await Bare(code_pb2.UNAVAILABLE, "the test breaks it off").tell(context)
                seen, told = seen + 1, told + 1
                yield event
            if not kept.running:
                break
            await changed.wait()
        if kept.failed is not None:
            await kept.failed.tell(context)

    async def GetSynthesis(  # noqa: N802 - the contract's name
        self, request: synthesizer_pb.GetSynthesisRequest, context: Context
    ) -> synthesizer_pb.GetSynthesisResponse:
        kept = await self._found(request.id, context)
        return synthesizer_pb.GetSynthesisResponse(synthesis=kept.synthesis)

    async def WatchSynthesis(  # noqa: N802 - the contract's name
        self, request: synthesizer_pb.WatchSynthesisRequest, context: Context
    ) -> AsyncGenerator[synthesizer_pb.WatchSynthesisResponse]:
        kept = await self._found(request.id, context)
        self.watched_after.append(request.after)
        async for event in self._events(kept, request.after, context):
            yield synthesizer_pb.WatchSynthesisResponse(event=event)

    async def CancelSynthesis(  # noqa: N802 - the contract's name
        self, request: synthesizer_pb.CancelSynthesisRequest, context: Context
    ) -> synthesizer_pb.CancelSynthesisResponse:
        kept = await self._found(request.id, context)
        if kept.running:
            kept.fail(CANCELLED, synthesizer_pb.SYNTHESIS_STATE_CANCELLED)
        return synthesizer_pb.CancelSynthesisResponse(synthesis=kept.synthesis)

    async def ListSyntheses(  # noqa: N802 - the contract's name
        self, request: synthesizer_pb.ListSynthesesRequest, context: Context
    ) -> synthesizer_pb.ListSynthesesResponse:
        del context
        newest = [kept.synthesis for kept in reversed(self.kept.values())]
        wanted = [each for each in newest if not request.states or each.state in request.states]
        begin = int(request.page_token or 0)
        end = begin + min(request.page_size or 100, 2)  # small pages, so that a test turns them
        more = str(end) if end < len(wanted) else ""
        return synthesizer_pb.ListSynthesesResponse(syntheses=wanted[begin:end], next_page_token=more)

    async def Evolve(  # noqa: N802 - the contract's name
        self, request: synthesizer_pb.EvolveRequest, context: Context
    ) -> AsyncGenerator[synthesizer_pb.EvolveResponse]:
        self.asked.append(request)
        async for event in self._events(await self._found("evolution", context), 0, context):
            yield synthesizer_pb.EvolveResponse(event=event)
