"""A better version beside the one before. Law: both are run on what was really sent, by the code that would run them.

A recorded call holds the state it met, and so does each run of it here: nothing of the objects themselves is touched.
What counts is whether both versions do the same, result and slots after, not what was answered then: objects that the
call sent to have changed since.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from activation.examples import Observation, Tryout, shown
from kernel.messages import Example, Failure
from kernel.objects import Evidence, Level, MethodVersion, ObjectId
from kernel.signature import parse_method
from kernel.synthesis import Compared
from objectstore.store import Store
from synthesizer import rendering
from synthesizer.effects import effects
from synthesizer.order import Order

FEWEST: Final = 3
"""Recorded calls that have to be alike to be evidence."""
_SHOWN: Final = 5  # differences that are told in words


async def compared(store: Store, tryout: Tryout, order: Order, source: str) -> Compared:
    """Run a source beside the version that the order is to better, on the calls that are recorded.

    StoreUnavailable and Overloaded as a trial; ObjectNotFound and MethodNotFound where that version is gone.
    """
    message = order.message
    where = message.namespace, message.target, message.selector
    before = (await store.method(*where, order.evolves))[0].method
    digest, parameters = sha256(source.encode()).hexdigest(), parse_method(source, message.selector)
    touched = effects(source, message.selector)  # held to them, as it will be once it is registered
    after = MethodVersion(message.target, message.selector, 0, source, digest, parameters, effects=touched)
    calls = await store.recorded(*where)
    return await compare(tryout, message.receiver, before, after, [call.example for call in calls])


async def compare(
    tryout: Tryout, receiver: ObjectId, before: MethodVersion, after: MethodVersion, calls: Sequence[Example]
) -> Compared:
    """Run both versions on calls, and say which they answer otherwise."""
    differences: list[str] = []
    for call in calls:
        old = await tryout.observe(before, receiver, call)
        new = await tryout.observe(after, receiver, call)
        if old.digest() != new.digest():
            differences.append(_difference(after.selector, call, old, new))
    return Compared(len(calls), len(calls) - len(differences), tuple(differences[:_SHOWN]))


def all_alike(compared: Compared) -> bool:
    """Whether both versions answer every call alike; also where there was none."""
    return compared.alike == compared.calls


def evidence_of(compared: Compared | None, by: str, now: float) -> list[Evidence]:
    """What the comparison proves of the new version. `now` is in seconds since 1970."""
    if compared is None or compared.calls < FEWEST or not all_alike(compared):
        return []
    return [Evidence(Level.REPLAYED, by, now, f"answers {compared.calls} recorded calls as the version before")]


def _difference(selector: str, example: Example, old: Observation, new: Observation) -> str:
    sent = rendering.send(selector, example.arguments, example.keywords)
    told = f"{sent}: {_got(new)}, before {_got(old)}"
    if old.after != new.after:
        told += f"; slots {shown(new.after)}, before {shown(old.after)}"
    return told


def _got(seen: Observation) -> str:
    return seen.text if isinstance(seen.outcome, Failure) else shown(seen.outcome)
