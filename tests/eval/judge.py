"""What came of one task. Law: judged by calls that nobody who wrote it has seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from activation.examples import Tryout
from eval.tasks import SHOWN, Task
from kernel.errors import KernelError
from kernel.messages import Example
from kernel.synthesis import Event, Registered, TurnFinished
from synthesizer.audit import audit, passed
from synthesizer.personas import ALFRED


@dataclass(slots=True)
class Outcome:
    """A task written in one way: what was installed, what it and the first draft got wrong, what it cost."""

    task: str
    group: str
    way: str
    half: str
    installed: bool = False
    """Whether a version is registered; without examples it waits for a person."""
    evidence: int = 0
    wrong: list[str] = field(default_factory=list[str])
    """Hidden calls that the installed method answers otherwise, in words."""
    first_right: bool = False
    any_right: bool = False
    """Whether one of the drafts is right, chosen or not."""
    drafts: int = 0
    tokens: int = 0
    seconds: float = 0.0
    failure: str = ""
    source: str = ""

    @property
    def right(self) -> bool:
        """Whether what is installed answers every call."""
        return self.installed and not self.wrong


async def judge(  # noqa: PLR0917 - what a judgement rests on
    outcome: Outcome, task: Task, examples: Sequence[Example], tryout: Tryout, events: Sequence[Event], source: str
) -> None:
    """Fill in what the events tell of a synthesis, and what the hidden calls tell of its drafts and its `source`."""
    turns = [each for each in events if isinstance(each, TurnFinished)]
    drafts = sorted((each for each in turns if each.turn.persona == ALFRED), key=lambda each: each.draft)
    outcome.drafts = len(drafts)
    right = [not await wrongs(task, each.text, examples, tryout) for each in drafts]
    outcome.first_right, outcome.any_right = right[:1] == [True], any(right)
    outcome.installed, outcome.source = bool(source), source
    outcome.evidence = max((each.record.level - 1 for each in events if isinstance(each, Registered)), default=0)
    if source:
        outcome.wrong = await wrongs(task, source, examples[SHOWN:], tryout)


async def wrongs(task: Task, source: str, examples: Sequence[Example], tryout: Tryout) -> list[str]:
    """What a source gets wrong, in words; empty where it is right. One that the audit refuses is wrong."""
    if not passed(audit(source, task.selector)):
        return ["refused by the audit"]
    try:
        method = task.method(source)
    except KernelError as error:
        return [error.text]
    verdicts = [await tryout.check(method, task.receiver, example) for example in examples]
    return [verdict.failure for verdict in verdicts if not verdict.passed]
