"""One turn of a persona: told before and after, and written down. Law: no turn without its record of what it cost.

A turn that was taken in this synthesis before, by whoever held its flight then, is not paid for again: the same persona
asked the same with the same seed has said what it said.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from textwrap import dedent

from kernel.objects import PersonaTurn
from kernel.synthesis import Event, TurnFinished, TurnStarted
from synthesizer.endpoints import ChatMessages, Endpoints, Sampling, Speaker
from synthesizer.personas import Persona

Tell = Callable[[Event], None]
"""Who is told what happens."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was read out of a persona's answer, the record of its turn, and whether the answer was cut off."""

    text: str
    turn: PersonaTurn
    cut: bool


Taken = tuple[str, int, str, int]
"""Which turn: the persona, the draft, the prompt's digest, the seed."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Lets personas speak. `models` is the model asked for where a persona names none, by persona."""

    endpoints: Endpoints
    models: Mapping[str, str]
    taken: Mapping[Taken, Said] = field(default_factory=dict[Taken, Said])

    def after(self, events: Sequence[Event]) -> "Turns":
        """The same, where these events were told already."""
        finished = [each for each in events if isinstance(each, TurnFinished)]
        taken = {
            (each.turn.persona, each.draft, each.turn.prompt_digest, each.turn.seed): Said(
                each.text, each.turn, each.cut
            )
            for each in finished
        }
        return replace(self, taken=taken)

    async def take(
        self, persona: Persona, messages: ChatMessages, sampling: Sampling, tell: Tell, draft: int = 0
    ) -> Said:
        """One turn. Where `draft` counts one, from 1, its code is read out. Raises EndpointUnavailable."""
        digest = sha256(json.dumps(list(messages), sort_keys=True).encode()).hexdigest()
        if said := self.taken.get((persona.name, draft, digest, sampling.seed)):
            return said
        model = persona.model_id or self.models[persona.name]
        speaker = Speaker(persona.name, persona.endpoint, model, persona.fallback)
        tell(TurnStarted(persona.name, speaker.model, draft))
        answer = await self.endpoints.chat(speaker, messages, sampling)
        turn = PersonaTurn(
            persona.name,
            answer.model,
            digest,
            answer.input_tokens,
            answer.output_tokens,
            answer.seconds,
            sampling.seed,
        )
        text = extract(answer.text) if draft else answer.text
        tell(TurnFinished(turn, text, draft, answer.cut))
        return Said(text, turn, answer.cut)


def extract(answer: str) -> str:
    """The code of an answer: the first fenced block that holds a function, else all from the first `def` on.

    Code that is indented as a whole, as inside a class, is moved to the margin. Prose before unfenced code is dropped;
    prose after it stays, for the audit to refuse.
    """
    for block in answer.split("```")[1::2]:
        if "def " in block:
            first, _, rest = block.partition("\n")
            code = rest if first.strip().lower() in {"python", "py", "python3", ""} else block
            return dedent(code).strip("\n") + "\n"
    start = answer.find("def ")
    # What stands before `def` on its line belongs to it: a decorator's rest, or `async`.
    line = answer.rfind("\n", 0, start) + 1
    return dedent(answer[line:]).strip("\n") + "\n" if start >= 0 else ""
