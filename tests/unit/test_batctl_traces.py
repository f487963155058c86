"""Traces: what is kept of them, within bounds, and how one reads as a tree."""

import os
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from batos.cli.tree import summary_line, tree_document, tree_lines
from batos.local.spans import Span, Trace, TraceFolder, trace_of
from batos.local.traces import SPANS_OF_ONE, TraceKeeper

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SEND = "batos.v1.Dispatcher/Send"


def span(
    number: int,
    parent: int,
    name: str,
    begin: float,
    end: float,
    *,
    failed: bool = False,
    trace: str = TRACE,
    **told: object,
) -> Span:
    """A span; times are in milliseconds."""
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}",
        name=name,
        service="dispatcher" if number < 4 else "synthesizer",
        start=int(begin * 1e6),
        end=int(end * 1e6),
        failed=failed,
        attributes={key.replace("__", "."): value for key, value in told.items()},
    )


def miss() -> Trace:
    spans = [
        span(3, 1, "activate", 90, 95),
        span(2, 1, "lookup", 1, 2, batos__understood=False),
        span(4, 2, "synthesize", 3, 80),
        span(1, 99, SEND, 0, 100, batos__object__id="counter/main", batos__selector="increment"),
        span(6, 4, "chat tiny", 30, 70, failed=True, error__type="timeout", batos__persona="BABS"),
        span(5, 4, "chat tiny", 4, 20, batos__persona="BRICK", gen_ai__usage__output_tokens=42),
    ]
    return Trace(TRACE, spans)


def test_a_tree_shows_every_span_below_its_parent_in_the_order_they_began() -> None:
    head, *lines = [line.plain for line in tree_lines(miss())]
    assert head.startswith(f"trace {TRACE}  ")
    assert head.endswith("100.0 ms  6 spans  dispatcher, synthesizer")
    assert lines == [
        f"{SEND}        0.0      100.0 ms  dispatcher   object.id=counter/main selector=increment",
        "├─ lookup                       1.0        1.0 ms  dispatcher   understood=False",
        "│  └─ synthesize                3.0       77.0 ms  synthesizer",
        "│     ├─ chat tiny              4.0       16.0 ms  synthesizer  persona=BRICK output_tokens=42",
        "│     └─ chat tiny             30.0       40.0 ms  synthesizer  persona=BABS error.type=timeout",
        "└─ activate                    90.0        5.0 ms  dispatcher",
    ]


def test_the_two_spans_of_one_rpc_are_one_line_and_what_is_above_is_not_told_again() -> None:
    spans = [
        span(1, 0, SEND, 0, 9, batos__selector="add"),
        span(2, 1, "S/Commit", 1, 8, batos__selector="add"),
        span(4, 2, "S/Commit", 2, 7, batos__commit__writes=1),
        span(5, 4, "Txn", 3, 4, batos__selector="other"),
    ]
    lines = [line.plain.split() for line in tree_lines(Trace(TRACE, spans))]
    assert lines[2] == ["└─", "S/Commit", "1.0", "7.0", "ms", "dispatcher", ">", "synthesizer", "commit.writes=1"]
    assert lines[3] == ["└─", "Txn", "3.0", "1.0", "ms", "synthesizer", "selector=other"]


def test_a_tree_as_json_has_the_same_shape() -> None:
    (root,) = cast("Any", tree_document(miss())["spans"])
    assert [child["name"] for child in root["children"]] == ["lookup", "activate"]
    assert root["children"][0]["children"][0]["children"][1]["failed"] is True


def test_spans_whose_parents_did_not_come_are_roots() -> None:
    lines = [line.plain for line in tree_lines(Trace(TRACE, [span(1, 7, "a", 0, 1), span(2, 8, "b", 1, 2)]))]
    assert [line.split()[0] for line in lines[1:]] == ["a", "b"]


def test_spans_that_are_their_own_ancestors_are_shown_and_do_not_hang() -> None:
    circle = [span(1, 2, "a", 0, 1), span(2, 1, "b", 1, 2), span(3, 3, "c", 2, 3)]
    assert len(list(tree_lines(Trace(TRACE, circle)))) == 4


def test_names_and_attributes_cannot_move_the_cursor() -> None:
    hostile = span(1, 0, "a\x1b[2J\nb", 0, 1, batos__selector="\x1b]0;x\x07")
    text = "\n".join(line.plain for line in tree_lines(Trace(TRACE, [hostile])))
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


def test_a_line_of_a_list_tells_what_the_trace_is_of() -> None:
    line = summary_line(miss()).plain
    assert line.startswith(TRACE)
    assert line.endswith(f"{SEND}  counter/main increment")


def test_a_trace_is_read_as_it_was_written() -> None:
    assert trace_of(miss().text()).text() == miss().text()


def keep(keeper: TraceKeeper, *numbers: int) -> None:
    keeper.keep([span(number, 0, SEND, number, number + 1, trace=f"{number:032x}") for number in numbers])


def test_the_last_traces_are_kept_on_disk_and_the_oldest_dropped(tmp_path: Path) -> None:
    keeper = TraceKeeper(tmp_path, limit=3)
    keep(keeper, 1, 2, 3)
    keeper.write()
    keep(keeper, 1)  # a late span makes it the newest
    keep(keeper, 4)
    keeper.write()
    assert {file.stem for file in (tmp_path / "traces").glob("*.json")} == {f"{n:032x}" for n in (3, 1, 4)}
    found = TraceFolder(tmp_path).find(f"{1:032x}")
    assert found is not None
    assert len(found.spans) == 2


def test_traces_outlive_who_kept_them_and_stay_within_the_limit(tmp_path: Path) -> None:
    keeper = TraceKeeper(tmp_path)
    keep(keeper, *range(1, 6))
    keeper.write()
    for number in range(1, 6):
        os.utime(tmp_path / "traces" / f"{number:032x}.json", (number, number))
    again = TraceKeeper(tmp_path, limit=2)
    again.write()
    keep(again, 9)
    again.write()
    assert [trace.trace_id for trace in TraceFolder(tmp_path).newest()] == [f"{n:032x}" for n in (9, 5)]


def test_a_trace_of_endless_spans_is_cut(tmp_path: Path) -> None:
    keeper = TraceKeeper(tmp_path)
    keeper.keep(span(number, 0, "x", 0, 1) for number in range(SPANS_OF_ONE + 10))
    keeper.write()
    found = TraceFolder(tmp_path).find(TRACE)
    assert found is not None
    assert len(found.spans) == SPANS_OF_ONE


def test_a_file_that_is_no_trace_is_passed_over_and_dropped_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    for name, text in (("a" * 32, "{"), ("b" * 32, "[]"), ("c" * 32, '{"trace": "x"}')):
        (folder / f"{name}.json").write_text(text)
    assert list(TraceFolder(tmp_path).newest()) == []
    TraceKeeper(tmp_path)
    assert list(folder.glob("*.json")) == []


def test_traces_that_could_not_be_written_are_written_when_the_folder_is_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    keeper = TraceKeeper(data, limit=2)
    keep(keeper, 1, 2)
    keeper.write()
    shutil.rmtree(data)
    data.write_text("in the way")
    keep(keeper, 2, 3)
    with pytest.raises(OSError, match="data"):
        keeper.write()
    data.unlink()
    keeper.write()
    assert {trace.trace_id for trace in TraceFolder(data).newest()} == {f"{n:032x}" for n in (2, 3)}


def test_traces_are_for_their_owner_alone(tmp_path: Path) -> None:
    keeper = TraceKeeper(tmp_path)
    keep(keeper, 1)
    keeper.write()
    assert (tmp_path / "traces").stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in (tmp_path / "traces").iterdir()] == [0o600]


@pytest.mark.parametrize("prefix", ["../secret", "4B", "", "zz", "4bf/../4bf9"])
def test_what_is_no_trace_id_finds_nothing(tmp_path: Path, prefix: str) -> None:
    assert TraceFolder(tmp_path).find(prefix) is None


def test_a_prefix_of_two_traces_finds_neither(tmp_path: Path) -> None:
    keeper = TraceKeeper(tmp_path)
    keep(keeper, 1, 2)
    keeper.write()
    assert TraceFolder(tmp_path).find("0000") is None
