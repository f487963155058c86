"""Environment variables become one frozen dataclass.

Law: nothing here reads the environment (the caller hands it in), and whoever starts a service with five mistakes is
told of five mistakes at once. A variable set to the empty string counts as not set, as OpenTelemetry and Compose have
it. Variables that no field names are no error: several services share one environment. What does not go together is
told once each value fits by itself: a configuration says so in a method `mistakes`.

    @dataclass(frozen=True, slots=True)
    class Config:
        grace: float = setting("GRACE", default=10.0, parse=seconds, help="how long a stop waits")
        peers: tuple[Address, ...] = setting("PEERS", parse=listed(address), help="the other servers, host:port,...")

        def mistakes(self) -> Iterator[str]:
            if self.grace and not self.peers:
                yield "GRACE: without PEERS nobody waits"

    config = load(Config, os.environ)
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar, cast, overload, runtime_checkable

from chassis.address import Address

T = TypeVar("T")
D = TypeVar("D")

_DURATION = re.compile(r"(?P<count>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_SECRET = re.compile(r"(?<=://)\S*@|^\S*@")  # the user and password of a URL
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class ConfigError(Exception):
    """The environment does not describe a configuration. `mistakes` has one line each: `VAR: what is wrong`."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n  ".join((f"{count} in the configuration:", *mistakes)))
        self.mistakes = tuple(mistakes)


@runtime_checkable
class Checked(Protocol):
    """A configuration whose fields must go together."""

    def mistakes(self) -> Iterable[str]:
        """One line for each that does not: `VAR: what is wrong`."""
        ...


# --- Parsers: text to value; a ValueError says what was expected ------------------------------------------------------
def text(value: str) -> str:
    """The value itself, without white space around it."""
    return value.strip()


def integer(value: str) -> int:
    """A whole number."""
    try:
        return int(value)
    except ValueError:
        raise ValueError("expected a whole number, such as 8") from None


def number(value: str) -> float:
    """A finite number."""
    try:
        parsed = float(value)
    except ValueError:
        parsed = math.nan
    if not math.isfinite(parsed):
        raise ValueError("expected a number, such as 0.5")
    return parsed


def boolean(value: str) -> bool:
    """`1 true yes on` or `0 false no off`, in any case."""
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("expected true or false")
    return word in _TRUE


def seconds(value: str) -> float:
    """A duration, in seconds unless it ends in `ms`, `s`, `m` or `h`."""
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise ValueError("expected seconds or a duration, such as 2.5, 500ms, 30s or 5m")
    return float(found["count"]) * _SECONDS[found["unit"]]


def address(value: str) -> Address:
    """`host:port`."""
    return Address.parse(value)


def listed(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """One or more values, separated by commas."""

    def parse_list(value: str) -> tuple[T, ...]:
        items = tuple(parse(item) for item in value.split(",") if item.strip())
        if not items:
            raise ValueError("expected at least one value; commas separate several")
        return items

    return parse_list


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words, in any case; the value is the word as it is spelled here."""

    def parse_word(value: str) -> str:
        for word in words:
            if value.strip().lower() == word.lower():
                return word
        raise ValueError(f"expected {' or '.join(words)}")

    return parse_word


def between(parse: Callable[[str], T], low: float, high: float = math.inf) -> Callable[[str], T]:
    """A number of `parse` from `low` to `high`, both included."""

    def parse_within(value: str) -> T:
        parsed = parse(value)
        if not low <= cast("float", parsed) <= high:
            limits = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            raise ValueError(f"expected {limits}")
        return parsed

    return parse_within


# --- Fields -----------------------------------------------------------------------------------------------------------
_SETTING: Final = "chassis.setting"


@dataclasses.dataclass(frozen=True, slots=True)
class _Setting:
    env: str
    parse: Callable[[str], Any]
    help: str


@overload
def setting(env: str, *, help: str) -> str: ...
@overload
def setting(env: str, *, default: D, help: str) -> str | D: ...
@overload
def setting(env: str, *, parse: Callable[[str], T], help: str) -> T: ...
@overload
def setting(env: str, *, default: D, parse: Callable[[str], T], help: str) -> T | D: ...
def setting(
    env: str,
    *,
    default: Any = dataclasses.MISSING,
    parse: Callable[[str], Any] = text,
    help: str,  # noqa: A002 - argparse's own word for it
) -> Any:
    """A field of a frozen dataclass that the variable `env` fills.

    Without `default` the variable is required. `parse` turns the text into the value and raises ValueError with what it
    expected. `help` is one line for people.
    """
    metadata = {_SETTING: _Setting(env, parse, help)}
    # Fields are keyword-only so that a required one may follow an optional one.
    return dataclasses.field(default=default, kw_only=True, metadata=metadata)


def load(cls: type[T], environ: Mapping[str, str]) -> T:
    """An instance of `cls`, a dataclass of settings, from the variables in `environ`.

    Raises ConfigError with every mistake: values that do not parse and required variables that are not set; where there
    are none, what does not go together.
    """
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for field, of in _settings(cls):
        given = environ.get(of.env, "").strip()
        if given:
            try:
                values[field.name] = of.parse(given)
            except ValueError as wrong:
                mistakes.append(f"{of.env}: {_SECRET.sub('***@', given)!r} does not fit: {wrong}")
        elif field.default is dataclasses.MISSING:
            mistakes.append(f"{of.env}: not set, and required: {of.help}")
    if mistakes:
        raise ConfigError(mistakes)
    config = cls(**values)
    if isinstance(config, Checked) and (mistakes := list(config.mistakes())):
        raise ConfigError(mistakes)
    return config


def unencrypted(config: object, *addresses: str, allowed: str) -> Iterator[str]:
    """A mistake for each of these fields that other machines can reach, unless the flag `allowed` is set."""
    for field in addresses:
        listen: Address = getattr(config, field)
        if not listen.is_loopback and not getattr(config, allowed):
            yield (
                f"{variable(type(config), field)}: {listen} can be reached from other machines and there is no TLS:"
                f" listen on 127.0.0.1, or set {variable(type(config), allowed)}=true"
            )


def describe(cls: type[Any]) -> str:
    """The `--help` text of all variables of `cls`: one line each, with its default."""
    rows = [(of.env, f"{of.help} ({_default(field)})") for field, of in _settings(cls)]
    width = max((len(env) for env, _ in rows), default=0)
    return "\n".join(f"  {env:<{width}}  {help_}" for env, help_ in rows)


def variable(cls: type[Any], field: str) -> str:
    """The name of the variable that fills a field of `cls`."""
    return next(of.env for each, of in _settings(cls) if each.name == field)


def _settings(cls: type[Any]) -> Iterator[tuple[dataclasses.Field[Any], _Setting]]:
    for field in dataclasses.fields(cls):
        if _SETTING in field.metadata:
            yield field, field.metadata[_SETTING]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "required"
    return "default: " + _shown(field.default)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(_shown(item) for item in cast("tuple[object, ...]", value)) or "none"
    return str(value)
