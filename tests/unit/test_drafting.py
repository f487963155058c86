"""Waves of drafts: which are judged depends on their numbers alone, and what is not needed is broken off."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

import pytest

from kernel.errors import EndpointUnavailable, StoreUnavailable
from kernel.objects import Finding, Severity
from synthesizer.attempts import Attempt
from synthesizer.drafting import Drafting
from synthesizer.drafts import Draft
from synthesizer.endpoints import ChatMessages
from synthesizer.trial import Tried

ASKED: ChatMessages = ({"role": "user", "content": "task"},)


class Writer:
    """Writes what the letters say, from draft 1 on: a letter is a behaviour, a capital one fails its trial.

    `!` is a draft whose turn fails, `?` one that never comes.
    """

    def __init__(self, script: str, pauses: Mapping[int, float] | None = None) -> None:
        self.script, self.pauses = script, pauses or {}
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.asked: list[ChatMessages] = []

    async def __call__(self, number: int, asked: ChatMessages) -> Attempt:
        self.begun.append(number)
        self.asked.append(asked)
        letter = self.script[number - 1]
        if letter == "?":
            await asyncio.Event().wait()
        await asyncio.sleep(self.pauses.get(number, 0.0))
        self.ended.append(number)
        if letter == "!":
            raise EndpointUnavailable(f"draft {number}")
        draft = Draft(number, f"{letter}{number}")
        if letter == "-":
            return Attempt(draft, (Finding("BAT301", Severity.ERROR, 1, "why"),), None)
        failure = f"fails {number}" if letter.isupper() else ""
        return Attempt(draft, (), Tried(draft, (), 0 if failure else 2, 2, failure, () if failure else (letter,)))


async def judged(writer: Writer, count: int = 3, waves: int = 3) -> list[int]:
    return [each.draft.index for each in await Drafting(writer, count, waves).attempts(ASKED)]


@pytest.mark.parametrize(
    ("script", "numbers"),
    [
        ("aab", [1, 2]),
        ("abaaaa", [1, 2, 3, 4]),
        ("abcabcabc", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("AAAaaa", [1, 2, 3, 4, 5]),
        ("A-AAAAAAA", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("a!a", [1, 3]),
        ("a!baa?", [1, 3, 4, 5]),
        ("!!a!!!", [3]),
        ("aa?", [1, 2]),
    ],
)
async def test_drafts_are_judged_in_the_order_of_their_numbers(script: str, numbers: Sequence[int]) -> None:
    assert await judged(Writer(script)) == numbers


async def test_which_drafts_are_judged_does_not_depend_on_who_is_faster() -> None:
    chance = Random(7)
    for script, numbers in (("baabaa", [1, 2, 3, 4, 5, 6]), ("Abaaaa", [1, 2, 3, 4, 5]), ("aabbbb", [1, 2])):
        for _ in range(8):
            pauses = {number: chance.choice((0.0, 0.002, 0.004)) for number in range(1, 10)}
            assert await judged(Writer(script, pauses)) == numbers


async def test_what_is_not_needed_is_broken_off() -> None:
    writer = Writer("aa?")
    await judged(writer)
    assert (writer.begun, writer.ended) == ([1, 2, 3], [1, 2])
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_a_wave_repairs_two_drafts_where_none_has_passed_and_asks_anew_where_one_has() -> None:
    writer = Writer("AAAaaa")
    await judged(writer)
    repaired = [each[-2]["content"] for each in writer.asked[3:5]]
    assert writer.asked[5] == ASKED
    assert repaired == ["```python\nA1```", "```python\nA2```"]
    writer = Writer("aAAaaa")
    await judged(writer)
    assert writer.asked == [ASKED] * 6


async def test_no_draft_is_corrected_twice() -> None:
    writer = Writer("AAAAAAAAA")
    await judged(writer)
    shown = [each[-2]["content"] for each in writer.asked if each != ASKED]
    assert len(shown) == len(set(shown)) == 4


async def test_where_no_turn_came_and_nothing_passed_the_failure_is_the_endpoints() -> None:
    with pytest.raises(EndpointUnavailable, match="draft 1"):
        await judged(Writer("!!!"))
    with pytest.raises(EndpointUnavailable, match="draft 4"):
        await judged(Writer("AAA!!!"))


async def test_a_failure_of_the_service_ends_it_and_leaves_no_draft_under_way() -> None:
    async def write(number: int, asked: ChatMessages) -> Attempt:
        if number == 1:
            raise StoreUnavailable(f"away, asked {len(asked)}")
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(StoreUnavailable):
        await Drafting(write, 3, 3).attempts(ASKED)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
