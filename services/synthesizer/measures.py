"""What a synthesizer counts. Law: flights where they are boarded and where they end, tokens where a turn was paid."""

from collections.abc import Callable, Mapping
from typing import Final

import vocabulary
from chassis.metrics import Metrics
from kernel.objects import PersonaTurn

_LONG: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)


class Measures:
    """The numbers of one synthesizer, which `metrics` exports."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.flights = metrics.counters(
            vocabulary.METRIC_FLIGHTS, "{flight}", "Flights begun, joined and taken over here.", _boarded
        )
        self.seconds = metrics.histograms(
            vocabulary.METRIC_SYNTHESIS_DURATION, "s", "From the ask to the end of a synthesis.", _ended, _LONG
        )
        self._tokens = metrics.counters(
            vocabulary.METRIC_TURN_TOKENS, "{token}", "Tokens that personas read and wrote.", _spent
        )

    def held(self, read: Callable[[], int]) -> None:
        """Where to read how many flights are held here."""
        self._metrics.observe(vocabulary.METRIC_FLIGHTS_HELD, "{flight}", "Flights that are held here.", read)

    def turn(self, turn: PersonaTurn) -> None:
        """A turn was paid."""
        self._tokens[turn.persona, vocabulary.SPENT_INPUT].count += turn.input_tokens
        self._tokens[turn.persona, vocabulary.SPENT_OUTPUT].count += turn.output_tokens


def _boarded(how: str) -> Mapping[str, str]:
    return {vocabulary.FLIGHT_BOARDING: how}


def _ended(reason: str) -> Mapping[str, str]:
    return {vocabulary.ERROR_TYPE: reason} if reason else {}


def _spent(turn: tuple[str, str]) -> Mapping[str, str]:
    persona, kind = turn
    return {vocabulary.PERSONA: persona, vocabulary.SPENT_KIND: kind}
