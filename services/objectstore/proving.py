"""What the store promises of what proves a method. Law: as in `store`; nothing here changes which version answers.

Examples and calls belong to a method of one object, whatever its versions, and go with that object.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kernel.messages import Example
from kernel.objects import Evidence, MethodRecord, Namespace, ObjectId, Selector
from kernel.transactions import Token


@dataclass(frozen=True, slots=True)
class KeptExample:
    """An example that every later version must pass: who gave it and when (seconds since 1970), who took it back."""

    example: Example
    by: str
    at: float
    withdrawn_by: str = ""

    @property
    def digest(self) -> str:
        """What it is named by."""
        return self.example.digest()


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A message that a version answered, as an example that says what came of it, and which version that was."""

    example: Example
    number: int
    at: float


class Proving(Protocol):
    """Proofs, kept examples and recorded calls of a Store."""

    async def prove(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, number: int, evidence: Evidence
    ) -> tuple[MethodRecord, Token]:
        """Append a proof to a version, and leave active what is. MethodNotFound, BadArguments (no level, no number).

        LimitExceeded where it has 100 already.
        """
        ...

    async def keep(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, examples: Sequence[KeptExample]
    ) -> Token:
        """Keep examples, each once; one that was withdrawn is kept again. ObjectNotFound, LimitExceeded.

        A method has at most 100, and 1 MiB of them; for a new one the oldest that were withdrawn are let go.
        """
        ...

    async def withdraw(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, digest: str, by: str
    ) -> tuple[KeptExample, Token]:
        """Take an example back: it is told of, and gates nothing any more. ObjectNotFound, BadArguments (none such)."""
        ...

    async def kept(
        self, namespace: Namespace, holder: ObjectId, selector: Selector
    ) -> tuple[Sequence[KeptExample], Token]:
        """All examples of a method, by age, withdrawn ones too. ObjectNotFound."""
        ...

    async def record(
        self, namespace: Namespace, holder: ObjectId, selector: Selector, calls: Sequence[RecordedCall]
    ) -> None:
        """Keep some calls, the newest 20 of a method, of at most 16 KiB each; more is let go. ObjectNotFound."""
        ...

    async def recorded(self, namespace: Namespace, holder: ObjectId, selector: Selector) -> Sequence[RecordedCall]:
        """The calls that are kept, the newest first. ObjectNotFound."""
        ...
