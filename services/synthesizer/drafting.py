"""Drafts, a wave at a time, until enough agree. Law: the same seeds, the same drafts judged, whatever is faster.

The drafts of a wave are written at the same time, and judged in the order of their numbers: as soon as those that are
there from the first on are enough, the rest is broken off and no more is paid for it. What came early of that rest is
not looked at, else it would be chance which drafts are compared.

The next wave asks for more opinions where some have passed. Where none has yet, it corrects the nearest, and begins
anew beside: a small model that is shown its own draft mostly writes it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kernel.errors import EndpointUnavailable
from synthesizer.attempts import Attempt, nearest, repair
from synthesizer.endpoints import ChatMessages
from synthesizer.selection import enough

Write = Callable[[int, ChatMessages], Awaitable[Attempt]]
"""Writes the draft of a number, from 1, and examines it."""


@dataclass(frozen=True, slots=True)
class Drafting:
    """Writes drafts: `count` at a time, in at most so many waves."""

    write: Write
    count: int
    waves: int

    async def attempts(self, asked: ChatMessages) -> list[Attempt]:
        """All that were judged, in order. Raises EndpointUnavailable where none came and none has passed before."""
        attempts: list[Attempt] = []
        corrected: set[str] = set()
        for wave in range(self.waves):
            passed = [each for each in attempts if each.passed]
            near = [] if passed else nearest(attempts, corrected)
            corrected |= {each.draft.source for each in near}
            prompts = (*(repair(asked, each) for each in near), asked)
            try:
                attempts += await self._wave(wave * self.count + 1, prompts, attempts)
            except EndpointUnavailable:
                if not passed:
                    raise
                break  # what has passed is judged by itself
            if _is_enough(attempts):
                break
        return attempts

    async def _wave(self, first: int, prompts: Sequence[ChatMessages], before: Sequence[Attempt]) -> list[Attempt]:
        came: list[Attempt] = []
        failures: list[EndpointUnavailable] = []
        tasks = [
            asyncio.create_task(_awaited(self.write(first + index, prompts[index % len(prompts)])))
            for index in range(self.count)
        ]
        try:
            for task in tasks:
                try:
                    came.append(await task)
                except EndpointUnavailable as failure:
                    failures.append(failure)
                if _is_enough([*before, *came]):
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not came:
            raise failures[0]
        return came


async def _awaited(attempt: Awaitable[Attempt]) -> Attempt:
    return await attempt


def _is_enough(attempts: Sequence[Attempt]) -> bool:
    return enough([each.tried for each in attempts if each.tried])
