"""The kill switch of a whole suite. Law: one slot stops all that is written by itself, in every namespace.

It is the slot `frozen` of the object `synthesis` in the namespace `system`. While it is true no synthesis begins; what
a person registers, approves or activates is theirs.
"""

from dataclasses import dataclass

from batos.channel import Service
from batos.errors import Conflict, ObjectExists, ObjectNotFound
from batos.objects import Objects
from batos.v1 import object_pb2 as pb
from batos.values import map_from_wire

NAMESPACE, OBJECT, SLOT = "system", "synthesis", "frozen"
_ATTEMPTS = 5  # others may set it at the same moment


@dataclass(frozen=True, slots=True)
class Switch:
    """Stops and starts syntheses everywhere. Every coroutine raises BatosError."""

    service: Service

    async def freeze(self) -> None:
        """Let no synthesis begin, in any namespace."""
        await self._set(value=True)

    async def thaw(self) -> None:
        """Let syntheses begin again, where policies allow them."""
        await self._set(value=False)

    async def frozen(self) -> bool:
        """Whether none may begin."""
        try:
            found = await self._objects.get(OBJECT)
        except ObjectNotFound:
            return False
        value = map_from_wire(found.slots.values).get(SLOT)
        return value is not None and value is not False  # as the store reads it: 0 holds

    @property
    def _objects(self) -> Objects:
        return Objects(self.service, NAMESPACE)

    async def _set(self, *, value: bool) -> None:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._try(value=value)
            except (Conflict, ObjectExists, ObjectNotFound):
                pass
        return await self._try(value=value)

    async def _try(self, *, value: bool) -> None:
        try:
            found = await self._objects.get(OBJECT)
        except ObjectNotFound:
            policy = pb.Policy(synthesis=pb.SYNTHESIS_MODE_OFF)
            await self._objects.create(OBJECT, slots={SLOT: value}, policy=policy)
            return
        slots = map_from_wire(found.slots.values) | {SLOT: value}
        await self._objects.update(OBJECT, slots=slots, expected_slots_revision=found.slots_revision)
