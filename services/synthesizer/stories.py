"""The stories of this process. Law: one task for each, in whosever hands it is; what nobody works at never looks alive.

A story whose flight is in other hands is followed for as long as somebody here waits for it. One whose flight is held
here goes on whoever waits, to its end or the loss of the flight; then it is followed, and so again.
"""

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

import vocabulary
from kernel.errors import KernelError, Overloaded, StoreFull, StoreUnavailable
from kernel.synthesis import Registered, State, SynthesisRecord
from objectstore.flights import Boarding, Flight
from synthesizer.control import Control, Permit
from synthesizer.following import follow
from synthesizer.holding import Ground, Holding
from synthesizer.story import End, Key, Story, ended

MAX_FLIGHTS: Final = 64  # with three drafts each as many requests as one TGI takes, and half as many again
_RETRY_SECONDS: Final = 5.0
_PAUSE: Final = 0.5
_TELLING_SECONDS: Final = 0.25  # by then who waits is told of a success, settled or not
_BOOKS_SECONDS: Final = 2.0  # that a stop waits for what is being settled

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Living:
    """A story, what goes on with it, and the permit that it began with here.

    `held` is whether this process held its flight, and has not settled it; `settling` while it does. `regained` is the
    flight, where it came back before its loss was noticed.
    """

    story: Story
    permit: Permit | None = None
    fresh: bool = False
    held: bool = False
    settling: bool = False
    regained: Flight | None = None
    holding: Holding | None = None
    task: "asyncio.Task[None] | None" = None


class Stories:
    """All that goes on here. `close` lets go of it."""

    def __init__(self, ground: Ground, control: Control) -> None:
        self._ground, self._control = ground, control
        self._living: dict[str, Living] = {}
        self._by_key: dict[Key, Living] = {}
        self.closed = False
        ground.measures.held(lambda: self._held)

    def by_key(self, key: Key) -> Living | None:
        """The story of the method, if one goes on."""
        return self._by_key.get(key)

    def by_id(self, synthesis_id: str) -> Living | None:
        """The story of the synthesis, if it goes on."""
        return self._living.get(synthesis_id)

    def check_room(self) -> None:
        """Raises Overloaded where no further flight is begun."""
        if self._held >= MAX_FLIGHTS:
            raise Overloaded(f"{MAX_FLIGHTS} methods are being written already; send again later", _RETRY_SECONDS)

    async def board(self, record: SynthesisRecord) -> Boarding:
        """Board, until it is known what came of it: a flight that is held and not known of would never end.

        LimitExceeded, Conflict, BadArguments: it was not boarded.
        """
        belonging = self._ground.belonging
        while True:
            await belonging.back()
            with suppress(StoreUnavailable, StoreFull):
                return await self._ground.flights.board(record, belonging.me)
            await asyncio.sleep(_PAUSE)

    def begin(self, story: Story, flight: Flight | None = None, permit: Permit | None = None) -> Living:
        """Go on with a story, with the flight where it is held here from now on. StoreUnavailable while it stops."""
        if self.closed:
            raise stopping()
        living = self._living.get(story.record.synthesis_id)
        if living is None:
            living = self._living[story.record.synthesis_id] = Living(story, permit, fresh=permit is not None)
            if story.record.state is State.RUNNING:
                self._by_key[story.key] = living
            living.task = asyncio.create_task(self._live(living), name=f"story of {story.record.synthesis_id}")
        if flight is not None:
            self._take(living, flight)
        return living

    @staticmethod
    def _take(living: Living, flight: Flight) -> None:
        before = living.story.flight
        if before is None:
            living.story.board(flight)
        elif before.fence < flight.fence:
            living.regained = flight

    @contextmanager
    def awaited(self, living: Living) -> Generator[Story]:
        """The story, which somebody waits for during the block; in other hands it is followed no longer than that."""
        story = living.story
        story.waiting += 1
        try:
            yield story
        finally:
            story.waiting -= 1
            if not story.waiting and story.flight is None and not living.settling and living.task is not None:
                self._forget(living)  # at once: whoever asks now finds another
                living.task.cancel()

    async def sweep(self) -> None:
        """Take over the flights that nobody holds, as far as there is room."""
        for record in await self._ground.flights.orphans():
            if self.closed or self._held >= MAX_FLIGHTS:
                return
            try:
                boarding = await self.board(record)
            except KernelError as refused:  # the others are not to wait for it
                log.warning("synthesis %s is not taken over: %s", record.synthesis_id, refused.text)
                continue
            if boarding.flight is not None:
                self.begin(Story(boarding.synthesis), boarding.flight)
                self._ground.measures.flights[vocabulary.FLIGHT_TAKEN_OVER].count += 1
                log.info("synthesis %s is taken over", boarding.synthesis.synthesis_id)

    async def close(self) -> None:
        """Let go of every flight, for others to take over, and begin no more."""
        self.closed = True
        going = list(self._living.values())
        for living in going:
            if living.task and not living.settling:
                living.task.cancel()
        tasks = [living.task for living in going if living.task]
        if tasks:
            await asyncio.wait(tasks, timeout=_BOOKS_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _held(self) -> int:
        return sum(living.story.flight is not None for living in self._living.values())

    async def _live(self, living: Living) -> None:
        story = living.story
        end: End = stopping()
        try:
            while (found := await self._further(living)) is None:
                pass
            end = found
        except Exception as fault:
            log.exception("the story of synthesis %s has met a fault", story.record.synthesis_id)
            end = fault
            await self._give_up(living, fault)
        finally:
            self._forget(living)
            story.close(end)

    def _forget(self, living: Living) -> None:
        story = living.story
        if self._living.get(story.record.synthesis_id) is living:
            del self._living[story.record.synthesis_id]
        if self._by_key.get(story.key) is living:
            del self._by_key[story.key]

    async def _further(self, living: Living) -> End | None:
        """The end of a story, in whosever hands; None where it changed hands."""
        story, ground = living.story, self._ground
        if story.flight is None:
            end = await follow(ground.flights, ground.store, story)
            if end is None or story.flight is not None:
                return None
            if living.held and not isinstance(end, StoreUnavailable):
                await self._returned(living)
            return end if story.flight is None else None
        living.held = True
        living.holding = holding = Holding(ground, story, story.flight, living.fresh)
        living.fresh = False
        try:
            end = await holding.fly()
        finally:
            living.holding = None
        if end is None:
            story.lose()
            if living.regained is not None:
                story.board(living.regained)
                living.regained = None
            return None
        if isinstance(end, Registered):
            # The next ask is to find what is left in the books; a store that is away is not waited for.
            asyncio.get_running_loop().call_later(_TELLING_SECONDS, story.close, end)
        await self._settled(living, end, holding.spent)
        return end

    async def _returned(self, living: Living) -> None:
        """Give back what is left of a flight that was lost and has ended: maybe by this process, and no answer came."""
        living.settling = True
        permit = living.permit or await self._control.resumed(living.story.record)
        if permit is not None:
            await self._control.returned(permit, living.story.tokens)

    async def _settled(self, living: Living, end: End, spent: int) -> None:
        living.settling, living.held = True, False
        failure = None if isinstance(end, Registered) else end
        if failure is not None and not isinstance(failure, KernelError):
            failure = ended(failure).error()
        seconds = max(0.0, self._ground.clock() - living.story.record.created)
        self._ground.measures.seconds[failure.reason if failure else ""].add(seconds)
        permit = living.permit or await self._control.resumed(living.story.record)
        if permit is not None:
            await self._control.settled(permit, spent, failure)

    async def _give_up(self, living: Living, fault: Exception) -> None:
        """End the flight of a story that cannot go on."""
        story = living.story
        if story.flight is None or not living.held:
            return
        failed = replace(story.record, state=State.FAILED, ended=self._ground.clock(), failure=ended(fault))
        try:
            await self._ground.flights.end(story.flight, failed)
            await self._settled(living, fault, story.tokens)
        except Exception:
            log.exception("synthesis %s is not ended until this synthesizer is restarted", failed.synthesis_id)


def stopping() -> StoreUnavailable:
    """What is told to those who wait while the process stops; the synthesis goes on elsewhere, or later."""
    return StoreUnavailable("the synthesizer is stopping; send the message again")
