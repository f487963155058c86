"""A synthesis as a person follows it. Law: each event is told once, in lines; what goes on is shown only on a terminal.

synthesis 0193f0 writes counter/main.increment
BRICK  has spoken     1.5 s   20 tokens
draft 1  refused  BAT102 line 2: imports nothing
draft 2  audited, 2 of 2 examples
increment version 1  E2  ababababab
"""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from batos.cli.documents import evidence_of
from batos.cli.terminal import clean, one_line
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb

Event = synthesizer_pb.SynthesizeResponse
COLORS = {"BRICK": "yellow", "BABS": "magenta", "ROBIN": "green", "ALFRED": "blue"}


class Panel:
    """Tells events on a console as they come; a context, for what goes on meanwhile.

    `texts` tells what was said and written, too.
    """

    def __init__(self, console: Console, *, texts: bool = False) -> None:
        self._console, self._texts = console, texts
        self._speaking: dict[tuple[str, int], float] = {}
        self._began = time.monotonic()
        self._spinner = Spinner("dots")
        self._live = Live(console=console, transient=True, refresh_per_second=8, get_renderable=self._going_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Tell one event."""
        if self._console.is_terminal and not self._live.is_started:
            self._live.start()
        self._follow(event)
        for line in lines(event, texts=self._texts):
            self._console.print(line)
        if self._live.is_started:
            self._live.refresh()

    def _follow(self, event: Event) -> None:
        match event.WhichOneof("event"):
            case "turn_started":
                turn = event.turn_started
                self._speaking[turn.persona, turn.draft] = time.monotonic()
            case "turn_finished":
                self._speaking.pop((event.turn_finished.turn.persona, event.turn_finished.draft), None)
            case _:
                pass

    def _going_on(self) -> Table:
        table = Table.grid(padding=(0, 1))
        now = time.monotonic()
        for (persona, draft), since in self._speaking.items():
            what = f"writes draft {draft}" if draft else "speaks"
            table.add_row(self._spinner, _persona(persona), Text(f"{what}  {now - since:.0f} s"))
        if not self._speaking:
            table.add_row(self._spinner, Text(f"{now - self._began:.0f} s"))
        return table


def lines(event: Event, *, texts: bool = False) -> Iterable[Text]:
    """What an event says, in lines; none for what only begins."""
    match event.WhichOneof("event"):
        case "started":
            verb = "is already being written" if event.started.joined else "is being written"
            yield Text(f"the method {verb} for {event.started.target} (synthesis {event.started.synthesis_id})")
        case "turn_finished":
            yield _turn(event.turn_finished)
            if texts:
                yield Text(_indented(event.turn_finished.text), style="dim")
        case "audited":
            yield from _audited(event.audited)
        case "tried":
            yield _tried(event.tried)
        case "adopted":
            name = f"{event.adopted.holder}.{event.adopted.selector} version {event.adopted.number}"
            yield Text(f"  taken unchanged from {one_line(name)}")
        case "chosen":
            yield _chosen(event.chosen)
        case "compared":
            yield from _compared(event.compared)
        case "registered":
            yield _registered(event.registered.method)
        case _:
            return


def _persona(name: str) -> Text:
    return Text(f"{one_line(name):6}", style=COLORS.get(name, "bold"))


def _turn(finished: synthesizer_pb.TurnFinished) -> Text:
    turn = finished.turn
    what = f"wrote draft {finished.draft}" if finished.draft else "has spoken"
    return _persona(turn.persona) + Text(f"  {what:14}{turn.seconds:6.1f} s {turn.output_tokens:5} tokens")


def _audited(audited: synthesizer_pb.DraftAudited) -> Iterable[Text]:
    for finding in audited.findings:
        style = "red" if finding.severity == pb.SEVERITY_ERROR else "yellow"
        place = f" line {finding.line}" if finding.line else ""
        yield _draft(audited.draft) + Text(f"{finding.rule}{place}: {one_line(finding.reason)}", style=style)
    if not audited.passed and not audited.findings:
        yield _draft(audited.draft) + Text("refused by the audit", style="red")


def _tried(tried: synthesizer_pb.DraftTried) -> Text:
    score = f"{tried.passed} of {tried.total} examples"
    if tried.failure:
        return _draft(tried.draft) + Text(f"{score}: {one_line(tried.failure)}", style="red")
    return _draft(tried.draft) + Text(score, style="green")


def _chosen(chosen: synthesizer_pb.DraftChosen) -> Text:
    others = f", {chosen.dissent} otherwise" if chosen.dissent else ""
    return _draft(chosen.draft) + Text(f"chosen: {chosen.agreeing} of {chosen.drafts} that passed agree{others}")


def _compared(compared: synthesizer_pb.CallsCompared) -> Iterable[Text]:
    style = "yellow" if compared.differences else ""
    yield Text(f"  {compared.alike} of {compared.calls} recorded calls are answered as before", style=style)
    for difference in compared.differences:
        yield Text(f"    {one_line(difference)}", style=style)


def _registered(method: pb.MethodVersion) -> Text:
    name = f"{method.holder}.{method.selector} version {method.number}"
    return Text(one_line(name), style="bold") + Text(f"  {evidence_of(method)}  {method.digest[:10]}")


def _draft(number: int) -> Text:
    return Text(f"  draft {number}  ")


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in clean(text).strip().splitlines())
