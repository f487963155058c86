"""Ways of having a method written, to compare. Law: a way changes what is asked and how often, never how it is judged.

The service's heart writes each of them. Whom a way leaves out says nothing and costs nothing; which worked methods it
leaves out are not in what ALFRED is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.answers import Answers
from eval.tasks import SHOWN
from synthesizer.drafts import WORKED
from synthesizer.endpoints import Answer, ChatMessages, Sampling, Speaker
from synthesizer.personas import ALFRED
from synthesizer.selection import WAVES

DRAFTS = 3


@dataclass(frozen=True, slots=True)
class Way:
    """How many drafts at a time and waves of them, with whom, and how many examples the sender gives."""

    name: str
    about: str
    drafts: int = DRAFTS
    waves: int = WAVES
    panel: bool = True
    worked: bool = True
    shown: int = SHOWN


WAYS: Sequence[Way] = (
    Way("one", "one draft", 1, 1),
    Way("wave", "one wave of drafts, no repair", waves=1),
    Way("service", "as the service does by default"),
    Way("no-panel", "the same, ALFRED alone", panel=False),
    Way("no-panel-more", "ALFRED alone, a draft more at a time for what the panel costs", 4, panel=False),
    Way("no-worked", "the same, without worked methods in the prompt", worked=False),
    Way("no-examples", "the same, the sender gives no examples", shown=0),
)


class Heard:
    """Endpoints as a way has them: who is left out says nothing, and worked methods may be taken out of a prompt."""

    def __init__(self, answers: Answers, way: Way) -> None:
        self._answers, self._way = answers, way

    async def chat(self, speaker: Speaker, messages: ChatMessages, sampling: Sampling) -> Answer:
        """One turn. Raises EndpointUnavailable."""
        if speaker.persona != ALFRED and not self._way.panel:
            return Answer("", speaker.model, 0, 0, 0.0, cut=False)
        if speaker.persona == ALFRED and not self._way.worked:
            messages = [messages[0], *messages[1 + 2 * WORKED :]]
        return await self._answers.chat(speaker, messages, sampling)
