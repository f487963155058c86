"""What there is already that may work like the message. Law: found by rule, without a model, in a bound of reads.

| where                                   | at most                                            |
|-----------------------------------------|----------------------------------------------------|
| the lookup path: what answers there     | 8 methods, those with the most alike selectors     |
| siblings: objects whose ids begin with  | 100 objects looked at; 8 of their own methods,     |
| the same segment, and who share a       | those with the most alike selectors                |
| parent with the receiver                |                                                    |
| the target: versions of the selector    | 5, the newest, none that is retired                |

What is found is ranked by `nearness`; BABS picks from the top, and a version of the selector itself may be adopted
unchanged, where it passes everything.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import MethodNotFound, ObjectNotFound
from kernel.messages import Message
from kernel.objects import Definition, MethodRecord, MethodVersion, ObjectId, Selector
from objectstore.store import Store
from synthesizer import disclosure
from synthesizer.admission import Admission, selectors_along
from synthesizer.mission import Mission
from synthesizer.nearness import Shelved, rank, shapes, spelled_alike, takes

MOST_OBJECTS = 100
MOST_METHODS = 8  # of the path, and of siblings; each is a read
MOST_ADOPTABLE = 5
_MOST_KEPT = 4  # methods whose examples are looked at
_LOOKED_AT = 2 * MOST_ADOPTABLE  # versions, some of which may be retired


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a method stands."""

    holder: ObjectId
    selector: Selector


async def mission(store: Store, message: Message, admission: Admission) -> Mission:
    """What a panel is asked about. Raises StoreUnavailable."""
    known, open_ones = await asyncio.gather(shelf(store, message, admission), disclosed(admission))
    return Mission(message, admission.receiver.slots or {}, known, open_ones)


async def disclosed(admission: Admission) -> frozenset[str]:
    """The slots of the receiver that may be shown. Raises StoreUnavailable."""
    along = [await admission.snapshot.slots(name) for name in admission.path]
    return disclosure.allowed([each.slots for each in along if each.slots is not None])


async def shelf(store: Store, message: Message, admission: Admission) -> tuple[MethodVersion, ...]:
    """Methods that may work like the message, the nearest first, each source once. Raises StoreUnavailable."""
    siblings = await _siblings(message, admission)
    along = selectors_along(admission.path, admission.definitions)
    places = _nearest(message, (_Place(holder, selector) for selector, holder in along.items()))
    places += _nearest(message, _own(siblings))
    found, earlier = await asyncio.gather(
        _active(store, message, places), _versions(store, message, admission.definitions[message.target])
    )
    methods = _each_once(record.method for record in (*found, *earlier))
    return await _ranked(store, message, methods)


async def adoptable(store: Store, message: Message, admission: Admission) -> Sequence[MethodVersion]:
    """Versions of the selector that are worth a trial as they are, the best first, at most five.

    They are what siblings answer with, and what the target had before; all take the message, and those that are proved
    better come first. What answers the receiver already is none of them. Raises StoreUnavailable.
    """
    siblings = await _siblings(message, admission)
    places = [_Place(name, message.selector) for name, item in siblings.items() if item.active(message.selector)]
    found, earlier = await asyncio.gather(
        _active(store, message, places[:MOST_METHODS]),
        _versions(store, message, admission.definitions[message.target]),
    )
    answering = {admission.answer[0].method.digest} if admission.answer else set[str]()
    records = [each for each in (*found, *earlier) if takes(each.method, message)]
    levels: dict[str, int] = {}
    for each in records:
        levels[each.method.digest] = max(levels.get(each.method.digest, 0), each.level)
    methods = [each for each in _each_once(each.method for each in records) if each.digest not in answering]
    ranked = rank(message, [Shelved(method) for method in methods])
    best = sorted(ranked, key=lambda item: -levels[item.method.digest])
    return [item.method for item in best[:MOST_ADOPTABLE]]


async def _siblings(message: Message, admission: Admission) -> Mapping[ObjectId, Definition]:
    prefix = message.receiver.partition("/")[0] + "/"
    listed = await admission.snapshot.listed(prefix, MOST_OBJECTS)
    parents = set(admission.definitions[message.receiver].parents)
    return {
        each.object_id: each.definition
        for each in listed
        if each.object_id not in admission.path and parents & set(each.definition.parents)
    }


def _own(siblings: Mapping[ObjectId, Definition]) -> Iterable[_Place]:
    """What siblings hold and answer with."""
    return (
        _Place(name, Selector(selector))
        for name, item in siblings.items()
        for selector, pointer in item.methods.items()
        if pointer.active
    )


def _nearest(message: Message, places: Iterable[_Place]) -> list[_Place]:
    """Those whose selectors are spelled most like the message's: what there is is too much to read all."""
    there = list(places)
    alike = {name: spelled_alike(message.selector, name) for name in {each.selector for each in there}}
    return sorted(there, key=lambda each: (-alike[each.selector], each.holder, each.selector))[:MOST_METHODS]


async def _active(store: Store, message: Message, places: Sequence[_Place]) -> list[MethodRecord]:
    """What answers at each place, where it still does."""
    return await _read(store, message, [(place, 0) for place in places])


async def _versions(store: Store, message: Message, target: Definition) -> list[MethodRecord]:
    """The newest versions of the selector that the target has, but for those that are retired."""
    pointer = target.methods.get(message.selector)
    newest = pointer.latest if pointer else 0
    place = _Place(message.target, message.selector)
    numbers = range(newest, max(newest - _LOOKED_AT, 0), -1)
    records = await _read(store, message, [(place, number) for number in numbers])
    return [each for each in records if not each.retired][:MOST_ADOPTABLE]


async def _read(store: Store, message: Message, wanted: Sequence[tuple[_Place, int]]) -> list[MethodRecord]:
    async def one(place: _Place, number: int) -> MethodRecord | None:
        try:
            return (await store.method(message.namespace, place.holder, place.selector, number))[0]
        except (MethodNotFound, ObjectNotFound):
            return None  # it went meanwhile, or answers by a pin alone

    read = await asyncio.gather(*(one(place, number) for place, number in wanted))
    return [each for each in read if each is not None]


def _each_once(methods: Iterable[MethodVersion]) -> list[MethodVersion]:
    """The methods, one of each source."""
    return list({method.digest: method for method in reversed(list(methods))}.values())[::-1]


async def _ranked(store: Store, message: Message, methods: Sequence[MethodVersion]) -> tuple[MethodVersion, ...]:
    """The nearest first; of the first ones also by the examples that are kept with them."""
    ranked = rank(message, [Shelved(method) for method in methods])
    top, rest = ranked[:_MOST_KEPT], ranked[_MOST_KEPT:]
    kept = await asyncio.gather(
        *(store.kept(message.namespace, item.method.holder, item.method.selector) for item in top)
    )
    known = [
        Shelved(item.method, shapes(each.example for each in examples if not each.withdrawn_by))
        for item, (examples, _) in zip(top, kept, strict=True)
    ]
    return tuple(item.method for item in (*rank(message, known), *rest))
