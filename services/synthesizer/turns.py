"""One turn of a persona: told before and after, and written down. Law: no turn without its record of what it cost."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from kernel.objects import PersonaTurn
from kernel.synthesis import Event, TurnFinished, TurnStarted
from synthesizer.endpoints import Answer, ChatMessages, Endpoints, Sampling, Speaker
from synthesizer.personas import Persona

Tell = Callable[[Event], None]
"""Who is told what happens."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a persona said, and the record of its turn."""

    answer: Answer
    turn: PersonaTurn


@dataclass(frozen=True, slots=True)
class Turns:
    """Lets personas speak. `models` is the model asked for where a persona names none, by persona."""

    endpoints: Endpoints
    models: Mapping[str, str]

    async def take(
        self, persona: Persona, messages: ChatMessages, sampling: Sampling, tell: Tell, *, draft: int = 0
    ) -> Said:
        """One turn. `draft` counts from 1 where one is written. Raises EndpointUnavailable."""
        speaker = Speaker(persona.name, persona.endpoint, persona.model_id or self.models[persona.name])
        tell(TurnStarted(persona.name, speaker.model, draft))
        answer = await self.endpoints.chat(speaker, messages, sampling)
        digest = sha256(json.dumps(list(messages), sort_keys=True).encode()).hexdigest()
        turn = PersonaTurn(
            persona.name,
            answer.model,
            digest,
            answer.input_tokens,
            answer.output_tokens,
            answer.seconds,
            sampling.seed,
        )
        tell(TurnFinished(turn, answer.text, draft))
        return Said(answer, turn)
