"""What the demonstration prints. Law: figures as they were measured, failures as they were told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from batos.errors import BatosError
from batos.json_values import dumps
from batos.replies import Reply
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from demo.messages import Task

SHOWN = 60  # characters of a result


@dataclass(slots=True)
class Outcome:
    """What came of one message: the miss (`seconds` long), the hit after it, and the hit after the restart."""

    task: Task
    miss: Reply | None = None
    failure: BatosError | None = None
    hit: Reply | None = None
    after_restart: Reply | None = None
    seconds: float = 0.0
    tokens: int = 0

    @property
    def wrong(self) -> str:
        """The first answer that is not the expected one; empty where all are."""
        replies = {"the miss": self.miss, "the hit": self.hit, "the hit after the restart": self.after_restart}
        for which, reply in replies.items():
            if reply and not self.task.fits(reply.result):
                return f"{which} answered {shown(reply.result)}, not {shown(self.task.expected)}"
            if reply and reply.synthesized != (reply is self.miss):
                return f"{which} was {'' if reply.synthesized else 'not '}synthesized"
        return ""

    @property
    def learned(self) -> bool:
        """Whether a method was written for it, and every answer was right."""
        return self.miss is not None and self.hit is not None and not self.wrong

    @property
    def survived(self) -> bool:
        """Whether the same version answered after the restart."""
        later, first = self.after_restart, self.miss
        return later is not None and first is not None and later.method == first.method and not later.synthesized

    def why(self) -> str:
        """Why it was not learned, or not kept; empty where it was."""
        if self.failure:
            return f"{self.failure.reason}: {self.failure.message}"
        return self.wrong or ("" if self.survived else "the method did not survive the restart")


class CompactPanel:
    """A synthesis in one line that grows while it happens, and the tokens it took."""

    def __init__(self, console: Console) -> None:
        self.tokens = 0
        self._console = console
        self._began = False

    def tell(self, event: synthesizer_pb.SynthesizeResponse) -> None:
        """Add what happened."""
        if said := self._said(event):
            self._console.print(Text(" · " if self._began else "    ") + said, end="")
            self._began = True

    def end(self) -> None:
        """End the line, where one was begun."""
        if self._began:
            self._console.print()

    def _said(self, event: synthesizer_pb.SynthesizeResponse) -> Text | None:
        match event.WhichOneof("event"):
            case "turn_finished":
                turn = event.turn_finished.turn
                self.tokens += turn.output_tokens
                draft = f" draft {event.turn_finished.draft}" if event.turn_finished.draft else ""
                return Text(f"{turn.persona}{draft} {turn.seconds:.1f} s", style="dim")
            case "audited" if not event.audited.passed:
                rules = ", ".join(sorted({finding.rule for finding in event.audited.findings}))
                return Text(f"draft {event.audited.draft} refused: {rules}", style="red")
            case "tried":
                tried = event.tried
                style = "red" if tried.failure else "green"
                return Text(f"draft {tried.draft} passes {tried.passed} of {tried.total}", style=style)
            case "registered":
                return Text(f"version {event.registered.method.number}", style="bold")
            case _:
                return None


def shown(value: object) -> str:
    """A value as JSON, cut where it is long."""
    text = dumps(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def milliseconds(reply: Reply | None) -> str:
    """How long the client waited."""
    return f"{reply.seconds * 1000:.1f} ms" if reply else "-"


def summary(outcomes: Sequence[Outcome]) -> Iterable[Text]:
    """A head, then a line a message."""
    width = max(len(outcome.task.name) for outcome in outcomes)
    yield Text(f"{'method':{width}}  learned      miss        hit  after restart  tokens", style="bold")
    for outcome in outcomes:
        learned = Text(f"{'yes' if outcome.learned else 'no':7}", style="green" if outcome.learned else "red")
        yield (
            Text(f"{outcome.task.name:{width}}  ")
            + learned
            + Text(
                f"  {outcome.seconds:6.1f} s  {milliseconds(outcome.hit):>9}  {milliseconds(outcome.after_restart):>13}"
            )
            + Text(f"  {outcome.tokens:6}")
        )
