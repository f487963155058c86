"""The kill switch as a synthesizer obeys it. Law: never read from memory, and asked before anything is spent.

`batctl freeze --all` sets it. While it holds, no synthesis begins in any namespace, and what is under way registers
versions that wait for a person; the store compares the same (`objectstore.switch`) when it activates one.
"""

from typing import Final

from kernel.errors import ObjectExists, ObjectNotFound
from kernel.objects import SYSTEM_NAMESPACE, Policy, Synthesis
from objectstore.store import NewObject, Store
from objectstore.switch import SLOT, SWITCH, holds

WHY: Final = "synthesis is frozen: batctl thaw --all"


async def bootstrap(store: Store) -> None:
    """Make the switch where it is missing, open; several synthesizers may do so at once. Raises StoreUnavailable."""
    policy = Policy(synthesis=Synthesis.OFF)
    try:
        await store.create(SYSTEM_NAMESPACE, NewObject(SWITCH, policy=policy, slots={SLOT: False}))
    except ObjectExists:
        return


async def frozen(store: Store) -> bool:
    """Whether the switch holds, by a linearizable read. Raises StoreUnavailable."""
    try:
        stored = await store.get(SYSTEM_NAMESPACE, SWITCH)
    except ObjectNotFound:
        return False
    return holds(stored.slots or {})
