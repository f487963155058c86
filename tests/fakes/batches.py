"""Activations run in a batch and alone, and compared: the law of `activation.batch`, as a test can hold it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from activation.batch import Batches, Chain, Outcome
from activation.run import Activator
from chassis.telemetry import Telemetry
from fakes.objects import World, method
from kernel.errors import KernelError
from kernel.messages import Message
from kernel.objects import MethodVersion, ObjectId
from kernel.values import SlotValues, Value, decode, encode
from sandbox.host import Sandbox
from sandbox.limits import Limits

NOTHING: dict[str, Value] = {}


def version(source: str) -> MethodVersion:
    """A method version from its source, with a digest of its own."""
    made = method("a", source)
    return MethodVersion(made.holder, made.selector, 1, source, source, made.parameters)


def chain(name: str, slots: SlotValues, *arguments: Sequence[Value]) -> Chain:
    """Messages to one object, each by its positional arguments."""
    return Chain(ObjectId(name), slots, [(each, NOTHING) for each in arguments])


@dataclass
class Alone:
    """One activation after the other, each in a fresh feed, its state encoded and decoded in between."""

    sandbox: Sandbox
    limits: Limits = field(default_factory=Limits)

    async def outcome(
        self, made: MethodVersion, name: ObjectId, slots: SlotValues, given: tuple[Sequence[Value], SlotValues]
    ) -> Outcome | None:
        """What one activation gives; None where it fails."""
        world = World()
        world.put(name, made.source)
        world.slots_of[name] = dict(slots)
        message = Message(name, made.selector, tuple(given[0]), given[1])
        activator = Activator(self.sandbox, Telemetry.off(), self.limits)
        try:
            run = await activator.run(message, world, now=1e9, seed=7)
        except KernelError:
            return None
        return Outcome(run.result, run.writes.get(name))


async def differences(
    batches: Batches, alone: Alone, made: MethodVersion, chains: Sequence[Chain]
) -> tuple[list[str], int]:
    """Where outcomes in the batch are not those alone, in words; and how many outcomes the batch gave."""
    together = await batches.run(made, "ada", chains)
    assert [len(each) for each in together] == [len(each.calls) for each in chains]
    found = [line for one, each in zip(chains, together, strict=True) for line in await _of(alone, made, one, each)]
    return found, sum(outcome is not None for each in together for outcome in each)


async def _of(alone: Alone, made: MethodVersion, one: Chain, outcomes: Sequence[Outcome | None]) -> list[str]:
    slots, found = one.slots, list[str]()
    for given, outcome in zip(one.calls, outcomes, strict=True):
        expected = await alone.outcome(made, one.object_id, slots, given)
        if expected is None and outcome is not None:  # on a busy machine, time may have run out alone
            patient = Alone(alone.sandbox, replace(alone.limits, feed_seconds=5.0))
            expected = await patient.outcome(made, one.object_id, slots, given)
        if outcome is not None and _bytes(outcome) != _bytes(expected):
            found.append(f"{one.object_id}{given[0]}: {outcome} in the batch, {expected} alone")
        if expected is not None and expected.slots is not None:
            if outcome is None:
                break  # what follows was computed as if this one had had no effect
            slots = _stored(expected.slots)
    return found


def _stored(slots: SlotValues) -> SlotValues:
    stored = decode(encode(slots))
    assert isinstance(stored, dict)
    return stored


def _bytes(outcome: Outcome | None) -> bytes | None:
    return None if outcome is None else encode([outcome.result, outcome.slots])
