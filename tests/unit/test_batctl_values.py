"""JSON on the command line, examples, and ids: what goes in comes out the same."""

import math
import time
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batos import json_values
from batos.examples import Example, Raises, example_from_json, examples_from_json
from batos.identifiers import TraceParent, new_request_id
from batos.json_values import BadJsonError, dumps, loads
from batos.values import INT64_MAX, INT64_MIN, BadValueError, Reference, from_wire, to_wire

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.binary()
    | st.builds(Reference, st.text("abc/", min_size=1))
)
KEYS = st.sampled_from(["$ref", "$bytes", "$map", "$x", "a", ""]) | st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


def spelled(value: object) -> str:
    """As repr, which tells 1 from 1.0 and from True, with maps in one order: theirs is not kept."""
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return repr(sorted((key, spelled(item)) for key, item in entries.items()))
    return repr([spelled(item) for item in cast("list[object]", value)]) if isinstance(value, list) else repr(value)


@given(VALUES)
def test_a_value_written_as_json_is_read_as_the_same_value(value: object) -> None:
    assert spelled(loads(dumps(value))) == spelled(value)


@given(VALUES)
def test_a_value_sent_over_the_wire_arrives_as_the_same_value(value: object) -> None:
    assert spelled(from_wire(to_wire(value))) == spelled(value)


def test_numbers_keep_their_kind() -> None:
    assert dumps([1, 1.0, True, -0.0]) == "[1, 1.0, true, -0.0]"
    assert spelled(loads("[1, 1.0, true, 1e3]")) == spelled([1, 1.0, True, 1000.0])


def test_nan_and_the_infinities_have_words_of_their_own() -> None:
    text = dumps([math.nan, math.inf, -math.inf])
    assert text == '[{"$float": "nan"}, {"$float": "inf"}, {"$float": "-inf"}]'
    assert spelled(loads(text)) == spelled([math.nan, math.inf, -math.inf])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{'a': 1}", "line 1 column 2"),
        ("", "not JSON"),
        ("NaN", '"$float"'),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"$bytes": "%%"}', "not base64"),
        ('{"$bytes": 3}', "$bytes"),
        ('{"$reference": "a"}', "$ref"),
        ("[" * 100 + "]" * 100, "28 levels"),
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ("1" * 5000, "not a value"),
    ],
)
def test_text_that_is_no_value_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(BadJsonError) as refused:
        loads(text)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("thing", [{1: 2}, {1, 2}, 1 << 63, "\ud800", object()])
def test_what_is_no_value_is_not_sent(thing: object) -> None:
    with pytest.raises(BadValueError):
        to_wire(thing)


def test_an_example_says_all_that_the_contract_can() -> None:
    document = json_values.parse(
        '{"before": {"count": 1}, "args": [{"$ref": "unit/eur"}], "kw": {"by": 2}, "now": "2026-01-31T12:00:00Z",'
        ' "seed": 7, "others": {"unit/eur": {"rate": 1.5}}, "result": 3.0, "after": {"count": 3}, "tolerance": 0.1}'
    )
    example = example_from_json(document)
    assert example == Example(
        outcome=3.0,
        before={"count": 1},
        arguments=[Reference("unit/eur")],
        keywords={"by": 2},
        now=datetime(2026, 1, 31, 12, tzinfo=UTC),
        seed=7,
        others={"unit/eur": {"rate": 1.5}},
        after={"count": 3},
        tolerance=0.1,
    )
    wire = example.to_wire()
    assert wire.now.ToDatetime(tzinfo=UTC) == example.now
    assert wire.others["unit/eur"].values["rate"].double_value == 1.5
    assert wire.WhichOneof("outcome") == "result"
    assert wire.WhichOneof("after") == "state_after"


def test_an_example_may_expect_a_failure_and_part_of_the_state() -> None:
    example = example_from_json({"error": "METHOD_RAISED", "exception": "ValueError", "after_contains": {"n": 1}})
    assert example.outcome == Raises("METHOD_RAISED", "ValueError")
    wire = example.to_wire()
    assert (wire.error.reason, wire.error.exception) == ("METHOD_RAISED", "ValueError")
    assert wire.state_after_contains.values["n"].int64_value == 1


def test_an_empty_state_after_is_told_from_none() -> None:
    assert example_from_json({"result": 1, "after": {}}).to_wire().WhichOneof("after") == "state_after"
    assert example_from_json({"result": 1}).to_wire().WhichOneof("after") is None


def test_a_null_result_is_an_outcome() -> None:
    assert example_from_json({"result": None}).to_wire().result.WhichOneof("kind") == "null_value"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (1, "a JSON object such as"),
        ({"argz": [], "result": 1}, "'argz'"),
        ({"args": []}, "either a result or an error"),
        ({"result": 1, "error": "X"}, "either a result or an error"),
        ({"result": 1, "exception": "ValueError"}, "only beside an error"),
        ({"result": 1, "after": {}, "after_contains": {}}, "either after or after_contains"),
        ({"result": 1, "args": {}}, "args is a JSON list"),
        ({"result": 1, "kw": []}, "kw is a JSON object"),
        ({"result": 1, "others": {"a": 1}}, "a is a JSON object"),
        ({"result": 1, "seed": -1}, "seed is an integer"),
        ({"result": 1, "seed": True}, "seed is an integer"),
        ({"result": 1, "tolerance": "x"}, "tolerance is a number"),
        ({"result": 1, "now": "noon"}, "now is a time"),
        ({"error": 3}, "error is a string"),
    ],
)
def test_a_wrong_example_is_refused_with_what_is_wrong(document: object, says: str) -> None:
    with pytest.raises(BadJsonError) as refused:
        examples_from_json([document])
    assert says in str(refused.value)


def test_a_request_id_is_a_uuid_of_version_seven_that_carries_its_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [UUID(new_request_id()) for _ in range(100)]
    after = time.time_ns() // 1_000_000
    assert all((item.version, item.variant) == (7, "specified in RFC 4122") for item in made)
    assert all(before <= item.int >> 80 <= after for item in made)
    assert len(set(made)) == 100


def test_a_traceparent_has_the_form_of_w3c() -> None:
    trace = TraceParent.new()
    version, trace_id, span_id, flags = trace.header().split("-")
    assert (version, len(trace_id), len(span_id), flags) == ("00", 32, 16, "01")
    assert trace_id == trace.trace_id
