"""The judges of promises beyond one object: each must pass what is kept, and name what is broken."""

from dataclasses import replace
from pathlib import Path

from fakes.history import NEVER, Attempt, Ending, Outcome, Recorder, load, operations
from fakes.linearizable import counter, explain
from fakes.promises import Change, Seen, States, always, once, together, tokens, watched

SENT = Attempt(0, "ann", "dispatcher-0", "counter/1", "increment", request_id="r1", began=1.0)


def ok(result: object, token: str = "e.9", **changes: object) -> Attempt:
    return replace(SENT, **({"outcome": Outcome.OK, "result": result, "token": token, "ended": 2.0} | changes))


def told(*counts: tuple[int, int], name: str = "w", upto: int = 99) -> Seen:
    return Seen(name, 0, upto, [Change(revision, "counter/1", 2, {"count": count}) for revision, count in counts])


def test_an_attempt_whose_end_was_never_written_is_kept_and_unknown(tmp_path: Path) -> None:
    with Recorder(tmp_path / "history.jsonl") as recorder:
        for _ in range(2):
            recorder.begin(SENT)
        recorder.end(0, Ending(Outcome.OK, 7, "e.3", "", replayed=True))
        first, second = load(recorder.path)  # as the file is if everything is killed now
    assert (first.outcome, first.result, first.token, first.replayed) == (Outcome.OK, 7, "e.3", True)
    assert (second.outcome, second.ended, second.request_id) == (Outcome.UNKNOWN, NEVER, "r1")
    assert [first, second] == list(recorder.attempts.values())


def test_a_line_that_was_cut_short_loses_nothing_else(tmp_path: Path) -> None:
    with Recorder(tmp_path / "history.jsonl") as recorder:
        recorder.begin(SENT)
    with recorder.path.open("a") as file:
        file.write('{"end": 0, "at"')
    assert [each.outcome for each in load(recorder.path)] == [Outcome.UNKNOWN]


def test_attempts_with_one_request_id_are_one_operation() -> None:
    late = ok(4, began=5.0, ended=6.0, replayed=True)
    assert operations([SENT, late]) == [replace(late, began=1.0)]
    refused = replace(SENT, outcome=Outcome.FAILED, ended=3.0)
    assert [each.outcome for each in operations([SENT, refused])] == [Outcome.UNKNOWN]
    assert [each.outcome for each in operations([refused, refused])] == [Outcome.FAILED]


def test_a_reply_that_is_replayed_as_it_was_is_no_breach() -> None:
    assert once([ok(1), ok(1, replayed=True), ok(2, request_id="r2")]) == []


def test_another_reply_to_one_request_id_is_a_breach() -> None:
    assert "several effects" in once([ok(1), ok(2, replayed=True)])[0]
    assert "several effects" in once([ok(1), ok(1)])[0]


def test_a_failure_that_had_an_effect_after_all_is_a_breach() -> None:
    refused = replace(SENT, outcome=Outcome.FAILED, ended=3.0)
    between = ok(2, request_id="r2", began=4.0, ended=5.0)
    again = ok(1, began=6.0, ended=7.0, replayed=True)
    assert "no order explains" in explain(operations([refused, between, again]), counter())
    assert explain(operations([SENT, refused, between, again]), counter()) == ""


def test_to_write_what_is_there_has_no_effect_and_is_not_remembered() -> None:
    assert once([ok("v", selector="write"), ok("v", selector="write")]) == []
    assert "several effects" in once([ok("v", selector="write"), ok("w", selector="write")])[0]


def test_one_sum_for_two_increments_is_a_breach() -> None:
    assert "two increments" in once([ok(1), ok(1, request_id="r2")])[0]


def test_watchers_that_saw_the_same_saw_all() -> None:
    assert watched([told((3, 1), (5, 2)), told((3, 1), (5, 2), name="v")]) == []


def test_a_watcher_that_missed_a_change_is_named() -> None:
    assert "v was not told" in watched([told((3, 1), (5, 2)), told((5, 2), name="v")])[0]


def test_a_watcher_may_miss_what_it_was_refused_and_what_came_later() -> None:
    short = told((3, 1), name="v", upto=4)
    refused = told((5, 2), name="u")
    refused.gaps.append((0, 4))
    assert watched([told((3, 1), (5, 2)), short, refused]) == []


def test_a_watcher_that_is_told_twice_or_out_of_order_or_otherwise_is_named() -> None:
    assert "twice" in watched([told((3, 1), (3, 1))])[0]
    assert "after revision 5" in watched([told((5, 2), (3, 1))])[0]
    assert "another one" in watched([told((3, 1)), told((3, 2), name="v")])[0]


def test_replies_that_rest_on_their_token_pass() -> None:
    states = States([told((3, 1), (5, 2))])
    read = {"selector": "read", "consistency": "at_least", "request_id": ""}
    assert tokens([ok(1, "e.3"), ok(2, "e.8"), ok(1, "e.4", after="e.3", **read)], states, "count") == []


def test_a_reply_newer_than_its_token_is_a_breach() -> None:
    assert "newer than its token" in tokens([ok(2, "e.4")], States([told((3, 1), (5, 2))]), "count")[0]


def test_a_read_older_than_the_token_asked_for_is_a_breach() -> None:
    read = ok(1, "e.6", selector="read", consistency="at_least", after="e.5")
    assert "older than the token" in tokens([read], States([told((3, 1), (5, 2))]), "count")[0]


def test_what_is_seen_apart_is_a_breach() -> None:
    assert together([ok([4, 4], selector="sums")], "sums") == []
    assert "seen apart" in together([ok([4, 3], selector="sums")], "sums")[0]


def test_what_does_not_hold_at_one_revision_is_a_breach() -> None:
    pair = [Change(2, "a", 2, {"on": True}), Change(3, "b", 2, {"on": True}), Change(7, "a", 2, {"on": False})]
    both = [*pair, Change(8, "b", 2, {"on": False})]
    for changes, found in ((pair, 0), (both, 1)):
        states = States([Seen("w", 0, 9, changes)])
        breaches = always(states, ["a", "b"], lambda slots: any(each["on"] for each in slots), "one is on")
        assert len(breaches) == found
