"""Which names lead to which endpoint, as the environment says."""

import pytest

from chassis.config import ConfigError, load
from synthesizer.config import Config

DEFAULT = {"BATOS_PERSONA_URL": "http://tgi:8080/"}


def test_every_persona_has_an_endpoint_of_its_name_and_default_is_that_of_all() -> None:
    config = load(Config, {**DEFAULT, "BATOS_PERSONA_URL_ALFRED": "https://big-tgi"})
    assert config.urls == {
        "brick": "http://tgi:8080",
        "babs": "http://tgi:8080",
        "robin": "http://tgi:8080",
        "alfred": "https://big-tgi",
        "default": "http://tgi:8080",
    }
    assert config.fallback_models == {}
    assert config.endpoint_turns == 64


def test_a_fallback_is_an_endpoint_of_that_name_with_a_model_of_its_own() -> None:
    told = {**DEFAULT, "BATOS_FALLBACK_URL": "http://small:8080", "BATOS_FALLBACK_MODEL": "qwen"}
    config = load(Config, told)
    assert config.urls["fallback"] == "http://small:8080"
    assert config.fallback_models == {"fallback": "qwen"}
    assert load(Config, {**told, "BATOS_FALLBACK_MODEL": ""}).fallback_models == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("BATOS_FALLBACK_URL", "small:8080"), ("BATOS_ENDPOINT_TURNS", "0"), ("BATOS_ENDPOINT_TURNS", "x")],
)
def test_what_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(Config, {**DEFAULT, name: value})
