"""A message that nothing understands. Law: money is spent only after a fresh read, and never twice on purpose.

The synthesizer makes one flight of all that wait for the same method; here one only waits, tells what happens, and
leaves in time to answer: who does not want to wait leaves once the synthesis has a name. Leaving does not end it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from activation.run import Miss
from kernel.errors import BadArguments, NotUnderstood, Overloaded, SynthesisPending
from kernel.messages import Message, OnMiss
from kernel.synthesis import Event, Started

MARGIN_SECONDS = 0.5  # an answer sent at the deadline is often lost


class Synthesizer(Protocol):
    """Who writes a method for a message."""

    def synthesize(self, message: Message) -> AsyncGenerator[Event]:
        """Events until the method is registered. Raises what the synthesis failed with."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a sender waits: until when (loop time, None: for ever), whom to tell what happens, how many bytes it sent."""

    deadline: float | None = None
    tell: Callable[[Event], None] = lambda _: None
    size: int = 0


class Misses:
    """Waits for methods that are being written."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._synthesizer = synthesizer
        self._waits: set[asyncio.Timeout] = set()
        self._hurry = False

    def hurry(self) -> None:
        """Let everyone who waits, or will, come back later: this dispatcher is about to stop."""
        self._hurry = True
        for wait in self._waits:
            if not wait.expired():
                wait.reschedule(asyncio.get_running_loop().time())

    async def wait(self, miss: Miss, root: Message, waiting: Waiting) -> None:
        """Return when the missing method is registered.

        Raises NotUnderstood where the sender does not want one, SynthesisPending shortly before the deadline, or as
        soon as it has begun where the sender does not wait, and what the synthesis failed with; Overloaded where this
        dispatcher is about to stop and no synthesis has a name yet.
        """
        if root.on_miss is OnMiss.NEVER:
            raise NotUnderstood(miss.receiver, miss.selector, miss.near)
        message = miss.message
        if message.target not in miss.path:
            raise BadArguments(
                f"install_at {message.target} is not on the lookup path of {message.receiver}: {', '.join(miss.path)}",
                field="message.install_at",
            )
        synthesis = ""
        try:
            async with self._until(waiting), aclosing(self._synthesizer.synthesize(message)) as events:
                async for event in events:
                    if isinstance(event, Started):
                        synthesis = event.synthesis_id
                    waiting.tell(event)
                    if synthesis and root.on_miss is OnMiss.ASYNC:
                        raise SynthesisPending(synthesis)
        except TimeoutError:
            if self._hurry and not synthesis:  # there would be nothing to follow
                raise Overloaded("this dispatcher is about to stop: send again") from None
            raise SynthesisPending(synthesis) from None

    @asynccontextmanager
    async def _until(self, waiting: Waiting) -> AsyncGenerator[None]:
        """Raises TimeoutError shortly before the deadline, or when there is a hurry."""
        now = asyncio.get_running_loop().time()
        end = now if self._hurry else waiting.deadline and waiting.deadline - MARGIN_SECONDS
        async with asyncio.timeout_at(end) as wait:
            self._waits.add(wait)
            try:
                yield
            finally:
                self._waits.discard(wait)
