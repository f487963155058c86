"""The panel: BRICK, BABS and ROBIN look at a mission, at the same time and apart. Law: each gives its own artifact.

| persona | is shown                       | gives                                                       |
|---------|--------------------------------|-------------------------------------------------------------|
| BRICK   | message, slots, examples       | the typed spec: signature, and what the method does         |
| BABS    | message, the methods there are | those that work most like it, as worked methods for ALFRED  |
| ROBIN   | message, examples; never code  | unusual sends, on which drafts are compared                 |

An artifact is read for what it is and nothing else of it goes on: a signature that the message does not fit, a method
that does not exist, a send that does not parse are left out. ROBIN's sends rank drafts; they never refuse one.
"""

import ast
import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import KernelError
from kernel.messages import Example, Message
from kernel.objects import MethodVersion, PersonaTurn
from kernel.signature import bind, described, parse_method
from kernel.values import SlotValues, Value, canonical
from synthesizer import rendering
from synthesizer.endpoints import Sampling
from synthesizer.personas import BABS, BRICK, ROBIN, Persona
from synthesizer.turns import Said, Tell, Turns

MAX_FOUND = 2  # methods of the objects themselves among ALFRED's three worked ones
MAX_PROBES = 3
_LONGEST_LINE = 200
_TOKENS: Mapping[str, int] = {BRICK: 120, BABS: 40, ROBIN: 120}


@dataclass(frozen=True, slots=True)
class Mission:
    """What the panel is asked about: the message, the receiver's slots, and the methods along its path."""

    message: Message
    slots: SlotValues
    known: Sequence[MethodVersion]


@dataclass(frozen=True, slots=True)
class Minutes:
    """What came of a panel: the spec for ALFRED, worked methods, sends to compare drafts on, and the turns."""

    signature: str
    does: str
    found: tuple[MethodVersion, ...]
    probes: tuple[Example, ...]
    turns: tuple[PersonaTurn, ...]


async def sit(turns: Turns, personas: Mapping[str, Persona], mission: Mission, seed: int, tell: Tell) -> Minutes:
    """Let the three speak. `seed` is that of all their turns. Raises EndpointUnavailable."""

    async def ask(name: str, brief: str) -> Said:
        persona = personas[name]
        messages = ({"role": "system", "content": persona.system}, {"role": "user", "content": brief})
        return await turns.take(persona, messages, Sampling(_TOKENS[name], 0.2, seed), tell)

    try:
        async with asyncio.TaskGroup() as together:
            brick = together.create_task(ask(BRICK, case_file(mission)))
            babs = together.create_task(ask(BABS, case_file(mission) + "\n" + _shelf(mission.known)))
            robin = together.create_task(ask(ROBIN, case_file(mission)))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    said = brick.result(), babs.result(), robin.result()
    signature, does = read_spec(said[0].text, mission.message)
    return Minutes(
        signature,
        does,
        read_found(said[1].text, mission.known),
        read_probes(said[2].text, mission),
        tuple(each.turn for each in said),
    )


def case_file(mission: Mission) -> str:
    """What every persona is shown of a mission: all of it quoted."""
    message = mission.message
    lines = [
        f"Mission: {rendering.quoted(message.intent) if message.intent else 'not said'}",
        f"Message: {rendering.send(message.selector, message.arguments, message.keywords)} to {message.receiver}",
    ]
    if mission.slots:
        lines.append(f"Slots: {rendering.slots(mission.slots)}")
    if message.examples:
        lines += ["Examples:", *(rendering.example(message.selector, item) for item in message.examples)]
    return "\n".join(lines)


def _shelf(known: Sequence[MethodVersion]) -> str:
    if not known:
        return "Methods: none"
    rows = [
        f"- {described(item.selector, item.parameters)}: {rendering.quoted(item.provenance.intent)}" for item in known
    ]
    return "\n".join(("Methods:", *rows))


def read_spec(text: str, message: Message) -> tuple[str, str]:
    """BRICK's signature, if the message and all its examples fit it, and what it says the method does.

    Only the names of the parameters are taken: a default or a type would be a guess from one message.
    """
    signature = rendering.signature(message)
    found = re.search(rf"\b{message.selector}\s*\(([^()]*)\)", text)
    if found and (names := _parameters(found[1])) is not None and _fits(names, message):
        signature = f"{message.selector}({', '.join(['self', *names])})"
    does = re.search(r"^\W*does\W*:\s*(.+)$", text, re.IGNORECASE | re.MULTILINE)
    return signature, rendering.quoted(does[1][:_LONGEST_LINE]) if does else ""


def _parameters(text: str) -> list[str] | None:
    """The names in a parameter list; None where something else stands in it."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    named = [re.match(r"[A-Za-z_]\w*(?=\s*(?:[:=]|$))", part) for part in parts]
    if None in named:
        return None
    return [each[0] for each in named if each and each[0] != "self"]


def _fits(names: Sequence[str], message: Message) -> bool:
    source = f"def {message.selector}({', '.join(['self', *names])}):\n    pass\n"
    try:
        taken = parse_method(source, message.selector)
        for send in (message, *message.examples):
            bind(message.selector, taken, len(send.arguments), list(send.keywords))
    except KernelError:
        return False
    return True


def read_found(text: str, known: Sequence[MethodVersion]) -> tuple[MethodVersion, ...]:
    """The methods that BABS named, in her order."""
    named = re.findall(r"\w+", text)
    by_name = {item.selector: item for item in reversed(known)}
    chosen = dict.fromkeys(name for name in named if name in by_name)
    return tuple(by_name[name] for name in list(chosen)[:MAX_FOUND])


def read_probes(text: str, mission: Mission) -> tuple[Example, ...]:
    """ROBIN's sends, on the state of the first example (or the receiver's own)."""
    examples = mission.message.examples
    state = examples[0].before if examples else mission.slots
    probes: list[Example] = []
    for line in text.splitlines():
        sent = _send_in(line, mission.message.selector)
        if sent is not None:
            probes.append(Example(None, state, *sent))
    return tuple(probes[:MAX_PROBES])


def _send_in(line: str, selector: str) -> tuple[tuple[Value, ...], dict[str, Value]] | None:
    """The arguments of `selector(...)` in a line, where all of them are written out."""
    start = line.find(f"{selector}(")
    for end in range(len(line), start, -1) if start >= 0 else ():
        if line[end - 1] != ")":
            continue
        try:
            call = ast.parse(line[start:end], mode="eval").body
            if isinstance(call, ast.Call):
                return _literals(call)
        except (SyntaxError, ValueError, RecursionError, MemoryError, KernelError):
            continue
    return None


def _literals(call: ast.Call) -> tuple[tuple[Value, ...], dict[str, Value]]:
    arguments = tuple(canonical(ast.literal_eval(item)) for item in call.args)
    keywords = {item.arg: canonical(ast.literal_eval(item.value)) for item in call.keywords if item.arg}
    return arguments, keywords
