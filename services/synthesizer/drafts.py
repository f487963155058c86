"""What ALFRED is asked. Law: a short, clean prompt; the panel's talk stays outside.

Small models write best from a spec, three worked methods and the examples; with all that the others said in the prompt
they wrote nothing that ran (docs/adr/0007-panel-and-evidence.md). The prompt begins the same for every mission, so that
a server keeps that part cached; the nearest method that BABS found stands last of the three. The covenant stands first
in every worked method: a small model forgot it before a return in four drafts of ten, and at the top in none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.messages import Example, Message
from kernel.objects import MethodVersion, PersonaTurn
from kernel.signature import described
from kernel.values import SlotValues, Value
from synthesizer import rendering
from synthesizer.endpoints import ChatMessages
from synthesizer.panel import Minutes
from synthesizer.personas import Persona

WORKED = 3
_MOST_FOUND = 1  # what is found differs from message to message, and all behind it is read anew by the server
_MAX_EXAMPLES = 6  # shown; a trial tries all


@dataclass(frozen=True, slots=True)
class Draft:
    """A source that ALFRED wrote, counted from 1. `cut` tells that his answer reached its limit of tokens."""

    index: int
    source: str
    turn: PersonaTurn
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
    mission = rendering.docstring(method.provenance.intent)
    return Worked(_stub(signature, mission, ()), rendering.code(method.source))


def prompt(alfred: Persona, minutes: Minutes, message: Message, slots: SlotValues) -> ChatMessages:
    """The conversation that ends with the task."""
    nearest = [found(method) for method in minutes.found[:_MOST_FOUND]]
    worked = [*built_in()[: WORKED - len(nearest)], *nearest]
    messages = [{"role": "system", "content": alfred.system}]
    for item in worked:
        messages.append({"role": "user", "content": item.stub})
        messages.append({"role": "assistant", "content": f"```python\n{item.source}```"})
    return [*messages, {"role": "user", "content": task(minutes, message, slots)}]


def task(minutes: Minutes, message: Message, slots: SlotValues) -> str:
    """The last turn: the stub of the method that is wanted. Without an intent BRICK's words stand for it."""
    mission = rendering.docstring(message.intent or minutes.does or f"Answer {message.selector}.")
    shown = [line for item in message.examples[:_MAX_EXAMPLES] for line in rendering.doctest(message.selector, item)]
    if not shown:
        state = rendering.slots(slots)
        shown = [f"Slots: {state}"] if state else []
        shown.append(f">>> self.{rendering.send(message.selector, message.arguments, message.keywords)}")
    return _stub(minutes.signature, mission, shown)


def _stub(signature: str, mission: str, shown: Sequence[str]) -> str:
    """A method without its body: models have read many whose examples stand in the docstring."""
    lines = [f"def {signature}:", f'    """{mission}', *(["", *(f"    {line}" for line in shown)] if shown else [])]
    return "\n".join(["```python", *lines, '    """', "```"])


def repair(asked: ChatMessages, source: str, complaint: str) -> ChatMessages:
    """The conversation goes on: what he wrote, and what is wrong with it."""
    return [
        *asked,
        {"role": "assistant", "content": f"```python\n{rendering.code(source)}```"},
        {"role": "user", "content": f"{rendering.complaint(complaint)}\nWrite the whole method again, corrected."},
    ]
