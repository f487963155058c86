"""Answers of a model, kept on disk. Law: the same question with the same seed is asked once, whatever is compared.

What ways of writing have in common they share: the first of six drafts is the one draft of the way with one. The
seconds and tokens of an answer are those of the time it was drawn.
"""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from synthesizer.endpoints import Answer, ChatMessages, Endpoints, Sampling, Speaker

AT_ONCE = 3  # turns that a way takes together: what a kept answer would have added to its wall time is shared by them


class Answers(Endpoints):
    """Endpoints whose answers are kept in a file, one JSON line each, by persona, model, messages and sampling."""

    def __init__(self, url: str, file: Path, **options: object) -> None:
        names = ("brick", "babs", "robin", "alfred", "default")
        super().__init__(dict.fromkeys(names, url), **options)  # pyright: ignore[reportArgumentType] - passed on
        self._file = file
        self._saved = 0.0
        self._known: dict[str, Answer] = {}
        if file.exists():
            for line in file.read_text().splitlines():
                entry = json.loads(line)
                self._known[entry["key"]] = Answer(**entry["answer"])

    async def chat(self, speaker: Speaker, messages: ChatMessages, sampling: Sampling) -> Answer:
        """One turn, drawn now or before. Raises EndpointUnavailable."""
        asked = [speaker.persona, speaker.model, [dict(each) for each in messages], asdict(sampling)]
        key = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        if (known := self._known.get(key)) is not None:
            self._saved += known.seconds / AT_ONCE
            return known
        answer = self._known[key] = await super().chat(speaker, messages, sampling)
        with self._file.open("a") as file:
            file.write(json.dumps({"key": key, "answer": asdict(answer)}) + "\n")
        return answer

    def saved(self) -> float:
        """Seconds that kept answers took when they were drawn, since this was asked last; an estimate of wall time."""
        saved, self._saved = self._saved, 0.0
        return saved
