"""Syntheses, for all in this process who ask for one. Law: no method is written twice at the same time in the cluster.

A miss is admitted, permitted and boarded, in this order: the flight is begun, joined here, or followed in other hands.
Whoever joins sees its events from the start; whoever leaves does not end it. A flight whose holder is gone is taken
over by the first that looks, and its story goes on where it was.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from opentelemetry.trace import Link, Span, get_current_span

import vocabulary
from chassis.telemetry import Telemetry
from kernel.errors import BadArguments, FlightLost, KernelError, MethodNotFound, StoreUnavailable
from kernel.messages import Message
from kernel.objects import Namespace
from kernel.synthesis import Event, Registered, Started, State, SynthesisRecord
from objectstore.store import Page
from synthesizer.admission import Admission, admit, check_evolving
from synthesizer.control import Control
from synthesizer.holding import Ground
from synthesizer.order import new_synthesis_id
from synthesizer.setbacks import ask_of
from synthesizer.stories import Living, Stories, stopping
from synthesizer.story import Key, Story

PATIENCE_SECONDS: Final = 10.0


class Flights:
    """The flights that this process begins, joins and follows. `close` lets go of them all."""

    def __init__(
        self, ground: Ground, control: Control, telemetry: Telemetry, new_id: Callable[[], str] = new_synthesis_id
    ) -> None:
        self._ground, self._control, self._telemetry, self._new_id = ground, control, telemetry, new_id
        self._stories = Stories(ground, control)
        self._boarding: dict[Key, tuple[str, asyncio.Task[Living]]] = {}
        self.sweep = self._stories.sweep

    # --- asking ---

    async def join(self, message: Message, asked_by: str) -> AsyncGenerator[Event]:
        """The events of the flight for the message, begun if there is none. Raises what the synthesis failed with."""
        admission = await admit(self._ground.store, message)
        if admission.answer is not None:
            yield Registered(*admission.answer)
            return
        async with aclosing(self._ride(message, asked_by, admission)) as events:
            async for event in events:
                yield event

    async def evolve(self, message: Message, asked_by: str) -> AsyncGenerator[Event]:
        """The same for a better version of what answers the message; it goes to the holder of that version.

        Raises MethodNotFound where nothing answers, BadArguments where the message names another object for it, and
        ApprovalPending where what this asks for is written, and waits.
        """
        admission = await admit(self._ground.store, message, evolves=True)
        if admission.answer is None:
            raise MethodNotFound(message.receiver, message.selector)
        active = admission.answer[0].method
        if message.install_at not in {None, active.holder}:
            raise BadArguments(
                f"{message.selector} is held by {active.holder}: leave install_at out", field="message.install_at"
            )
        await check_evolving(self._ground.store, message, admission)
        asked = replace(message, install_at=active.holder)
        async with aclosing(self._ride(asked, asked_by, admission, active.number)) as events:
            async for event in events:
                yield event

    async def _ride(
        self, message: Message, asked_by: str, admission: Admission, evolves: int = 0
    ) -> AsyncGenerator[Event]:
        record = SynthesisRecord(self._new_id(), message, asked_by, self._ground.clock(), evolves=evolves)
        living, joined = await self._boarded(record, admission)
        waiting: Span | None = None
        with self._stories.awaited(living) as story:
            if joined and message.examples and story.end is None:
                under_way = story.record.synthesis_id
                await self._ground.flights.join(message.namespace, under_way, message.examples)
            try:
                async with aclosing(story.read()) as events:
                    async for event in events:
                        if joined and isinstance(event, Started):
                            waiting = self._waiting(story)
                            yield replace(event, joined=True)
                        else:
                            yield event
            finally:
                if waiting is not None:
                    waiting.end()

    async def _boarded(self, record: SynthesisRecord, admission: Admission) -> tuple[Living, bool]:
        """The flight for a record, and whether it was under way.

        One boards at a time, and goes on where whoever asked leaves: a flight that is held is known here. What one was
        refused says nothing of another who asks otherwise.
        """
        key = record.namespace, record.target, record.selector
        ask = ask_of(record.message, "", record.evolves)
        while (living := self._stories.by_key(key)) is None:
            if (found := self._boarding.get(key)) is None:
                boarding = asyncio.create_task(self._board(key, record, admission))
                found = self._boarding[key] = ask, boarding
                boarding.add_done_callback(lambda done: self._has_boarded(key, done))
            asked, boarding = found
            await asyncio.wait({boarding}, timeout=PATIENCE_SECONDS)
            if not boarding.done():
                raise StoreUnavailable("the store does not say who writes the method: send the message again")
            if boarding.cancelled():
                raise stopping()
            refused = boarding.exception()
            if asked != ask and isinstance(refused, KernelError) and not isinstance(refused, StoreUnavailable):
                continue
            living = boarding.result()
            break
        joined = living.story.record.synthesis_id != record.synthesis_id
        if joined:
            self._ground.measures.flights[vocabulary.FLIGHT_WAITED_FOR].count += 1
        return living, joined

    def _has_boarded(self, key: Key, boarding: "asyncio.Task[Living]") -> None:
        del self._boarding[key]
        if not boarding.cancelled():
            boarding.exception()  # whoever waited has raised it

    async def _board(self, key: Key, record: SynthesisRecord, admission: Admission) -> Living:
        await self._ground.belonging.required()
        under_way = self._ground.flights.under_way
        if (other := await under_way(*key)) is not None:
            return self._stories.begin(Story(other))
        self._stories.check_room()
        try:
            permit = await self._control.permit(
                record.message, admission, evolves=record.evolves, synthesis_id=record.synthesis_id
            )
        except KernelError:
            # What it was refused for may be the very flight that another began meanwhile.
            if (other := await under_way(*key)) is not None:
                return self._stories.begin(Story(other))
            raise
        try:
            boarding = await self._stories.board(record)
        except Exception as refused:
            await self._control.settled(permit, 0, refused)
            raise
        if boarding.synthesis.synthesis_id == record.synthesis_id:
            self._ground.measures.flights[vocabulary.FLIGHT_BEGUN].count += 1
            return self._stories.begin(Story(record), boarding.flight, permit)
        if boarding.flight is not None:
            self._ground.measures.flights[vocabulary.FLIGHT_TAKEN_OVER].count += 1
        try:
            return self._stories.begin(Story(boarding.synthesis), boarding.flight)
        finally:
            await self._control.settled(permit, 0, FlightLost("the method is being written already"))

    def _waiting(self, story: Story) -> Span | None:
        """The span of one who joined, linked to the synthesis it waits for where that is written here."""
        attributes = {
            vocabulary.SYNTHESIS_ID: story.record.synthesis_id,
            vocabulary.SELECTOR: story.record.selector,
            vocabulary.FLIGHT_JOINED: True,
        }
        links = () if story.span is None else (Link(story.span),)
        span = self._telemetry.start(vocabulary.SPAN_SYNTHESIZE, attributes, links=links)
        return None if span is get_current_span() else span  # nothing is recorded, and the parent is not ours to end

    # --- operations ---

    async def get(self, namespace: Namespace, synthesis_id: str) -> SynthesisRecord:
        """Where a synthesis stands. SynthesisNotFound."""
        return await self._ground.flights.synthesis(namespace, synthesis_id)

    async def watch(self, namespace: Namespace, synthesis_id: str, after: int = 0) -> AsyncGenerator[Event]:
        """Its events but for the first `after`. SynthesisNotFound, and what the synthesis failed with."""
        living = self._stories.by_id(synthesis_id)
        if living is None or living.story.record.namespace != namespace:
            living = self._stories.begin(Story(await self.get(namespace, synthesis_id)))
        with self._stories.awaited(living) as story:
            async with aclosing(story.read(after)) as events:
                async for event in events:
                    yield event

    async def cancel(self, namespace: Namespace, synthesis_id: str, by: str) -> SynthesisRecord:
        """End it for all who wait for it; it may take its holder a moment. SynthesisNotFound."""
        record = await self._ground.flights.cancel(namespace, synthesis_id, by)
        living = self._stories.by_id(synthesis_id)
        if living is not None and living.holding is not None:
            living.holding.look()
        return record

    async def list(self, namespace: Namespace, states: Sequence[State], size: int, page: str) -> Page[SynthesisRecord]:
        """The syntheses of a namespace, the newest first."""
        return await self._ground.flights.syntheses(namespace, states, size, page)

    # --- the end ---

    async def close(self) -> None:
        """Let go of every flight, for others to take over, and begin no more. Those who wait are told."""
        self._stories.closed = True
        boarding = [task for _, task in self._boarding.values()]
        for task in boarding:
            task.cancel()
        await asyncio.gather(*boarding, return_exceptions=True)
        await self._stories.close()
