"""What the command line takes beside words: JSON, examples, numbers. Law: what does not fit is a mistake of usage."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import click

from batos.examples import Example, examples_from_json
from batos.json_values import BadJsonError, loads, parse
from batos.values import INT64_MAX

_NEGATIVE = re.compile(r"-[0-9.]")
NO_BOUND = -1
LONGEST = 1_000_000  # seconds; gRPC takes no time that it cannot count in nanoseconds
_WORD = re.compile(r"[^\s\"'{}\[\]]+")


class Json(click.ParamType[object]):
    """A JSON value."""

    name = "json"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The value."""
        try:
            return loads(value)
        except BadJsonError as error:
            quotes = f"; a string needs its quotes: '\"{value}\"'" if _WORD.fullmatch(value) else ""
            self.fail(f"{value!r} is {error}{quotes}", param, ctx)


class Named(click.ParamType[tuple[str, object]]):
    """`NAME=JSON`."""

    name = "name=json"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, object]:
        """The name and the value."""
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not NAME=JSON", param, ctx)
        return name, Json().convert(text, param, ctx)


class Examples(click.ParamType[tuple[Example, ...]]):
    """One example, or a list of them, as JSON."""

    name = "json"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Example, ...]:
        """The examples."""
        try:
            return examples_from_json(parse(value))
        except BadJsonError as error:
            self.fail(f"the example is wrong: {error}", param, ctx)


class ExampleFile(click.ParamType[tuple[Example, ...]]):
    """A file that holds one example, or a list of them, as JSON."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Example, ...]:
        """The examples."""
        try:
            return examples_from_json(parse(Path(value).read_text()))
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"cannot read {value}: {getattr(error, 'strerror', None) or error}", param, ctx)
        except BadJsonError as error:
            self.fail(f"{value}: {error}", param, ctx)


class Whole(click.ParamType[int]):
    """A whole number that the contract can carry, such as that of a version."""

    name = "number"

    def __init__(self, lowest: int = 1) -> None:
        self._lowest = lowest

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            number = int(str(value))
        except ValueError:
            number = -1
        if not self._lowest <= number <= INT64_MAX:
            self.fail(f"{str(value)[:80]!r} is not a whole number from {self._lowest} to 2^63-1", param, ctx)
        return number


class Bound(click.ParamType[int]):
    """How many at most, or `none` for no bound, which is NO_BOUND."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        return NO_BOUND if value in {"none", NO_BOUND} else Whole(0).convert(value, param, ctx)


class Seconds(click.ParamType[float]):
    """How long, in seconds."""

    name = "seconds"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        try:
            seconds = float(str(value))
        except ValueError:
            seconds = math.nan
        if not 0 < seconds <= LONGEST:  # nan is neither
            self.fail(f"{str(value)[:80]!r} is not a number of seconds above 0, at most {LONGEST:,}", param, ctx)
        return seconds


class TakesNumbers(click.Command):
    """A command whose arguments may be negative numbers, which click would take for options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a space before them: it changes no number, and no JSON."""
        return super().parse_args(ctx, [f" {item}" if _NEGATIVE.match(item) else item for item in args])


def named(pairs: Sequence[tuple[str, object]], option: str) -> dict[str, object]:
    """The entries of repeated `NAME=JSON`. Raises UsageError where a name comes twice."""
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise click.UsageError(f"{option} has the same name twice")
    return entries


output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="For people, or for programs."
)
