"""A flight in other hands, or one that has ended. Law: a process reads its record once, however many wait for it."""

import asyncio
from typing import Final

from kernel.errors import KernelError, StoreUnavailable
from kernel.synthesis import State
from objectstore.flights import Flights
from objectstore.store import Store
from synthesizer.story import End, Story, end_of

LOOK_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 15.0
IDLE_SECONDS: Final = 5.0  # for which a story is followed that nobody waits for


async def follow(flights: Flights, store: Store, story: Story, *, idle_seconds: float = IDLE_SECONDS) -> End | None:
    """Tell what its holder tells, until it ends: how it did. None as soon as this process holds it.

    A store that is away is waited for as long as it takes to be missed; then StoreUnavailable is the end of the story
    here, and not of the synthesis. So it is where nobody has waited for a while.
    """
    loop = asyncio.get_running_loop()
    seen = awaited = loop.time()
    while story.flight is None:
        awaited = loop.time() if story.waiting else awaited
        if loop.time() > awaited + idle_seconds:
            return StoreUnavailable("nobody waited for the synthesis here; send the message again")
        try:
            namespace, synthesis_id = story.record.namespace, story.record.synthesis_id
            record, events = await flights.events(namespace, synthesis_id, len(story.events))
            story.tell(events)
            if record.state is not State.RUNNING:
                return await end_of(store, record)
            seen = loop.time()
        except StoreUnavailable as away:
            if loop.time() > seen + PATIENCE_SECONDS:
                return away
        except KernelError as gone:  # such as SynthesisNotFound, where a backup was restored meanwhile
            return gone
        await story.handed(LOOK_SECONDS)
    return None
