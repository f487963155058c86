"""What the store promises of transactions, lanes and kept replies."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from fakes.stores import absent, reads_of, writing
from kernel.errors import BadArguments, BadValue, Conflict, LimitExceeded
from kernel.messages import MethodRef
from kernel.objects import DEFAULT_NAMESPACE, Level, Namespace, ObjectId, Policy, Selector
from kernel.transactions import KeptReply, Key, Lane, Part, ReplyName, Transaction, parse_changed
from kernel.values import Packed, pack
from objectstore.store import NewObject, Store, StoredObject, Update

NS = DEFAULT_NAMESPACE
A, B, GONE = ObjectId("a"), ObjectId("b"), ObjectId("gone")


@pytest.fixture
def lanes() -> "itertools.count[int]":
    return itertools.count(1)


@pytest.fixture
async def a(store: Store) -> StoredObject:
    return await store.create(NS, NewObject(A, slots={"n": 0}))


@pytest.fixture
async def b(store: Store) -> StoredObject:
    return await store.create(NS, NewObject(B, slots={"n": 0}))


def reply_of(stored: StoredObject, request_id: str = "r1", principal: str = "local/x y") -> KeptReply:
    method = MethodRef(stored.object_id, Selector("add"), 1, "00ff", Level.EXAMPLES)
    return KeptReply(stored.object_id, stored.definition.incarnation, principal, request_id, "d1", [1, None], method)


async def test_a_commit_writes_several_objects_at_one_revision(store: Store, a: StoredObject, b: StoredObject) -> None:
    token = await store.commit(writing(a, b, slots={"n": 7}), Lane("l", 1))
    for name in (A, B):
        found = await store.get(NS, name)
        assert (found.slots, found.slots_revision) == ({"n": 7}, token.revision)
        assert found.definition_revision in {a.definition_revision, b.definition_revision}


async def test_a_commit_of_what_changed_meanwhile_is_a_conflict_and_writes_nothing(
    store: Store, a: StoredObject, b: StoredObject
) -> None:
    await store.update(NS, Update(A, slots={"n": 1}))
    with pytest.raises(Conflict) as conflict:
        await store.commit(writing(a, b, slots={"n": 7}), Lane("l", 1))
    assert conflict.value.fields["changed"] == "a:slots"
    assert (await store.get(NS, B)).slots == {"n": 0}
    await store.update(NS, Update(B, policy=Policy(never=("drop",))))
    with pytest.raises(Conflict) as conflict:
        await store.commit(writing(await store.get(NS, A), b, slots={"n": 7}), Lane("l", 1))
    assert conflict.value.fields["changed"] == "b:definition"
    await store.commit(writing(await store.get(NS, A), await store.get(NS, B), slots={"n": 7}), Lane("l", 1))


async def test_two_commits_that_read_what_the_other_writes_are_not_both_made(
    store: Store, a: StoredObject, b: StoredObject
) -> None:
    both = reads_of(a, b)
    commits = [store.commit(Transaction(NS, both, {name: pack({"n": 1})}), Lane(f"lane-{name}", 1)) for name in (A, B)]
    results = await asyncio.gather(*commits, return_exceptions=True)
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True]


async def test_an_absence_that_was_read_must_still_be_one(store: Store, a: StoredObject) -> None:
    reads = {**reads_of(a), **absent(GONE)}
    await store.commit(Transaction(NS, reads, {A: pack({"n": 1})}), Lane("l", 1))
    reads = {**reads_of(await store.get(NS, A)), **absent(GONE)}
    await store.create(NS, NewObject(GONE))
    with pytest.raises(Conflict):
        await store.commit(Transaction(NS, reads, {A: pack({"n": 2})}), Lane("l", 2))
    assert (await store.get(NS, A)).slots == {"n": 1}


async def test_a_commit_without_writes_validates_what_was_read(store: Store, a: StoredObject) -> None:
    reads = {**reads_of(a), **absent(GONE)}
    token = await store.commit(Transaction(NS, reads), Lane("l", 1))
    assert token.revision >= a.slots_revision
    await store.update(NS, Update(A, slots={"n": 1}))
    with pytest.raises(Conflict) as conflict:
        await store.commit(Transaction(NS, reads), Lane("l", 1))
    assert conflict.value.fields["changed"] == "a:slots"


async def test_a_commit_for_an_object_made_anew_is_a_conflict(store: Store, a: StoredObject) -> None:
    await store.delete(NS, A)
    await store.create(NS, NewObject(A, slots={"n": 0}))
    with pytest.raises(Conflict):
        await store.commit(writing(a, slots={"n": 7}), Lane("l", 1))


async def test_only_what_was_read_and_is_there_can_be_written(store: Store, a: StoredObject) -> None:
    slots_alone = {Key(A, Part.SLOTS): a.slots_revision}
    for reads in (slots_alone, {**reads_of(a), Key(A, Part.DEFINITION): 0}, {}):
        with pytest.raises(BadArguments):
            await store.commit(Transaction(NS, reads, {A: pack({"n": 1})}), Lane("l", 1))
    with pytest.raises(BadArguments):
        await store.commit(Transaction(NS, {}, {}, (reply_of(a),)), Lane("l", 1))
    with pytest.raises(BadValue):
        await store.commit(writing(a, slots={"resend": 1}), Lane("l", 1))


async def test_too_much_for_one_commit_is_refused(store: Store, a: StoredObject) -> None:
    many = {Key(ObjectId(f"x{n}"), Part.SLOTS): 0 for n in range(119)}
    await store.commit(Transaction(NS, {**many, Key(A, Part.SLOTS): a.slots_revision}), Lane("l", 1))
    with pytest.raises(LimitExceeded):
        await store.commit(Transaction(NS, {**many, **reads_of(a)}, {A: pack({})}), Lane("l", 1))
    with pytest.raises(LimitExceeded):
        await store.commit(writing(a, slots={"n": b"x" * (1 << 20)}), Lane("l", 1))


async def test_thirty_objects_are_written_at_once(store: Store) -> None:
    made = [await store.create(NS, NewObject(ObjectId(f"x{n}"))) for n in range(30)]
    transaction = replace(writing(*made, slots={"n": "x" * 1000}), replies=(reply_of(made[0]),))
    token = await store.commit(transaction, Lane("l", 1))
    revisions = {(await store.get(NS, each.object_id)).slots_revision for each in made}
    assert revisions == {token.revision}


async def test_forty_increments_at_once_are_all_counted(store: Store, a: StoredObject) -> None:
    async def increment(worker: int) -> None:
        for number in itertools.count(1):
            found = await store.get(NS, A)
            assert found.slots is not None
            slots = {"n": int(str(found.slots["n"])) + 1}
            try:
                await store.commit(writing(found, slots=slots), Lane(f"worker-{worker}", number))
            except Conflict:
                await asyncio.sleep(0.001 * worker)
            else:
                return

    await asyncio.gather(*(increment(worker) for worker in range(40)))
    assert (await store.get(NS, A)).slots == {"n": 40}


async def test_a_reply_is_kept_with_the_effects_it_tells_of(store: Store, a: StoredObject) -> None:
    reply = reply_of(a)
    await store.commit(replace(writing(a, slots={"n": 1}), replies=(reply,)), Lane("l", 1))
    key = (A, reply.incarnation, reply.principal, reply.request_id)
    assert (await store.kept_reply(NS, *key))[0] == reply
    assert (await store.kept_reply(Namespace("elsewhere"), *key))[0] is None
    for other in ((A, "0", *key[2:]), (*key[:2], "other", key[3]), (*key[:3], "r2")):
        assert (await store.kept_reply(NS, *other))[0] is None


@pytest.mark.parametrize(
    "wrong",
    [
        *({"incarnation": each} for each in ("", "x//y/z", "another", "0123456789ABCDEF", "0123456789abcdef0")),
        *({"principal": each} for each in ("", "p" * 257)),
        *({"request_id": each} for each in ("", "r" * 65)),
    ],
)
async def test_a_reply_whose_key_nobody_could_read_is_refused(
    store: Store, a: StoredObject, wrong: dict[str, str]
) -> None:
    reply = replace(reply_of(a), **wrong)
    with pytest.raises(BadArguments, match="a kept reply names"):
        await store.commit(replace(writing(a, slots={"n": 1}), replies=(reply,)), Lane("l", 1))


async def test_one_request_takes_effect_once(store: Store, a: StoredObject) -> None:
    await store.commit(replace(writing(a, slots={"n": 1}), replies=(reply_of(a),)), Lane("l", 1))
    again = await store.get(NS, A)
    with pytest.raises(Conflict) as conflict:
        await store.commit(replace(writing(again, slots={"n": 2}), replies=(reply_of(a),)), Lane("l", 2))
    assert conflict.value.changed == ("reply:a:local%2Fx%20y:r1",)
    assert parse_changed(conflict.value.changed[0]) == ReplyName(A, "local/x y", "r1")
    assert (await store.get(NS, A)).slots == {"n": 1}


async def test_a_reply_without_effects_is_kept_too_and_goes_with_its_object(store: Store, a: StoredObject) -> None:
    reply = reply_of(a)
    await store.commit(Transaction(NS, reads_of(a), replies=(reply,)), Lane("l", 1))
    assert (await store.kept_reply(NS, A, reply.incarnation, reply.principal, "r1"))[0] == reply
    assert (await store.get(NS, A)).slots_revision == a.slots_revision
    await store.delete(NS, A)
    assert (await store.kept_reply(NS, A, reply.incarnation, reply.principal, "r1"))[0] is None


async def test_a_number_of_a_lane_is_used_once(store: Store, a: StoredObject) -> None:
    await store.commit(writing(a, slots={"n": 1}), Lane("l", 3))
    for number in (3, 2):
        with pytest.raises(BadArguments, match="used already"):
            await store.commit(writing(await store.get(NS, A), slots={"n": 2}), Lane("l", number))
    await store.commit(writing(await store.get(NS, A), slots={"n": 2}), Lane("l", 9))
    assert (await store.get(NS, A)).slots == {"n": 2}


async def test_lanes_have_names_of_letters_digits_and_dashes(store: Store, a: StoredObject) -> None:
    for lane in (Lane("", 1), Lane("a/b", 1), Lane("x" * 65, 1), Lane("l", 0)):
        with pytest.raises(BadArguments):
            await store.commit(writing(a, slots={"n": 1}), lane)


async def test_a_commit_that_was_made_is_settled_with_its_token(store: Store, a: StoredObject) -> None:
    token = await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
    for _ in range(2):
        assert await store.settle(NS, Lane("l", 1)) == token


async def test_a_commit_that_was_not_made_never_will_be_once_it_is_settled(store: Store, a: StoredObject) -> None:
    for lane in (Lane("unheard-of", 1), Lane("l", 4)):
        for _ in range(2):
            assert await store.settle(NS, lane) is None
        with pytest.raises(BadArguments, match="used already"):
            await store.commit(writing(a, slots={"n": 1}), lane)
    assert (await store.get(NS, A)).slots == {"n": 0}
    await store.commit(writing(a, slots={"n": 1}), Lane("l", 5))


async def test_a_commit_that_was_refused_is_settled_as_not_made(store: Store, a: StoredObject) -> None:
    await store.update(NS, Update(A, slots={"n": 1}))
    with pytest.raises(Conflict):
        await store.commit(writing(a, slots={"n": 2}), Lane("l", 1))
    assert await store.settle(NS, Lane("l", 1)) is None


async def test_a_lane_that_has_gone_on_settles_nothing_behind_it(store: Store, a: StoredObject) -> None:
    await store.commit(writing(a, slots={"n": 1}), Lane("l", 2))
    with pytest.raises(BadArguments, match="gone on"):
        await store.settle(NS, Lane("l", 1))


async def test_lanes_of_one_name_are_apart_in_two_namespaces(store: Store, a: StoredObject) -> None:
    other = Namespace("elsewhere")
    made = await store.create(other, NewObject(A))
    token = await store.commit(writing(a, slots={"n": 1}), Lane("l", 1))
    await store.commit(writing(made, slots={"n": 2}, namespace=other), Lane("l", 1))
    assert await store.settle(NS, Lane("l", 1)) == token


async def test_a_conflict_names_everything_that_changed(store: Store) -> None:
    made = [await store.create(NS, NewObject(ObjectId(f"x{n}"))) for n in range(20)]
    transaction = replace(writing(*made, slots={}), replies=(reply_of(made[0]), reply_of(made[1], "r2")))
    await store.commit(transaction, Lane("l", 1))
    with pytest.raises(Conflict) as conflict:
        await store.commit(transaction, Lane("l", 2))
    slots = {Key(each.object_id, Part.SLOTS) for each in made}
    replies = {ReplyName(made[n].object_id, "local/x y", f"r{n + 1}") for n in range(2)}
    assert {parse_changed(name) for name in conflict.value.changed} == slots | replies


async def test_two_replies_of_one_transaction_are_of_two_requests(store: Store, a: StoredObject) -> None:
    with pytest.raises(BadArguments):
        await store.commit(replace(writing(a, slots={}), replies=(reply_of(a), reply_of(a))), Lane("l", 1))


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1",
        b"\x93\x01\x02\x03",
        b"\x81\x01\x02",
        pack({"n": 1})[:-1],
        pack({"n": 1}) + b"\x00",
        b"\x81\xa1n\xcd\x00\x01",
        b"\x82\xa1b\x01\xa1a\x02",
        b"\x81\xa1n\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\xa1n\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01",
        b"\x81\xa1n\xc7\x01\x01A",
        b"\x81\xa1n\xc7\x01\x07x",
        b"\x81\xa1n\x81\x01\x02",
        b"\x81\xa1n\xa1\xff",
        b"\x81\xa6resend\x01",
    ],
    ids=bytes.hex,
)
async def test_bytes_that_are_no_canonical_slots_are_refused(store: Store, a: StoredObject, data: bytes) -> None:
    with pytest.raises(BadValue):
        await store.commit(Transaction(NS, reads_of(a), {A: Packed(data)}), Lane("l", 1))
    assert (await store.get(NS, A)).slots == {"n": 0}
