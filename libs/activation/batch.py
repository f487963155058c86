"""Many activations of one method in one feed. Law: each has the outcome that it would have alone, or none.

A session is kept for each pair of method and principal, and only for methods that are isolated, so that activations
which share one can neither see nor touch each other; what is left over by a mistake stays within the principal.
What is none here runs alone: what raised, gave no value or wrote what it may not, what stood in a feed that struck a
limit. A limit is judged only alone; a method that struck one runs alone for a while.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias, cast

from activation import crossing, guest
from activation.effects import may_write
from activation.isolation import isolated
from kernel.errors import BadValue, LimitExceeded
from kernel.objects import EffectSet, MethodVersion, ObjectId
from kernel.values import SlotValues, Value, same
from sandbox.errors import LimitExceeded as SandboxLimitExceeded
from sandbox.errors import SandboxError, SandboxUnavailable
from sandbox.host import Feed, Kept, Sandbox
from sandbox.limits import Limits

__all__ = ["Batches", "Chain", "Outcome", "isolated"]

MAX_TEXT = 1 << 20  # characters that go into one feed, unless a single chain has more
ALONE_SECONDS = 10.0  # after a limit struck
WARM_SECONDS = 1.0  # for which a session is not given up for a single message
_EPOCH = datetime.fromtimestamp(0, UTC)  # an isolated method has no clock
_EXACT = frozenset({type(None), bool, int, str})


class Chain(NamedTuple):
    """Messages (arguments, keywords) to one object in a row, which see one another's state; `slots` is the first's."""

    object_id: ObjectId
    slots: SlotValues
    calls: Sequence[tuple[Sequence[Value], SlotValues]]


class Outcome(NamedTuple):
    """What an activation gave: the result, and all slots after it; None where it left them as they were."""

    result: Value
    slots: SlotValues | None


_Key: TypeAlias = tuple[str, str]
"""A method's digest and a principal."""


@dataclass(slots=True)
class _Line:
    """Who waits for one method's session, and the session itself, which is made when it is first needed."""

    key: _Key
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    used: float = 0.0  # when the last of them left, by the loop's clock
    kept: Kept | None = None
    feeds: int = 0


class Batches:
    """Runs activations in kept sessions, at most `most_kept` of them; the least recently used goes first.

    A session ends after `most_feeds`, so that what its worker gathers is let go. `admits` judges which methods share
    one.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        limits: Limits | None = None,
        *,
        most_kept: int = 32,
        most_feeds: int = 1000,
        admits: Callable[[MethodVersion], bool] = isolated,
    ) -> None:
        self._sandbox, self._most, self._most_feeds, self._admits = sandbox, most_kept, most_feeds, admits
        self._limits = limits or Limits()
        self._inner = replace(
            self._limits,
            recursion=self._limits.recursion + guest.BATCH_FRAMES,
            memory_bytes=self._limits.memory_bytes * 3 // 4,  # stricter than alone, whatever the session holds besides
        )
        self._lines: OrderedDict[_Key, _Line] = OrderedDict()
        self._alone_until: OrderedDict[_Key, float] = OrderedDict()
        self._programs = lru_cache(4 * most_kept)(guest.batch_program)

    async def run(self, method: MethodVersion, principal: str, chains: Sequence[Chain]) -> list[list[Outcome | None]]:
        """The outcomes of every chain, in order; None is to be run alone, as if it had had no effect here.

        The arguments fit the method (`kernel.signature.bind`). Never fails but by cancelling.
        """
        key = (method.digest, principal)
        if not self._admits(method) or self._runs_alone(key):
            return _nothing(chains)
        line = self._line(key, sum(len(chain.calls) for chain in chains))
        if line is None:
            return _nothing(chains)
        line.users += 1
        try:
            return [found for part in _parts(chains) for found in await self._part(line, method, *part)]
        finally:
            line.users -= 1
            line.used = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """End every session."""
        while self._lines:
            _, line = self._lines.popitem()
            await _end(line)

    # --- Sessions ---

    def _line(self, key: tuple[str, str], messages: int) -> _Line | None:
        line = self._lines.get(key)
        if line is not None:
            self._lines.move_to_end(key)
            return line
        if len(self._lines) >= self._most:
            idle = next((each for each, line in self._lines.items() if not line.users), None)
            if idle is None or (messages == 1 and self._is_warm(idle)):
                return None
            self._drop(idle)
        line = self._lines[key] = _Line(key)
        return line

    def _is_warm(self, key: tuple[str, str]) -> bool:
        # To end a session that is in use again and again, and begin another, costs more than one activation alone.
        return asyncio.get_running_loop().time() - self._lines[key].used < WARM_SECONDS

    def _drop(self, key: tuple[str, str]) -> None:
        line = self._lines.pop(key)
        if line.kept is not None:
            line.kept.end()

    async def _session(self, line: _Line, method: MethodVersion) -> Kept:
        if line.kept is not None and line.kept.open and line.feeds < self._most_feeds:
            line.feeds += 1
            return line.kept
        await _end(line)
        code = self._programs(method.source, method.selector)
        feed = Feed(code, {}, frozenset(), _EPOCH, 0, self._inner)
        line.kept, line.feeds = await self._sandbox.keep(feed, guest.RUN_BATCH), 1
        return line.kept

    def _runs_alone(self, key: _Key) -> bool:
        until = self._alone_until.get(key)
        return until is not None and asyncio.get_running_loop().time() < until

    def _struck(self, key: _Key) -> None:
        self._alone_until[key] = asyncio.get_running_loop().time() + ALONE_SECONDS
        self._alone_until.move_to_end(key)
        if len(self._alone_until) > 4 * self._most:
            self._alone_until.popitem(last=False)

    # --- One feed ---

    async def _part(
        self, line: _Line, method: MethodVersion, chains: Sequence[Chain], text: str
    ) -> list[list[Outcome | None]]:
        if self._runs_alone(line.key):
            return _nothing(chains)
        try:
            async with line.lock:  # what others give and take is made and read meanwhile
                kept = await self._session(line, method)
                output = await kept.run({"_given": text})
            return self._outcomes(method.effects, chains, output)
        except SandboxUnavailable:
            return _nothing(chains)
        except SandboxLimitExceeded as limit:
            if limit.kind == "size" and len(chains) > 1:
                return await self._halves(line, method, chains)
            self._struck(line.key)
            return _nothing(chains)
        except (SandboxError, BadValue, LimitExceeded, SyntaxError):
            self._struck(line.key)
            return _nothing(chains)

    async def _halves(self, line: _Line, method: MethodVersion, chains: Sequence[Chain]) -> list[list[Outcome | None]]:
        """Together they gave more than one feed may; each of them may have been modest."""
        middle = len(chains) // 2
        halves = [chains[:middle], chains[middle:]]
        return [found for half in halves for found in await self._part(line, method, half, _joined(map(_text, half)))]

    def _outcomes(
        self, effects: EffectSet | None, chains: Sequence[Chain], output: object
    ) -> list[list[Outcome | None]]:
        most = self._limits.output_bytes
        read, heavy = crossing.read_text(output, most)
        count = sum(len(chain.calls) for chain in chains)
        ended = cast("list[object]", read) if isinstance(read, list) else []
        if len(ended) != count:
            raise BadValue("the batch did not end as batches do")
        each = iter(ended)
        return [list(_settled(chain, each, most if heavy else 0, effects)) for chain in chains]


def _settled(
    chain: Chain, outcomes: Iterator[object], most: int, effects: EffectSet | None
) -> Iterator[Outcome | None]:
    """The outcomes of one chain. What follows one that gave no value has seen a state that never was."""
    slots, lost = chain.slots, False
    for _ in chain.calls:
        read = next(outcomes)
        if read is None or lost:
            yield None
            continue
        try:
            if most:
                crossing.weigh(read, most)
            result, state, kept = guest.outcome(read)
        except (BadValue, LimitExceeded):
            lost = read[-1:] != [False] if isinstance(read, list) else True
            yield None
            continue
        changed = {name: item for name, item in state.items() if _differs(slots, name, item)} if kept else None
        if changed and not may_write(effects, changed):
            lost = True
            yield None
            continue
        if changed:
            slots = {**slots, **changed}
        yield Outcome(result, slots if changed else None)


def _differs(slots: SlotValues, name: str, item: Value) -> bool:
    # The guest leaves out what equals the slot exactly, where that is cheap to tell.
    return type(item) in _EXACT or name not in slots or not same(slots[name], item)


def _nothing(chains: Sequence[Chain]) -> list[list[Outcome | None]]:
    return [[None] * len(chain.calls) for chain in chains]


def _text(chain: Chain) -> str:
    calls = [(crossing.packed_list(arguments), crossing.packed_map(keywords)) for arguments, keywords in chain.calls]
    return crossing.text_of((chain.object_id, crossing.packed_map(chain.slots), calls))


def _joined(texts: Iterator[str] | Sequence[str]) -> str:
    return f"[{','.join(texts)}]"


def _parts(chains: Sequence[Chain]) -> Iterator[tuple[Sequence[Chain], str]]:
    """The chains of one feed after the other, with the text that it is given."""
    part: list[Chain] = []
    texts: list[str] = []
    size = 0
    for chain in chains:
        text = _text(chain)
        if part and size + len(text) > MAX_TEXT:
            yield part, _joined(texts)
            part, texts, size = [], [], 0
        part.append(chain)
        texts.append(text)
        size += len(text)
    if part:
        yield part, _joined(texts)


async def _end(line: _Line) -> None:
    if line.kept is not None:
        line.kept.end()
        line.kept = None
