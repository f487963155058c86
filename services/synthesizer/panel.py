"""The panel: BRICK, BABS and ROBIN look at a mission, at the same time and apart. Law: each gives its own artifact.

| persona | is shown                       | gives                                                              |
|---------|--------------------------------|--------------------------------------------------------------------|
| BRICK   | message, slots, examples       | the typed spec: signature, what the method does, its effects       |
| BABS    | message, the methods there are | those that work most like it, as worked methods for ALFRED         |
| ROBIN   | message, examples; never code  | unusual sends and properties, on which drafts are compared         |

An artifact is read for what it is and nothing else of it goes on: a spec that does not parse, a method that does not
exist, a send or a property that is none are left out. What ROBIN says ranks drafts; it never refuses one.
"""

import ast
import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from kernel.errors import EndpointUnavailable, KernelError
from kernel.messages import Example
from kernel.objects import MethodVersion, PersonaTurn
from kernel.signature import described
from kernel.values import Value, canonical, encode
from synthesizer import rendering
from synthesizer.endpoints import ChatMessages, Sampling
from synthesizer.faults import Cause
from synthesizer.fitting import fit, ladder
from synthesizer.mission import Mission, case_file
from synthesizer.personas import BABS, BRICK, ROBIN, Persona
from synthesizer.properties import Property, read_properties
from synthesizer.spec import SCHEMA, Spec, read_spec
from synthesizer.turns import Said, Tell, Turns

MAX_FOUND = 2  # methods of the objects themselves among ALFRED's three worked ones
MAX_PROBES = 3
MAX_SHELF = 12  # methods that BABS is told of
_LONGEST_LINE = 2000  # characters of what ROBIN says; each bracket in it is tried as the end of a send
_TEMPERATURE = 0.2
_LINES: Final[Mapping[str, object]] = {"type": "array", "items": {"type": "string"}, "maxItems": MAX_PROBES}
LINES: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {"messages": _LINES, "always": _LINES},
    "required": ["messages", "always"],
    "additionalProperties": False,
}
"""The JSON schema of what ROBIN says."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """What came of a panel: the spec for ALFRED, worked methods, what drafts are compared on, and the turns."""

    spec: Spec
    found: tuple[MethodVersion, ...]
    probes: tuple[Example, ...]
    properties: tuple[Property, ...]
    turns: tuple[PersonaTurn, ...]


async def sit(turns: Turns, personas: Mapping[str, Persona], mission: Mission, seed: int, tell: Tell) -> Minutes:
    """Let the three speak. `seed` is that of all their turns. Raises EndpointUnavailable, SynthesisFailed."""

    async def ask(name: str, schema: Mapping[str, object] | None = None) -> Said | None:
        persona = personas[name]
        sampling = Sampling(persona.max_tokens, _TEMPERATURE, seed, schema)
        try:
            return await turns.take(persona, prompt(persona, mission), sampling, tell)
        except EndpointUnavailable as error:
            # Whoever has nothing to say hinders nobody: only ALFRED has to write.
            if error.fields.get("cause") == Cause.EMPTY:
                return None
            raise

    try:
        async with asyncio.TaskGroup() as together:
            brick = together.create_task(ask(BRICK, SCHEMA))
            babs = together.create_task(ask(BABS))
            robin = together.create_task(ask(ROBIN, LINES))
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    said = brick.result(), babs.result(), robin.result()
    spec_text, found, unusual = (each.text if each else "" for each in said)
    spec, lines = read_spec(spec_text, mission.message, mission.slots), read_lines(unusual)
    return Minutes(
        spec,
        read_found(found, mission.known[:MAX_SHELF]),
        read_probes(lines, mission),
        read_properties(lines, mission.message.selector, spec.signature),
        tuple(each.turn for each in said if each),
    )


def prompt(persona: Persona, mission: Mission) -> ChatMessages:
    """What one of the three is asked. Raises SynthesisFailed where it does not fit into its context."""
    return fit(persona, _prompts(persona, mission))


def _prompts(persona: Persona, mission: Mission) -> Iterator[ChatMessages]:
    """Ever shorter ones."""
    known = mission.known[:MAX_SHELF] if persona.name == BABS else ()
    for cut in ladder(mission.whole(worked=len(known))):
        brief = case_file(mission, cut)
        if persona.name == BABS:
            brief += "\n" + _shelf(known[: cut.worked])
        yield (
            {"role": "system", "content": persona.system},
            {"role": "user", "content": brief},
        )


def _shelf(known: Sequence[MethodVersion]) -> str:
    if not known:
        return "Methods: none"
    rows = [
        f"- {described(item.selector, item.parameters)}: {rendering.quoted(item.provenance.intent)}" for item in known
    ]
    return "\n".join(("Methods:", *rows))


def read_found(text: str, known: Sequence[MethodVersion]) -> tuple[MethodVersion, ...]:
    """The methods that BABS named, in her order."""
    named = re.findall(r"\w+", text)
    by_name = {item.selector: item for item in reversed(known)}
    chosen = dict.fromkeys(name for name in named if name in by_name)
    return tuple(by_name[name] for name in list(chosen)[:MAX_FOUND])


def read_lines(text: str) -> Sequence[str]:
    """What ROBIN says, one thing each: the texts in its JSON, else the lines of its answer."""
    try:
        given: object = json.loads(text[text.find("{") : text.rfind("}") + 1])
    except (ValueError, RecursionError):
        return text.splitlines()
    lists = cast("dict[str, object]", given).values() if isinstance(given, dict) else ()
    items = [item for each in lists if isinstance(each, list) for item in cast("list[object]", each)]
    return [item for item in items if isinstance(item, str)]


def read_probes(lines: Sequence[str], mission: Mission) -> tuple[Example, ...]:
    """ROBIN's sends, each once, on the state of the first example (or the receiver's own)."""
    examples = mission.message.examples
    state = examples[0].before if examples else mission.slots
    probes: dict[bytes, Example] = {}
    for line in lines:
        sent = _send_in(line, mission.message.selector)
        if sent is not None:
            arguments, keywords = sent
            probes.setdefault(encode([list(arguments), keywords]), Example(None, state, arguments, keywords))
    return tuple(probes.values())[:MAX_PROBES]


def _send_in(line: str, selector: str) -> tuple[tuple[Value, ...], dict[str, Value]] | None:
    """The arguments of `selector(...)` in a line that is not too long, where all of them are written out."""
    start = line.find(f"{selector}(") if len(line) <= _LONGEST_LINE else -1
    for end in range(len(line), start, -1) if start >= 0 else ():
        if line[end - 1] != ")":
            continue
        try:
            call = ast.parse(line[start:end], mode="eval").body
            if isinstance(call, ast.Call):
                return _literals(call)
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, KernelError):
            continue  # a TypeError: a list in a set
    return None


def _literals(call: ast.Call) -> tuple[tuple[Value, ...], dict[str, Value]]:
    arguments = tuple(canonical(ast.literal_eval(item)) for item in call.args)
    keywords = {item.arg: canonical(ast.literal_eval(item.value)) for item in call.keywords if item.arg}
    return arguments, keywords
