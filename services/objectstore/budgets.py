"""What may be spent in an hour. Law: money is reserved before it is spent, of every budget or of none.

A counter is a key for an object and an hour. A reservation is a key too, by its name: it is put in the transaction that
raises the counters, and marked in the one that settles it, so that each happens once however often it is asked for. Who
dies between the two has spent all that was reserved.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from kernel.errors import BadArguments, BudgetExhausted
from kernel.objects import Namespace, ObjectId
from objectstore import flight_records, records
from objectstore.core import Core, persist
from objectstore.flight_keys import ReservationKey, SpentKey
from objectstore.flight_records import Reserved, Spent
from objectstore.flights import Budget, Reservation
from objectstore.ledger import Entry, Span, Step

HOUR: Final = 3600
_KEPT_SECONDS: Final = 3 * HOUR  # for which an hour's counters stay after their last change
_LONGEST_NAME: Final = 128


class Budgets:
    """The part of the flights that counts what is spent; see Flights for what each method promises."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # Those who ask one server would only race each other for the same counters.
        self._turn = asyncio.Lock()

    async def reserve(
        self, namespace: Namespace, budgets: Sequence[Budget], tokens: int, *, name: str = ""
    ) -> Reservation:
        """See Flights."""
        if tokens < 0:
            raise BadArguments("tokens are reserved from 0", field="tokens")
        if len(name) > _LONGEST_NAME:
            raise BadArguments(f"a reservation's name has at most {_LONGEST_NAME} characters", field="name")
        name = name or secrets.token_hex(16)
        async with self._turn:
            return await persist(lambda: self._reserve(namespace, budgets, tokens, name))

    async def settle(self, reservation: Reservation, tokens: int, *, begun: bool = True) -> None:
        """See Flights."""
        if tokens < 0:
            raise BadArguments("tokens are spent from 0", field="tokens")
        if not reservation.name:
            raise BadArguments("a reservation is settled by the name that it was given", field="reservation.name")
        async with self._turn:
            await persist(lambda: self._settle(reservation, tokens if begun else 0, begun=begun))

    async def spent(self, namespace: Namespace, objects: Sequence[ObjectId]) -> Mapping[ObjectId, tuple[int, int]]:
        """See Flights."""
        hour = int(self._core.now() // HOUR)
        keys = [SpentKey(namespace, item, hour).encode() for item in objects]
        found = await self._core.read_all([Span.key(key) for key in keys])
        counted = [_spent(entries) for entries in found]
        return {item: (each.tokens, each.syntheses) for item, each in zip(objects, counted, strict=True)}

    async def _reserve(
        self, namespace: Namespace, budgets: Sequence[Budget], tokens: int, name: str
    ) -> Reservation | None:
        now = self._core.now()
        hour = int(now // HOUR)
        place = ReservationKey(namespace, name).encode()
        by_key = {SpentKey(namespace, budget.object_id, hour).encode(): budget for budget in budgets}
        reading = await self._core.ledger.read(Span.key(place), *map(Span.key, by_key))
        if (there := reading.only(0)) is not None:
            return flight_records.reserved(there.value).reservation
        same, passing = {place: 0}, dict[bytes, bytes]()
        for (key, budget), entries in zip(by_key.items(), reading.spans[1:], strict=True):
            before = _spent(entries)
            _check(budget, before, tokens, HOUR - now % HOUR)
            same[key] = entries[0].revision if entries else 0
            passing[key] = records.encode(Spent(before.tokens + tokens, before.syntheses + 1))
        reservation = Reservation(namespace, hour, tokens, tuple(each.object_id for each in by_key.values()), name)
        passing[place] = records.encode(Reserved(reservation))
        step = Step(same, passing=passing, seconds=_KEPT_SECONDS)
        return None if (await self._core.lanes.take(step)).revision is None else reservation

    async def _settle(self, reservation: Reservation, tokens: int, *, begun: bool) -> bool | None:
        """True once it is settled; None where others changed the counters meanwhile."""
        namespace = reservation.namespace
        place = ReservationKey(namespace, reservation.name).encode()
        keys = [SpentKey(namespace, item, reservation.hour).encode() for item in reservation.objects]
        reading = await self._core.ledger.read(Span.key(place), *map(Span.key, keys))
        there = reading.only(0)
        reserved = flight_records.reserved(there.value) if there else None
        if there is None or reserved is None or reserved.settled:
            return True
        same, passing = {place: there.revision}, {place: records.encode(Reserved(reserved.reservation, settled=True))}
        for key, entries in zip(keys, reading.spans[1:], strict=True):
            if not entries:
                continue  # its hour is long over
            before = _spent(entries)
            after = max(0, before.tokens + tokens - reserved.reservation.tokens)
            same[key] = entries[0].revision
            passing[key] = records.encode(Spent(after, max(0, before.syntheses - (not begun))))
        step = Step(same, passing=passing, seconds=_KEPT_SECONDS)
        return None if (await self._core.lanes.take(step)).revision is None else True


def _spent(entries: Sequence[Entry]) -> Spent:
    return flight_records.spent(entries[0].value) if entries else Spent()


def _check(budget: Budget, spent: Spent, tokens: int, seconds: float) -> None:
    """Raises BudgetExhausted where it does not allow one more synthesis with so many tokens."""
    for what, allowed, used, wanted in (
        ("syntheses", budget.syntheses, spent.syntheses, 1),
        ("tokens", budget.tokens, spent.tokens, tokens),
    ):
        if allowed is None or used + wanted <= allowed:
            continue
        left = max(0, allowed - used)
        fact = f"{budget.object_id} allows {allowed} {what} an hour, {left} are left, and {wanted} are needed"
        ever = wanted <= allowed
        advice = f"the next hour begins in {seconds:.0f} s" if ever else "raise the budget of its policy"
        fields = {"object": budget.object_id, "budget": what, "allowed": str(allowed), "left": str(left)}
        raise BudgetExhausted(f"{fact}: {advice}", round(seconds, 1) if ever else None, **fields)
