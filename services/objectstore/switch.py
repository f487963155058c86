"""The kill switch. Law: while it holds, no version that a synthesis wrote is activated by its registration.

It is the slot `frozen` of the object `synthesis` in the namespace `system`. What is neither null, false nor absent
holds: a switch that somebody set wrongly is not open. What persons register, approve or activate is theirs.
"""

from collections.abc import Mapping
from typing import Final

from kernel.errors import Conflict
from kernel.objects import SYSTEM_NAMESPACE, ObjectId
from kernel.values import SlotValues
from objectstore import records
from objectstore.core import Core
from objectstore.keys import SlotsKey
from objectstore.ledger import Span

SWITCH: Final = ObjectId("synthesis")
SLOT: Final = "frozen"


def holds(slots: SlotValues) -> bool:
    """Whether the switch holds, by its slots."""
    value = slots.get(SLOT)
    return value is not None and value is not False


async def opened(core: Core) -> Mapping[bytes, int]:
    """What the transaction compares that rests on an open switch. Raises Conflict where it holds."""
    key = SlotsKey(SYSTEM_NAMESPACE, SWITCH).encode()
    entry = (await core.ledger.read(Span.key(key))).only(0)
    if entry is not None and holds(records.slots(entry.value)):
        raise Conflict("synthesis is frozen, and no version is activated by one: register it without")
    return {key: entry.revision if entry else 0}
