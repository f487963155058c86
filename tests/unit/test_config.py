"""The environment becomes a configuration, or a list of everything that is wrong with it."""

from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, dataclass

import pytest

import dispatcher.config
import objectstore.config
import synthesizer.config
from chassis.address import Address
from chassis.config import (
    ConfigError,
    address,
    between,
    boolean,
    describe,
    integer,
    listed,
    load,
    number,
    one_of,
    seconds,
    setting,
    text,
)


@dataclass(frozen=True, slots=True)
class Config:
    listen: Address = setting("T_LISTEN", default=Address("127.0.0.1", 7001), parse=address, help="where to listen")
    peers: tuple[Address, ...] = setting("T_PEERS", parse=listed(address), help="the other servers")
    name: str = setting("T_NAME", help="the name")
    grace: float = setting("T_GRACE", default=10.0, parse=seconds, help="how long a stop waits")
    workers: int = setting("T_WORKERS", default=1, parse=between(integer, 1, 64), help="how many processes")
    loud: bool = setting("T_LOUD", default=False, parse=boolean, help="say more")
    token: str | None = setting("T_TOKEN", default=None, help="who we are")


GOOD = {"T_PEERS": "a:1, [::1]:2", "T_NAME": "one"}


def test_what_is_set_is_parsed_and_the_rest_is_default() -> None:
    config = load(Config, GOOD | {"T_GRACE": "500ms", "T_LOUD": "yes", "OTHER": "x", "T_UNKNOWN": "y"})
    assert config == Config(peers=(Address("a", 1), Address("::1", 2)), name="one", grace=0.5, loud=True)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        load(Config, GOOD).name = "two"  # pyright: ignore[reportAttributeAccessIssue]


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as failure:
        load(Config, {"T_LISTEN": "http://x", "T_GRACE": "soon", "T_WORKERS": "0", "T_LOUD": "perhaps"})
    assert failure.value.mistakes == (
        "T_LISTEN: 'http://x' does not fit: expected host:port, such as 127.0.0.1:7001",
        "T_PEERS: not set, and required: the other servers",
        "T_NAME: not set, and required: the name",
        "T_GRACE: 'soon' does not fit: expected seconds or a duration, such as 2.5, 500ms, 30s or 5m",
        "T_WORKERS: '0' does not fit: expected from 1 to 64",
        "T_LOUD: 'perhaps' does not fit: expected true or false",
    )
    assert str(failure.value).startswith("6 mistakes in the configuration:\n  T_LISTEN: ")


@pytest.mark.parametrize("given", ["ftp://ada:s3cret@host:1", "ada:s3cret@host", "http://ada:s3/cret@s3cret@host"])
def test_a_password_in_a_mistake_is_not_repeated(given: str) -> None:
    with pytest.raises(ConfigError) as failure:
        load(Config, GOOD | {"T_LISTEN": given})
    assert "s3" not in str(failure.value)
    assert "***@host" in str(failure.value)


def test_what_does_not_go_together_is_told_once_each_fits_by_itself() -> None:
    @dataclass(frozen=True, slots=True)
    class Paired:
        user: str = setting("T_USER", default="", help="who")
        workers: int = setting("T_WORKERS", default=1, parse=integer, help="how many processes")

        def mistakes(self) -> Iterator[str]:
            if self.user and self.workers > 1:
                yield "T_USER: one process alone"

    assert load(Paired, {"T_USER": "ada"}) == Paired(user="ada")
    for environment, told in (
        ({"T_USER": "ada", "T_WORKERS": "2"}, ("T_USER: one process alone",)),
        ({"T_USER": "ada", "T_WORKERS": "x"}, ("T_WORKERS: 'x' does not fit: expected a whole number, such as 8",)),
    ):
        with pytest.raises(ConfigError) as failure:
            load(Paired, environment)
        assert failure.value.mistakes == told


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (dispatcher.config.Config, {"BATOS_LISTEN": "0.0.0.0:7001"}),
        (dispatcher.config.Config, {"BATOS_PEERS_LISTEN": "[::]:0"}),
        (objectstore.config.Config, {"BATOS_LISTEN": "0.0.0.0:7003"}),
        (synthesizer.config.Config, {"BATOS_LISTEN": "0.0.0.0:7002", "BATOS_PERSONA_URL": "http://x"}),
    ],
)
def test_an_address_that_other_machines_reach_names_what_allows_it(kind: type[object], given: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as failure:
        load(kind, given)
    (mistake,) = failure.value.mistakes
    assert mistake.startswith(next(iter(given)) + ": ")
    assert mistake.endswith("or set BATOS_ALLOW_INSECURE_REMOTE=true")
    assert load(kind, {**given, "BATOS_ALLOW_INSECURE_REMOTE": "true"})


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(Config, GOOD | {"T_GRACE": "", "T_TOKEN": " "}) == load(Config, GOOD)
    with pytest.raises(ConfigError, match="1 mistake in the configuration:\n  T_NAME: not set"):
        load(Config, GOOD | {"T_NAME": ""})


def test_the_help_text_names_every_variable_and_its_default() -> None:
    assert describe(Config).splitlines() == [
        "  T_LISTEN   where to listen (default: 127.0.0.1:7001)",
        "  T_PEERS    the other servers (required)",
        "  T_NAME     the name (required)",
        "  T_GRACE    how long a stop waits (default: 10.0)",
        "  T_WORKERS  how many processes (default: 1)",
        "  T_LOUD     say more (default: false)",
        "  T_TOKEN    who we are (default: none)",
    ]


def test_a_field_that_is_no_setting_keeps_its_default() -> None:
    @dataclass(frozen=True, slots=True)
    class Mixed:
        fixed: int = 7
        name: str = setting("T_NAME", help="the name")

    assert load(Mixed, {"T_NAME": "n"}) == Mixed(7, name="n")
    assert "fixed" not in describe(Mixed)


@pytest.mark.parametrize(
    ("parse", "given", "value"),
    [
        (text, " a b ", "a b"),
        (integer, "-8", -8),
        (number, "1e3", 1000.0),
        (boolean, "TRUE", True),
        (boolean, "off", False),
        (seconds, "2.5", 2.5),
        (seconds, "250ms", 0.25),
        (seconds, "30s", 30.0),
        (seconds, "5m", 300.0),
        (seconds, "1h", 3600.0),
        (address, "localhost:0", Address("localhost", 0)),
        (address, "[::1]:65535", Address("::1", 65535)),
        (listed(integer), "1,2, 3,", (1, 2, 3)),
        (one_of("debug", "Info"), "INFO", "Info"),
        (between(number, 0), "0", 0.0),
    ],
)
def test_a_value_is_read(parse: Callable[[str], object], given: str, value: object) -> None:
    parsed = parse(given)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("parse", "given", "expected"),
    [
        (integer, "1.5", "a whole number"),
        (number, "nan", "a number"),
        (number, "inf", "a number"),
        (number, "many", "a number"),
        (boolean, "2", "true or false"),
        (seconds, "-1", "a duration"),
        (seconds, "1d", "a duration"),
        (address, "host", "host:port"),
        (address, "host:65536", "host:port"),
        (address, "::1:7", "host:port"),
        (address, "[::zz]:7", "host:port"),
        (address, "[1.2.3]:7", "host:port"),
        (address, "a b:7", "host:port"),
        (address, ":7", "host:port"),
        (listed(integer), " , ", "at least one value"),
        (listed(integer), "1,x", "a whole number"),
        (one_of("a", "b"), "c", "a or b"),
        (between(integer, 1), "0", "at least 1"),
    ],
)
def test_a_value_that_does_not_fit_says_what_is_expected(
    parse: Callable[[str], object], given: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=f"expected .*{expected}"):
        parse(given)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_a_loopback_address_is_known(host: str) -> None:
    assert Address(host, 1).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "localhost.example", "objectstore"])
def test_any_other_address_may_be_reached_from_elsewhere(host: str) -> None:
    assert not Address(host, 1).is_loopback


@pytest.mark.parametrize("written", ["127.0.0.1:1", "[::1]:2", "a.b:3"])
def test_an_address_is_written_as_it_is_read(written: str) -> None:
    assert str(Address.parse(written)) == written
