"""Keys: what is encoded is parsed, none begins another, and ids keep their order."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.objects import Namespace, ObjectId, Selector
from objectstore.flight_keys import (
    AgeKey,
    CancelledKey,
    DraftingKey,
    EventKey,
    FlightKey,
    LeftKey,
    ReservationKey,
    SetbackKey,
    SpentKey,
    SynthesisKey,
    all_left,
    events_after,
)
from objectstore.keys import (
    META,
    CallKey,
    DefinitionKey,
    EdgeKey,
    EvidenceKey,
    ExampleKey,
    LaneKey,
    MemberKey,
    ReplyKey,
    RetiredKey,
    SlotsKey,
    StoredKey,
    VersionKey,
    owned,
    parse,
    span,
    watched,
)
from objectstore.ledger import Span

SEGMENTS = st.sampled_from(["a", "a-b", "a.b", "ab", "0", "_", "d", "o", "m", "retired", "a..b", "meta"])
IDS = st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda segments: ObjectId("/".join(segments)))
NAMESPACES = st.sampled_from([Namespace("default"), Namespace("default-2"), Namespace("meta"), Namespace("d")])
SELECTORS = st.sampled_from([Selector("add"), Selector("adds"), Selector("retired")])
INCARNATIONS = st.sampled_from(["0123456789abcdef", "fedcba9876543210"])
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
WORDS = st.sampled_from(["l", "l1", "lane-1"])
HEX = st.sampled_from(["00" * 8, "0f" * 8])
VERSIONS = st.builds(VersionKey, NAMESPACES, IDS, INCARNATIONS, SELECTORS, st.integers(1, (1 << 63) - 1))
SYNTHESES = st.builds(SynthesisKey, NAMESPACES, WORDS)
KEYS: st.SearchStrategy[StoredKey] = st.one_of(
    st.builds(DefinitionKey, NAMESPACES, IDS),
    st.builds(SlotsKey, NAMESPACES, IDS),
    st.builds(EdgeKey, NAMESPACES, IDS, IDS),
    VERSIONS,
    st.builds(EvidenceKey, VERSIONS, st.integers(0, 10**15), HEX),
    st.builds(RetiredKey, VERSIONS),
    st.builds(ExampleKey, NAMESPACES, IDS, INCARNATIONS, SELECTORS, HEX),
    st.builds(CallKey, NAMESPACES, IDS, INCARNATIONS, SELECTORS, st.integers(0, 99)),
    st.builds(ReplyKey, NAMESPACES, IDS, INCARNATIONS, ANY_TEXT, ANY_TEXT),
    st.builds(FlightKey, NAMESPACES, IDS, SELECTORS),
    SYNTHESES,
    st.builds(EventKey, SYNTHESES, st.integers(1, 10**9)),
    st.builds(LeftKey, SYNTHESES, HEX),
    st.builds(DraftingKey, SYNTHESES),
    st.builds(CancelledKey, SYNTHESES),
    st.builds(AgeKey, SYNTHESES, st.integers(0, 10**15)),
    st.builds(SpentKey, NAMESPACES, IDS, st.integers(0, 10**7)),
    st.builds(ReservationKey, NAMESPACES, ANY_TEXT),
    st.builds(SetbackKey, NAMESPACES, IDS, SELECTORS),
    st.builds(LaneKey, NAMESPACES, WORDS),
    st.builds(MemberKey, NAMESPACES, WORDS, WORDS),
)


@given(KEYS)
def test_what_is_encoded_is_parsed(key: StoredKey) -> None:
    assert parse(key.encode()) == key


@given(st.lists(KEYS, min_size=2, max_size=12))
def test_no_key_begins_another(keys: list[StoredKey]) -> None:
    encoded = {key.encode() for key in keys} | {META}
    assert not [pair for pair in permutations(encoded, 2) if pair[0].startswith(pair[1])]


@given(st.lists(IDS, unique=True), NAMESPACES)
def test_ids_keep_their_order_in_every_kind_of_key(ids: list[ObjectId], namespace: Namespace) -> None:
    ordered = sorted(ids, key=lambda each: f"{each}//")
    for kind in (DefinitionKey, SlotsKey):
        assert [kind(namespace, each).encode() for each in ordered] == sorted(
            kind(namespace, each).encode() for each in ids
        )


@given(VERSIONS, st.integers(1, (1 << 63) - 1))
def test_versions_sort_by_number(key: VersionKey, number: int) -> None:
    other = VersionKey(key.namespace, key.object_id, key.incarnation, key.selector, number)
    assert (other.encode() < key.encode()) == (number < key.number)


def inside(key: bytes, within: Span) -> bool:
    return within.begin <= key < within.end


@given(KEYS, IDS, NAMESPACES)
def test_what_an_object_owns_is_its_own(key: StoredKey, object_id: ObjectId, namespace: Namespace) -> None:
    of = key.version if isinstance(key, EvidenceKey | RetiredKey) else key
    owner = getattr(of, "namespace", None), getattr(of, "object_id", None)
    kept = isinstance(key, VersionKey | EvidenceKey | RetiredKey | ExampleKey | CallKey | ReplyKey)
    found = any(inside(key.encode(), each) for each in owned(namespace, object_id))
    assert found == (kept and owner == (namespace, object_id))


@given(KEYS, NAMESPACES)
def test_definitions_and_slots_of_a_namespace_are_watched(key: StoredKey, namespace: Namespace) -> None:
    if isinstance(key, DefinitionKey | SlotsKey):
        assert inside(key.encode(), watched(namespace)) == (key.namespace == namespace)


@given(KEYS, VERSIONS)
def test_what_lies_beside_a_version_is_its_own(key: StoredKey, version: VersionKey) -> None:
    expected = isinstance(key, EvidenceKey | RetiredKey) and key.version == version
    assert inside(key.encode(), version.beside()) == expected


@given(KEYS, SYNTHESES, st.integers(0, 100))
def test_what_lies_beside_a_synthesis_is_its_own(key: StoredKey, synthesis: SynthesisKey, after: int) -> None:
    told = isinstance(key, EventKey) and key.synthesis == synthesis and key.number > after
    assert inside(key.encode(), events_after(synthesis, after)) == told
    left = isinstance(key, LeftKey) and key.synthesis == synthesis
    assert inside(key.encode(), all_left(synthesis)) == left


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_newer_syntheses_sort_before_older_ones(one: int, other: int) -> None:
    keys = [AgeKey(SynthesisKey(Namespace("n"), "s"), created).encode() for created in (one, other)]
    assert (keys[0] < keys[1]) == (one > other)


def test_a_span_is_all_that_begins_so() -> None:
    edges = span(Namespace("n"), "c", "a//")
    assert inside(EdgeKey(Namespace("n"), ObjectId("a"), ObjectId("z")).encode(), edges)
    assert not inside(EdgeKey(Namespace("n"), ObjectId("a/b"), ObjectId("z")).encode(), edges)


@pytest.mark.parametrize("text", ["/batos/meta//", "/batos/n/z/a//", "/batos/n/d/a", "/batos/n/m/a//i/add/7", "/other"])
def test_what_is_no_key_of_a_namespace_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no key of the store"):
        parse(text.encode())
