"""The command `batctl`. Law: here alone the environment is read, and here alone a failure becomes an exit code."""

import errno
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import dedent, indent

import click

from batos.cli.audit import audit, version
from batos.cli.backup import backup, check, restore
from batos.cli.connection import Environment
from batos.cli.examples import example_group
from batos.cli.exits import MEANINGS, Exit, exit_code, hint
from batos.cli.freezing import freeze, thaw
from batos.cli.methods import method_group
from batos.cli.objects import object_group
from batos.cli.send import send
from batos.cli.syntheses import synthesis_group
from batos.cli.terminal import one_line
from batos.cli.traces import trace
from batos.cli.up import up
from batos.errors import BadValue, BatosError
from batos.values import BadValueError

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code.value:3}  {text}" for code, text in MEANINGS.items())
# What writing to stdout fails with, and nothing else here does without the name of a file.
_UNWRITTEN = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EPIPE})
COMMANDS = (
    *(up, send, object_group, method_group, example_group, synthesis_group, freeze, thaw),
    *(audit, trace, backup, restore, check, version),
)


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def batctl() -> None:
    """Send any object a message. If no method answers, one is written, proved, and served from then on.

      batctl up                                    start everything on this machine
      batctl object create counter/main --slot count=0
      batctl send counter/main increment 2 --example '{"before": {"count": 1}, "args": [2], "result": 3}'
      batctl method show counter/main increment
      batctl trace

    The services are found through --address and its like, BATOS_DISPATCHER and its like, or the running `batctl up`.
    """


def main() -> None:
    """Run batctl with this command line, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a command line."""
    for command in COMMANDS:
        batctl.add_command(command)
    _keep_lines(batctl)
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except OSError as error:
        return _unwritten(error)
    except (click.ClickException, BatosError, BadValueError) as error:
        return _fail(*_told(error, arguments))
    except (click.Abort, KeyboardInterrupt):
        return _fail(Exit.INTERRUPTED, "INTERRUPTED", "stopped by Ctrl-C", "")
    except Exception as error:  # noqa: BLE001 - the last place where a bug can be told
        return _bug(error)
    return code if isinstance(code, int) else Exit.OK


def _invoke(arguments: list[str]) -> object:
    """As click's own main, which for itself would make a broken pipe exit code 1."""
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - Python's word for a closed one
        hint = "nothing was done; give it a stdout"
        raise BatosError("stdout is closed", reason="NOT_WRITTEN", fields={"hint": hint})
    if "_BATCTL_COMPLETE" in os.environ:
        return batctl.main(arguments, prog_name="batctl", standalone_mode=False)
    try:
        with batctl.make_context("batctl", arguments, obj=_environment()) as context:
            return batctl.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


def _unwritten(error: OSError) -> int:
    """What it means that stdout takes no more. Python would try it again at exit, and complain."""
    if error.filename is not None or error.errno not in _UNWRITTEN:
        return _bug(error)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):  # whoever reads it has read enough
        return Exit.OK
    advice = "what was asked for may have been done; make room where stdout goes, and see before you repeat it"
    return _fail(Exit.REFUSED, "NOT_WRITTEN", f"cannot write the result: {error.strerror}", advice)


def _bug(error: Exception) -> int:
    with suppress(OSError):
        traceback.print_exception(error)
    return _fail(Exit.BUG, "INTERNAL", f"{type(error).__name__}: {error}", "this is a bug in batctl: report it")


def _told(error: click.ClickException | BatosError | BadValueError, words: Sequence[str]) -> tuple[Exit, str, str, str]:
    """Exit code, reason, text and what to do next."""
    match error:
        case BatosError():
            return exit_code(error.reason), error.reason, error.message, hint(error, words)
        case BadValueError():
            return Exit.BAD_INPUT, BadValue.reason, str(error), hint(BadValue(""))
        case click.UsageError(ctx=click.Context(command_path=path)):
            return Exit.USAGE, "USAGE", error.format_message(), f"see `{path} --help`"
        case _:
            return Exit.USAGE, "USAGE", error.format_message(), "see `batctl --help`"


def _fail(code: Exit, reason: str, text: str, advice: str) -> int:
    with suppress(OSError):  # the exit code tells it where stderr cannot
        click.echo(f"error: {reason}: {one_line(text)}", err=True)
        if advice:
            click.echo(f"hint: {one_line(advice)}", err=True)
    return code


def _keep_lines(command: click.Command) -> None:
    """Have click show examples (paragraphs that are indented, or begin with `batctl`) line by line, as written."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(
        "\b\n" + indent(dedent(text), "  ") if text.startswith((" ", "batctl ")) else text for text in paragraphs
    )
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _keep_lines(each)


def _environment() -> Environment:
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Environment(data=Path(home) / "batos", variables=dict(os.environ))


if __name__ == "__main__":
    main()
