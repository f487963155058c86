"""`batctl method` on a store: which version answers, what would change, and what is pinned where."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from batos.addresses import Addresses
from fakes.batctl import Ran, batctl
from fakes.stores import in_memory, serving
from kernel.objects import DEFAULT_NAMESPACE, ObjectId, Provenance, Selector
from objectstore.store import Draft, NewObject, Store

NS = DEFAULT_NAMESPACE
BASE, MAIN, ADD = ObjectId("counter"), ObjectId("counter/main"), Selector("add")


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    """`counter` has two versions of `add`, the second active; `counter/main` and `counter/other` inherit from it."""
    async with in_memory() as kept:
        store = kept.store
        for item, parents in ((BASE, ()), (MAIN, (BASE,)), (ObjectId("counter/other"), (BASE,))):
            await store.create(NS, NewObject(item, parents))
        for number in (1, 2):
            source = f"def add(self):\n    total = {number}\n    return total\n"
            await store.register(NS, Draft(BASE, ADD, source, Provenance("anna")), activate=True)
        yield store


@pytest.fixture
async def addresses(store: Store) -> AsyncGenerator[Addresses]:
    async with serving(store) as address:
        yield Addresses(objectstore=str(address))


async def method(addresses: Addresses, *arguments: str) -> Ran:
    return await batctl("method", *arguments, addresses=addresses)


async def document(addresses: Addresses, *arguments: str) -> Any:
    ran = await method(addresses, *arguments, "-o", "json")
    assert ran.code == 0, ran.stderr
    return json.loads(ran.stdout)


async def test_a_version_is_rolled_back_and_back_again(addresses: Addresses) -> None:
    first = await method(addresses, "rollback", "counter", "add")
    assert first.stderr == "version 1 answers counter.add; before, 2 did\n"
    assert await document(addresses, "rollback", "counter", "add") == {"active": 2, "before": 1}


async def test_what_cannot_be_rolled_back_to_is_told_with_what_to_do(addresses: Addresses) -> None:
    assert (await method(addresses, "retire", "counter", "add", "1")).code == 0
    retired = await method(addresses, "rollback", "counter", "add")
    assert retired.reason == "METHOD_NOT_FOUND"
    assert "version 1 is retired: activate or pin another" in retired.stderr
    nothing = await method(addresses, "rollback", "counter/main", "add")
    assert (nothing.code, nothing.reason) == (retired.code, "METHOD_NOT_FOUND")
    assert "batctl method history" in nothing.stderr


async def test_what_an_activation_would_change_is_listed_before_it_is_done(addresses: Addresses) -> None:
    pinned = await method(addresses, "pin", "counter/other", "add", "2")
    assert pinned.stderr == (
        "version 2 of counter, pinned at counter/other answers add for counter/other; "
        "before, version 2 of counter did\n"
    )
    seen = await method(addresses, "preview", "counter", "add", "1")
    assert seen.stdout == (
        "counter  version 2 of counter -> version 1 of counter\n"
        "counter/main  version 2 of counter -> version 1 of counter\n"
    )
    assert seen.stderr == "2 of 3 objects would change\n"
    nothing = await document(addresses, "preview", "counter", "add", "2")
    assert (nothing["changes"], nothing["changed"]) == ([], 0)
    assert (await method(addresses, "preview", "counter", "add", "9")).reason == "METHOD_NOT_FOUND"


async def test_a_pin_is_shown_where_it_decides_and_taken_away(addresses: Addresses, store: Store) -> None:
    for number in (3, 4):
        await store.register(NS, Draft(MAIN, ADD, f"def add(self):\n    return {number}\n"), activate=True)
    assert (await method(addresses, "pin", "counter/main", "add", "1", "--holder", "counter")).code == 0
    listed = await method(addresses, "list", "counter/main")
    assert listed.stdout == ("add()  version 1 of counter  no evidence  pinned, in place of its active version 2\n")
    shown = await batctl("object", "get", "counter/main", addresses=addresses)
    assert "pin      add  version 1 of counter" in shown.stdout.splitlines()
    lines = (await method(addresses, "history", "counter", "add")).stdout.splitlines()
    assert [line[:5] for line in lines] == ["    1", "     ", "*   2"]
    assert lines[1].strip() == "pinned at counter/main"
    assert "anna" in lines[0]
    assert [each["pinned"] for each in await document(addresses, "history", "counter", "add")] == [["counter/main"], []]
    assert await document(addresses, "unpin", "counter/main", "add") == {
        "after": {"holder": "counter/main", "number": 2, "pinned_at": ""},
        "before": {"holder": "counter", "number": 1, "pinned_at": "counter/main"},
    }


async def test_a_pin_where_nobody_answers_needs_a_holder(addresses: Addresses) -> None:
    far = await method(addresses, "pin", "counter/main", "add", "9")
    assert far.stderr.splitlines()[0] == "error: METHOD_NOT_FOUND: counter.add version 9 does not exist"
    assert (await method(addresses, "activate", "counter", "add", "0")).code == 0
    ran = await method(addresses, "pin", "counter/main", "add", "1")
    assert (ran.code, ran.reason) == (4, "METHOD_NOT_FOUND")
    assert "nobody answers add for counter/main now" in ran.stderr
    assert "--holder OID" in ran.stderr.splitlines()[1]
    assert (await method(addresses, "pin", "counter/main", "add", "1", "--holder", "counter")).code == 0


async def test_a_retired_version_is_told_to_answer_on_where_it_is_pinned(addresses: Addresses) -> None:
    assert (await method(addresses, "pin", "counter/main", "add", "2")).code == 0
    ran = await method(addresses, "retire", "counter", "add", "2")
    said = "retired counter.add version 2; none is active; it answers on where it is pinned: counter/main\n"
    assert ran.stderr == said
    assert await document(addresses, "retire", "counter", "add", "1") == {"active": 0, "retired": 1, "pinned": []}


async def test_a_method_that_an_object_does_not_hold_has_no_history_and_that_is_told(addresses: Addresses) -> None:
    ran = await method(addresses, "history", "counter", "nosuch")
    assert (ran.code, ran.stdout) == (0, "")
    assert ran.stderr == "counter holds no version of nosuch itself; its parents may\n"
    assert await document(addresses, "history", "counter", "nosuch") == []


async def test_a_pin_off_the_lookup_path_is_refused_with_the_right_code(addresses: Addresses) -> None:
    ran = await method(addresses, "pin", "counter", "add", "1", "--holder", "counter/main")
    assert ran.reason == "BAD_ARGUMENTS"
    assert "not on the lookup path" in ran.stderr


async def test_two_versions_are_compared_line_by_line(addresses: Addresses) -> None:
    ran = await method(addresses, "diff", "counter", "add", "1")
    assert ran.stdout == (
        "--- counter.add version 1\n+++ counter.add version 2\n@@ -1,3 +1,3 @@\n def add(self):\n"
        "-    total = 1\n+    total = 2\n     return total\n"
    )
    same = await method(addresses, "diff", "counter", "add", "2", "2")
    assert (same.code, same.stdout, same.stderr) == (0, "", "no difference: 2 and 2 are the same version\n")
    told = await document(addresses, "diff", "counter", "add", "2", "1")
    assert (told["old"], told["new"], len(told["diff"])) == (2, 1, 7)
