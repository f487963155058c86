"""What ALFRED is asked. Law: a short, clean prompt; the panel's talk stays outside.

Small models write best from a spec, three worked methods and the examples; with all that the others said in the prompt
they wrote nothing that ran (docs/adr/0007-panel-and-evidence.md). The prompt begins the same for every mission, so that
a server keeps that part cached; the nearest method that BABS found stands last of the three. The covenant stands first
in every worked method: a small model forgot it before a return in four drafts of ten, and at the top in none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.messages import Message
from kernel.objects import MethodVersion, PersonaTurn
from kernel.signature import described
from kernel.values import SlotValues
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
    """A method as it is shown: what it is for, its signature, its examples, its source."""

    mission: str
    signature: str
    examples: tuple[str, ...]
    source: str


def built_in() -> tuple[Worked, ...]:
    """Worked methods for objects that have none."""
    emma = '{"title": "Emma", "author": "Austen", "year": 1815}'
    persuasion = '{"title": "Persuasion", "author": "Austen", "year": 1817}'
    return (
        Worked(
            "Raise the count by the given amount, or by one, and return the new count.",
            "increment(self, by)",
            ("self.count == 4; increment(by=2) -> 6", "self.count == 0; increment(by=1) -> 1"),
            "def increment(self, by=1):\n    self._p_changed = True\n    self.count = self.count + by\n"
            "    return self.count\n",
        ),
        Worked(
            "List the titles of the books by this author, oldest first.",
            "titles_by(self, author)",
            (
                f'self.books == [{emma}, {persuasion}]; titles_by(author="Austen") -> ["Emma", "Persuasion"]',
                f'self.books == [{emma}]; titles_by(author="Woolf") -> []',
            ),
            "def titles_by(self, author):\n    self._p_changed = True\n"
            '    books = [book for book in self.books if book["author"] == author]\n'
            '    books = sorted(books, key=lambda book: book["year"])\n'
            '    return [book["title"] for book in books]\n',
        ),
        Worked(
            "Read a size such as 20x30 cm and return its width and height as whole numbers.",
            "read_size(self, text)",
            (
                'read_size("20x30 cm") -> {"width": 20, "height": 30}',
                'read_size("5x7") -> {"width": 5, "height": 7}',
            ),
            "def read_size(self, text):\n    self._p_changed = True\n"
            '    width, height = text.replace(" cm", "").split("x")\n'
            '    return {"width": int(width), "height": int(height)}\n',
        ),
    )


def found(method: MethodVersion) -> Worked:
    """A method of the objects themselves, as it is shown."""
    signature = described(method.selector, method.parameters).replace("(", "(self, ", 1).replace("(self, )", "(self)")
    return Worked(rendering.quoted(method.provenance.intent), signature, (), rendering.code(method.source))


def prompt(alfred: Persona, minutes: Minutes, message: Message, slots: SlotValues) -> ChatMessages:
    """The conversation that ends with the task."""
    nearest = [found(method) for method in minutes.found[:_MOST_FOUND]]
    worked = [*built_in()[: WORKED - len(nearest)], *nearest]
    messages = [{"role": "system", "content": alfred.system}]
    for item in worked:
        messages.append({"role": "user", "content": _task(item.mission, "", item.signature, item.examples)})
        messages.append({"role": "assistant", "content": f"```python\n{item.source}```"})
    return [*messages, {"role": "user", "content": task(minutes, message, slots)}]


def task(minutes: Minutes, message: Message, slots: SlotValues) -> str:
    """The last turn: the mission, the spec, the slots, the signature, the examples."""
    mission = rendering.quoted(message.intent) if message.intent else f"Answer {message.selector}."
    notes = minutes.does if not message.intent else ""
    examples = [rendering.example(message.selector, item) for item in message.examples[:_MAX_EXAMPLES]]
    if not examples:
        examples = [rendering.send(message.selector, message.arguments, message.keywords)]
    return _task(mission, notes, minutes.signature, examples, rendering.slots(slots))


def _task(mission: str, notes: str, signature: str, examples: Sequence[str], slots: str = "") -> str:
    lines = [mission]
    if notes:
        lines.append(notes)
    if slots:
        lines.append(f"Slots: {slots}")
    lines.append(f"Signature: def {signature}:")
    if examples:
        lines += ["Examples:", *examples]
    return "\n".join(lines)


def repair(asked: ChatMessages, source: str, complaint: str) -> ChatMessages:
    """The conversation goes on: what he wrote, and what is wrong with it."""
    return [
        *asked,
        {"role": "assistant", "content": f"```python\n{rendering.code(source)}```"},
        {"role": "user", "content": f"{rendering.complaint(complaint)}\nWrite the whole method again, corrected."},
    ]
