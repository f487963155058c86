"""Every reason of the suite has a class, an exit code by its kind, and a hint; a synthesis is told in lines."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from batos import errors
from batos.cli.exits import MEANINGS, Exit, exit_code, hint
from batos.cli.panel import Panel, lines
from batos.cli.terminal import clean, one_line
from batos.errors import BatosError
from batos.v1 import object_pb2 as pb
from fakes.scripted_services import audited, panel, spoke, tried
from kernel.errors import NotUnderstood
from wire.errors import CODES

CLASSES = {kind.reason: kind for kind in BatosError.__subclasses__()}


@pytest.mark.parametrize("reason", sorted(CODES))
def test_every_reason_of_the_suite_has_a_class_an_exit_code_and_a_hint(reason: str) -> None:
    assert getattr(errors, CLASSES[reason].__name__) is CLASSES[reason]
    assert exit_code(reason) not in {Exit.OK, Exit.BUG, Exit.USAGE, Exit.INTERRUPTED}
    assert hint(CLASSES[reason]("text"))


def test_every_error_that_the_client_makes_has_an_exit_code() -> None:
    for reason in CLASSES.keys() - CODES.keys():
        assert exit_code(reason) is not Exit.BUG, reason


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_a_hint_fills_in_fields_and_names_those_that_are_missing() -> None:
    known = errors.ObjectNotFound("text", fields={"object": "feed/acme"})
    assert "`batctl object create feed/acme`" in hint(known)
    assert "`batctl object create OBJECT`" in hint(errors.ObjectNotFound("text"))


def test_who_is_asked_for_an_example_is_shown_how_one_is_written() -> None:
    assert """--example '{"before": {...}, "args": [...], "kw": {...}, "result": ...}'""" in hint(
        errors.ExamplesNeeded("text")
    )


def test_an_error_may_bring_its_own_hint() -> None:
    assert hint(errors.ObjectNotFound("text", fields={"hint": "do this"})) == "do this"


@pytest.mark.parametrize(
    ("near", "why", "says"),
    [
        ((), "the policy along its path allows no synthesis", "has the policy OFF"),
        (["wink"], "the policy along its path never allows this selector", "--allow think"),
        ((), "synthesis is frozen: batctl thaw --all", "`batctl thaw --all` ends it"),
        (
            ["thin"],
            "it looks misspelled; send an intent or examples",
            "what think is to",
        ),
        ((), "", "without `--on-miss never`"),
        (["wink"], "", "without `--on-miss never`"),
        ((), "nothing above root has it, so it cannot be sent again", "along the parents"),
    ],
)
def test_the_hint_to_what_is_not_understood_is_by_its_cause(near: Sequence[str], why: str, says: str) -> None:
    told = NotUnderstood("feed/acme", "think", near, why)
    given = hint(errors.NotUnderstood(told.text, fields=told.fields))
    assert says in given
    assert ("--on-miss" in given) == (not why)


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (
            "feed/acme.think stays as it is: the policy along its path allows no synthesis",
            "feed/acme or a parent has the",
        ),
        ("feed/acme.think stays as it is: synthesis is frozen: batctl thaw --all", "`batctl thaw --all` ends it"),
        ("ada may not do this", "who administers"),
    ],
)
def test_the_hint_to_a_method_that_is_not_bettered_is_by_its_cause(why: str, says: str) -> None:
    assert says in hint(errors.NotPermitted(why, fields={"object": "feed/acme", "selector": "think"}), ["--dry-run"])


@pytest.mark.parametrize(
    ("field", "words", "says"),
    [
        ("message.arguments", ["send", "a", "b"], "arguments are JSON"),
        ("message.request_id", ["send", "a", "b"], "leave --request-id out"),
        ("message.token", ["send", "a", "b"], "the --token of an earlier reply"),
        ("token", ["send", "a", "b"], "give --token as an earlier reply had it"),
        ("holder", ["method", "pin"], "name one of its parents"),
        ("", ["restore", "x"], "start an empty etcd"),
        ("", ["object", "list"], "--help"),
    ],
)
def test_the_hint_to_what_is_wrong_in_a_request_is_by_its_field_and_command(
    field: str, words: Sequence[str], says: str
) -> None:
    given = hint(errors.BadArguments("text", fields={"field": field} if field else {}), words)
    assert says in given
    assert ("JSON" in given) == (field == "message.arguments")


def test_the_hint_to_a_miss_of_a_dry_run_is_to_run_it() -> None:
    told = NotUnderstood("feed/acme", "think", [], "")
    error = errors.NotUnderstood(told.text, fields=told.fields)
    assert "without --dry-run" in hint(error, ["send", "feed/acme", "think", "--dry-run"])


@pytest.mark.parametrize("kind", [errors.Unreachable, errors.DeadlineExceeded, errors.StoreUnavailable])
def test_a_message_whose_effect_may_not_be_known_is_sent_again_with_its_request_id(kind: type[BatosError]) -> None:
    error = kind("text")
    assert "--request-id" not in hint(error)  # of another request
    error.trace_id, error.request_id = "ab" * 16, "the-id"
    assert "send again with --request-id the-id" in hint(error)


def test_text_of_others_is_shown_and_not_acted_on() -> None:
    assert (
        clean("a\x1b[2Jb\x9bc\u202ed\te\nf")
        == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}d\te\nf"
    )
    assert one_line("a\r\n  b\tc") == "a\N{REPLACEMENT CHARACTER} b c"


def told(*events: object, texts: bool = False) -> list[str]:
    return [line.plain for event in events for line in lines(event, texts=texts)]  # pyright: ignore[reportArgumentType]


def test_a_refused_draft_is_told_with_every_finding() -> None:
    findings = [pb.Finding(rule=f"BAT10{n}", severity=pb.SEVERITY_ERROR, line=n, reason=f"because {n}") for n in (0, 2)]
    assert told(audited(1, *findings)) == ["  draft 1  BAT100: because 0", "  draft 1  BAT102 line 2: because 2"]


def test_a_failed_trial_is_told_with_the_first_example_it_failed() -> None:
    assert told(tried(2, 1, 3, "example 2: 4\nis not 5")) == ["  draft 2  1 of 3 examples: example 2: 4 is not 5"]


def test_what_a_persona_says_is_told_only_where_it_is_asked_for() -> None:
    assert len(told(spoke("BRICK", "a\nb"))) == 1
    assert told(spoke("BRICK", "a\nb"), texts=True)[1:] == ["    a\n    b"]


def test_on_a_terminal_it_shows_who_speaks_and_leaves_only_the_lines() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100, color_system=None)
    with Panel(console) as view:
        for event in panel():
            view.tell(event)
    text = shown.getvalue()
    assert "BRICK  speaks" in text  # meanwhile
    assert "ALFRED writes draft 2" in text
    assert "counter/main.increment version 1" in text
    assert text.index("\x1b[?25l") < text.rindex("\x1b[?25h")  # the cursor is back
