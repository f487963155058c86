"""What ALFRED is asked. Law: a short, clean prompt; the panel's talk stays outside.

Small models write best from a spec, three worked methods and the examples; with all that the others said in the prompt
they wrote nothing that ran (docs/adr/0007-panel-and-evidence.md). The prompt begins the same for every mission, so that
a server keeps that part cached; the nearest method that BABS found stands last of the three. The covenant stands first
in every worked method: a small model forgot it before a return in four drafts of ten, and at the top in none.

A persona of the style `full` is shown the whole spec and more examples: large models use them. What does not fit into
its context is cut by rule (fitting). Code is shown without comments and docstrings, whoever wrote it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kernel.messages import MAX_EXAMPLES, Example
from kernel.objects import MethodVersion, PersonaTurn
from kernel.signature import described
from kernel.values import Value
from synthesizer import mission, rendering
from synthesizer.bare import bare
from synthesizer.endpoints import ChatMessages
from synthesizer.fitting import Cut, fit, ladder, of_most_value
from synthesizer.mission import MOST_EXAMPLES, Mission
from synthesizer.panel import Minutes
from synthesizer.personas import FULL, Persona
from synthesizer.spec import Spec

WORKED = 3
_MOST_FOUND = 1  # what is found differs from message to message, and all behind it is read anew by the server
_LONGEST_FOUND = 2000  # characters of a source that is shown as a worked method


@dataclass(frozen=True, slots=True)
class Draft:
    """A source that ALFRED wrote, counted from 1. `cut` tells that his answer reached its limit of tokens."""

    index: int
    source: str
    turn: PersonaTurn | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Worked:
    """A method as it is shown: its stub, whose docstring says what it is for, and its source."""

    stub: str
    source: str


def built_in() -> tuple[Worked, ...]:
    """Worked methods that are shown whatever the mission."""
    emma: Value = {"title": "Emma", "author": "Austen", "year": 1815}
    persuasion: Value = {"title": "Persuasion", "author": "Austen", "year": 1817}
    return (
        _worked(
            "take_apples(self, count)",
            "Take so many apples out of the basket, at most all of them, and return how many are left.",
            (
                Example(7, {"apples": 9}, (), {"count": 2}, after={"apples": 7}),
                Example(0, {"apples": 3}, (), {"count": 5}, after={"apples": 0}),
            ),
            "self.apples = max(self.apples - count, 0)",
            "return self.apples",
        ),
        _worked(
            "titles_by(self, author)",
            "List the titles of the books by this author, oldest first.",
            (
                Example(["Emma", "Persuasion"], {"books": [persuasion, emma]}, (), {"author": "Austen"}),
                Example([], {"books": [emma]}, (), {"author": "Woolf"}),
            ),
            'books = [book for book in self.books if book["author"] == author]',
            'books = sorted(books, key=lambda book: book["year"])',
            'return [book["title"] for book in books]',
        ),
        _worked(
            "read_size(self, text)",
            "Read a size such as 20x30 cm and return its width and height as whole numbers.",
            (
                Example({"width": 20, "height": 30}, {}, ("20x30 cm",)),
                Example({"width": 5, "height": 7}, {}, ("5x7",)),
            ),
            'width, height = text.replace(" cm", "").split("x")',
            'return {"width": int(width), "height": int(height)}',
        ),
    )


def _worked(signature: str, mission: str, examples: Sequence[Example], *lines: str) -> Worked:
    selector = signature.partition("(")[0]
    shown = [line for example in examples for line in rendering.doctest(selector, example)]
    body = "".join(f"    {line}\n" for line in ("self._p_changed = True", *lines))
    return Worked(_stub(signature, mission, shown), f"def {signature}:\n{body}")


def found(method: MethodVersion) -> Worked:
    """A method of the objects themselves, as it is shown."""
    signature = described(method.selector, method.parameters).replace("(", "(self, ", 1).replace("(self, )", "(self)")
    intent = rendering.docstring(method.provenance.intent)
    return Worked(_stub(signature, intent, ()), rendering.code(bare(method.source)))


def prompt(alfred: Persona, minutes: Minutes, asked: Mission) -> ChatMessages:
    """The conversation that ends with the task. Raises SynthesisFailed where none fits into ALFRED's context."""
    return fit(alfred, _prompts(alfred, minutes, asked), repaired=True)


def _prompts(alfred: Persona, minutes: Minutes, asked: Mission) -> Iterator[ChatMessages]:
    """Ever shorter ones; of the worked methods those go first that stand first."""
    short = [method for method in minutes.found if len(method.source) <= _LONGEST_FOUND]
    nearest = [found(method) for method in short[:_MOST_FOUND]]
    worked = [*built_in()[: WORKED - len(nearest)], *nearest]
    for cut in ladder(asked.whole(examples=_most_examples(alfred), worked=len(worked))):
        messages = [{"role": "system", "content": alfred.system}]
        for item in worked[len(worked) - cut.worked :]:
            messages.append({"role": "user", "content": item.stub})
            messages.append({"role": "assistant", "content": f"```python\n{item.source}```"})
        yield [*messages, {"role": "user", "content": task(alfred, minutes.spec, asked, cut)}]


def _most_examples(alfred: Persona) -> int:
    return MAX_EXAMPLES if alfred.style == FULL else MOST_EXAMPLES


def task(alfred: Persona, spec: Spec, asked: Mission, cut: Cut) -> str:
    """The last turn: the stub of the method that is wanted. Without an intent BRICK's words stand for it."""
    selector = asked.message.selector
    told = rendering.docstring(mission.intent(asked, cut) or spec.does or f"Answer {selector}.")
    shown = [
        line
        for item in of_most_value(asked.message.examples, cut.examples)
        for line in rendering.doctest(selector, item)
    ]
    if not shown:
        state = mission.state(asked, cut)
        shown = [f"Slots: {state}"] if state else []
        shown.append(f">>> self.{mission.sent(asked)}")
    if alfred.style == FULL and spec.said:
        shown = [*_effects(spec), *shown]
    return _stub(spec.signature, told, shown)


def _effects(spec: Spec) -> list[str]:
    """The spec beside the signature, a line for each part."""
    parts = (
        ("Does", (spec.does,) if spec.does else ()),
        ("Reads", spec.effects.reads),
        ("Writes", spec.effects.writes),
        ("Sends", spec.effects.sends),
    )
    return [f"{name}: {rendering.docstring(', '.join(said))}" for name, said in parts if said]


def _stub(signature: str, mission: str, shown: Sequence[str]) -> str:
    """A method without its body: models have read many whose examples stand in the docstring."""
    lines = [f"def {signature}:", f'    """{mission}', *(["", *(f"    {line}" for line in shown)] if shown else [])]
    return "\n".join(["```python", *lines, '    """', "```"])


def repair(asked: ChatMessages, source: str, complaint: str) -> ChatMessages:
    """The conversation goes on: what he wrote, without its comments, and what is wrong with it."""
    return [
        *asked,
        {"role": "assistant", "content": f"```python\n{rendering.code(bare(source))}```"},
        {"role": "user", "content": f"{rendering.complaint(complaint)}\nWrite the whole method again, corrected."},
    ]
