"""The kill switch. Law: one slot of one object stops all that is written by itself, and is never read from memory.

It is the slot `frozen` of the object `synthesis` in the namespace `system`; `batctl freeze --all` sets it. While it
holds, no synthesis begins in any namespace and no version is activated by a synthesis; what persons register, approve
or activate is theirs. What is neither false nor absent holds: a switch that somebody set wrongly must not be open.
"""

from typing import Final

from kernel.errors import ObjectExists, ObjectNotFound
from kernel.objects import SYSTEM_NAMESPACE, ObjectId, Policy, Synthesis
from objectstore.store import NewObject, Store

SWITCH: Final = ObjectId("synthesis")
SLOT: Final = "frozen"
WHY: Final = "synthesis is frozen: batctl thaw --all"


async def bootstrap(store: Store) -> None:
    """Make the switch where it is missing, open; several synthesizers may do so at once. Raises StoreUnavailable."""
    try:
        await store.create(
            SYSTEM_NAMESPACE, NewObject(SWITCH, policy=Policy(synthesis=Synthesis.OFF), slots={SLOT: False})
        )
    except ObjectExists:
        return


async def frozen(store: Store) -> bool:
    """Whether the switch holds, by a linearizable read. Raises StoreUnavailable."""
    try:
        stored = await store.get(SYSTEM_NAMESPACE, SWITCH)
    except ObjectNotFound:
        return False
    held = (stored.slots or {}).get(SLOT)
    return held is not None and held is not False
