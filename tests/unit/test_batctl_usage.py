"""What batctl says of a command line before it asks anyone."""

import pytest

from batos.cli.__main__ import run
from batos.cli.exits import MEANINGS

NUMBERED = (["pin", "a", "b"], ["retire", "a", "b"], ["diff", "a", "b"], ["diff", "a", "b", "1"])


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["snd"], "Did you mean 'send'?"),
        (["object", "crate"], "Did you mean 'create'?"),
        (["send", "a", "b", "--itent", "x"], "'--intent'"),
        (["send"], "Missing argument 'OID'"),
        (["send", "a", "b", "hello"], "a string needs its quotes: '\"hello\"'"),
        (["send", "a", "b", '{"a":'], "not JSON"),
        (["send", "a", "b", "--kw", "by"], "'by' is not NAME=JSON"),
        (["send", "a", "b", "--kw", "by=1", "--kw", "by=2"], "the same name twice"),
        (["send", "a", "b", "--example", '{"argz": []}'], "'argz'"),
        (["send", "a", "b", "--examples", "/nonexistent.json"], "No such file"),
        *((["send", "a", "b", "--timeout", seconds], "seconds above 0") for seconds in ("0", "nan", "inf", "1e300")),
        (["check", "--timeout", "nan"], "seconds above 0"),
        *((["method", *words, str(1 << 63)], "from 1 to 2^63-1") for words in NUMBERED),
        (["method", "activate", "a", "b", str(1 << 63)], "from 0 to 2^63-1"),
        (["method", "activate", "a", "b", "abc"], "'abc' is not a whole number from 0"),
        (["method", "show", "a", "b", "--number", "0"], "'0' is not a whole number from 1"),
        (["object", "update", "a", "--slots", "3"], "a JSON object"),
        (["object", "create", "a", "--tokens-per-hour", "many"], "'many' is not a whole number from 0"),
        (["example", "add", "a", "b"], "name an EXAMPLE"),
        (["example", "add", "a", "b", '{"argz": []}'], "'argz'"),
        (["freeze"], "either an OID or --all"),
        (["freeze", "a", "--all"], "either an OID or --all"),
        (["thaw", "--all", "--synthesis", "auto"], "--synthesis goes with an OID"),
        (["method", "approve", "a", "b", "0"], "'0' is not a whole number from 1"),
        (["audit"], "a FILE, or --rules"),
        (["audit", "/nonexistent.py"], "No such file"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_to_write(
    capsys: pytest.CaptureFixture[str], command: list[str], says: str
) -> None:
    assert run(command) == 2
    told = capsys.readouterr()
    error, hint = told.err.splitlines()
    assert told.out == ""
    assert error.startswith("error: USAGE: ")
    assert says in error
    assert "--help" in hint


def test_help_tells_the_exit_codes_and_shows_examples_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    top = capsys.readouterr().out
    assert all(f"{code.value:3}  {meaning}\n" in top for code, meaning in MEANINGS.items())
    for command in (
        ["up"],
        ["send"],
        ["object", "create"],
        ["method", "activate"],
        ["method", "register"],
        ["method", "approve"],
        ["method", "reject"],
        ["example", "add"],
        ["example", "list"],
        ["example", "withdraw"],
        ["freeze"],
        ["thaw"],
        ["audit"],
        ["trace"],
        ["version"],
    ):
        assert run([*command, "--help"]) == 0
        assert f"\n    batctl {' '.join(command)}" in capsys.readouterr().out, command
