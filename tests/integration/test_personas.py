"""Personas are objects: made once, completed without a loss, read anew, and named where they are spoilt."""

import asyncio
from dataclasses import replace

import pytest

from kernel.errors import SynthesisFailed
from kernel.objects import SYSTEM_NAMESPACE
from kernel.values import SlotValues, Value
from objectstore.ledger_store import LedgerStore
from objectstore.memory import MemoryLedger
from objectstore.store import NewObject, Update
from synthesizer.personas import ALFRED, BRICK, FULL, NAMES, bootstrap, codex, read

DEFAULT = {each.name: each for each in codex()}
BEFORE = ("core_identity", "protocols", "model_id", "endpoint")


async def opened() -> LedgerStore:
    return await LedgerStore.open(MemoryLedger())


async def slots_of(store: LedgerStore, name: str) -> SlotValues:
    return (await store.get(SYSTEM_NAMESPACE, DEFAULT[name].object_id)).slots or {}


async def edit(store: LedgerStore, name: str, **slots: Value) -> None:
    whole = {**await slots_of(store, name), **slots}
    await store.update(SYSTEM_NAMESPACE, Update(DEFAULT[name].object_id, slots=whole))


async def test_all_are_made_by_several_at_once() -> None:
    store = await opened()
    await asyncio.gather(*(bootstrap(store) for _ in range(4)))
    assert await read(store) == DEFAULT
    for name in NAMES:
        assert await slots_of(store, name) == DEFAULT[name].slots()


async def test_missing_slots_are_added_and_edits_stay() -> None:
    store = await opened()
    brick = DEFAULT[BRICK]
    old = {name: value for name, value in brick.slots().items() if name in BEFORE}
    old.update(core_identity="You are BRICK, edited.", notes="mine")
    await store.create(SYSTEM_NAMESPACE, NewObject(brick.object_id, slots=old))
    await asyncio.gather(*(bootstrap(store) for _ in range(4)))
    assert await slots_of(store, BRICK) == {**brick.slots(), **old}
    assert (await read(store))[BRICK] == replace(brick, core_identity="You are BRICK, edited.")


async def test_a_persona_that_lacks_slots_or_is_gone_is_read_as_it_is_bootstrapped() -> None:
    store = await opened()
    await store.create(SYSTEM_NAMESPACE, NewObject(DEFAULT[BRICK].object_id, slots={"model_id": "big"}))
    assert await read(store) == {**DEFAULT, BRICK: replace(DEFAULT[BRICK], model_id="big")}


async def test_every_slot_can_be_edited() -> None:
    store = await opened()
    await bootstrap(store)
    await edit(
        store, ALFRED, fallback="default", context_tokens=32_000, max_tokens=900, style="full", protocols=["Write."]
    )
    expected = replace(
        DEFAULT[ALFRED],
        fallback="default",
        context_tokens=32_000,
        max_tokens=900,
        style=FULL,
        protocols=("Write.",),
    )
    assert (await read(store))[ALFRED] == expected


@pytest.mark.parametrize(
    ("slot", "value", "wanted"),
    [
        ("core_identity", 7, "a string"),
        ("protocols", "Be kind.", "a list of strings"),
        ("protocols", ["Be kind.", None], "a list of strings"),
        ("model_id", None, "a string"),
        ("endpoint", ["alfred"], "a string"),
        ("fallback", None, "a string"),
        ("context_tokens", "4096", "a whole number"),
        ("context_tokens", True, "a whole number"),
        ("context_tokens", 4096.0, "a whole number"),
        ("max_tokens", 0, "a whole number"),
        ("max_tokens", 4096, "less than context_tokens, which is 4096"),
        ("style", "long", "'short' or 'full'"),
    ],
)
async def test_a_spoilt_slot_is_named(slot: str, value: Value, wanted: str) -> None:
    store = await opened()
    await bootstrap(store)
    await edit(store, ALFRED, **{slot: value})
    with pytest.raises(SynthesisFailed) as failed:
        await read(store)
    assert failed.value.text.startswith(
        f"ALFRED cannot speak: the slot {slot} of persona/alfred in system must be {wanted}"
    )
