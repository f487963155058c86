"""What usually goes together waits for a lull, what comes alone for nothing, and nothing for ever."""

import asyncio
import time

from dispatcher.lulls import LONGEST_SECONDS, TURNS, Lull


class Trips:
    """What waits, and how much each beginning took."""

    def __init__(self, usual: int = 1, enough: int = 100) -> None:
        self.waiting = 0
        self.taken: list[int] = []
        self.lull = Lull(lambda: self.waiting, self._begin, enough)
        for _ in range(20):
            self.lull.began(usual)

    def come(self, count: int = 1) -> None:
        self.waiting += count
        self.lull.plan()

    def _begin(self) -> None:
        self.taken.append(self.waiting)
        self.waiting = 0


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_comes_alone_begins_in_the_next_turn_with_what_came_in_the_same() -> None:
    trips = Trips()
    trips.come()
    trips.come()
    await turns(2)
    assert trips.taken == [2]


async def test_what_usually_goes_together_waits_for_a_lull_which_what_comes_puts_off() -> None:
    trips = Trips(usual=4)
    for _ in range(5):
        trips.come()
        await turns(4 * TURNS - 2)
        assert trips.taken == []
    await turns(5)
    assert trips.taken == [5]


async def test_when_enough_is_there_no_lull_is_waited_for() -> None:
    trips = Trips(usual=50, enough=60)
    trips.come(59)
    await turns(3)
    assert trips.taken == []
    trips.come()
    await turns(2)
    assert trips.taken == [60]


async def test_nothing_waits_longer_than_the_longest_wait() -> None:
    trips, began = Trips(usual=10_000, enough=1_000_000_000), time.monotonic()
    async with asyncio.timeout(10):
        while not trips.taken:
            trips.come()
            await turns(1)
    assert time.monotonic() - began >= LONGEST_SECONDS * 0.9


async def test_where_fewer_come_than_usually_that_is_soon_the_usual() -> None:
    trips = Trips(usual=32)
    for _ in range(6):
        trips.lull.began(1)
    trips.come()
    await turns(2)
    assert trips.taken == [1]
