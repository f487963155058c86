"""Objects, asked of the objectstore. Law: thin; what the contract says is what one gets.

Every coroutine raises BatosError. Those that change something are not repeated by themselves: see the contract for what
may be. They answer with the store's token, which makes a message see the change: `consistency="at_least"`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from batos.channel import SHORT, Service
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub
from batos.values import map_to_wire

PAGE = 1000
Thawed = Literal["unspecified", "auto", "review"]


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one namespace."""

    service: Service
    namespace: str

    @property
    def _stub(self) -> ObjectStoreStub:
        return ObjectStoreStub(self.service.channel)

    async def create(
        self,
        object_id: str,
        *,
        parents: Sequence[str] = (),
        slots: Mapping[str, object] | None = None,
        policy: pb.Policy | None = None,
    ) -> store_pb.CreateObjectResponse:
        """Make an object; its only parent is `root` where none is named. Raises ObjectExists, BadObjectId, BadValue."""
        request = store_pb.CreateObjectRequest(
            namespace=self.namespace, id=object_id, parents=parents, policy=policy, slots=_slots(slots or {})
        )
        return await self.service.ask(self._stub.CreateObject(request, timeout=SHORT))

    async def get(self, object_id: str) -> pb.Object:
        """Read an object, linearizably. Raises ObjectNotFound."""
        request = store_pb.GetObjectRequest(namespace=self.namespace, id=object_id)
        return (await self.service.ask(self._stub.GetObject(request, timeout=SHORT))).object

    async def list(self, prefix: str = "", *, limit: int = PAGE) -> list[pb.Object]:
        """The first `limit` objects whose ids begin with `prefix`, in the order of their ids, without their slots."""
        found: list[pb.Object] = []
        page = ""
        while len(found) < limit:
            request = store_pb.ListObjectsRequest(
                namespace=self.namespace, prefix=prefix, page_size=min(PAGE, limit - len(found)), page_token=page
            )
            answer = await self.service.ask(self._stub.ListObjects(request, timeout=SHORT))
            found += answer.objects
            page = answer.next_page_token
            if not page:
                break
        return found

    async def update(
        self,
        object_id: str,
        *,
        parents: Sequence[str] | None = None,
        slots: Mapping[str, object] | None = None,
        policy: pb.Policy | None = None,
        expected_definition_revision: int | None = None,
        expected_slots_revision: int | None = None,
    ) -> store_pb.UpdateObjectResponse:
        """Replace parents, all slots or the policy; what is None stays. Raises Conflict where a revision differs."""
        request = store_pb.UpdateObjectRequest(
            namespace=self.namespace,
            id=object_id,
            parents=None if parents is None else store_pb.ParentList(ids=parents),
            slots=None if slots is None else _slots(slots),
            policy=policy,
            expected_definition_revision=expected_definition_revision,
            expected_slots_revision=expected_slots_revision,
        )
        return await self.service.ask(self._stub.UpdateObject(request, timeout=SHORT))

    async def delete(self, object_id: str) -> None:
        """Remove an object with its slots and methods. Raises ObjectNotFound, HasChildren."""
        request = store_pb.DeleteObjectRequest(namespace=self.namespace, id=object_id)
        await self.service.ask(self._stub.DeleteObject(request, timeout=SHORT))

    async def clone(self, prototype: str, object_id: str) -> store_pb.CloneObjectResponse:
        """Make an object with a copy of a prototype's slots, and the prototype as its only parent."""
        request = store_pb.CloneObjectRequest(namespace=self.namespace, prototype=prototype, id=object_id)
        return await self.service.ask(self._stub.CloneObject(request, timeout=SHORT))

    async def freeze(self, object_id: str) -> store_pb.UpdateObjectResponse:
        """Have no method written for an object, nor for any that inherits from it: its policy becomes OFF."""
        return await self._set_synthesis(object_id, "off")

    async def thaw(self, object_id: str, synthesis: Thawed = "unspecified") -> store_pb.UpdateObjectResponse:
        """Let methods be written again: as the mode says, or as the parents say where none is named."""
        return await self._set_synthesis(object_id, synthesis)

    async def _set_synthesis(self, object_id: str, mode: str) -> store_pb.UpdateObjectResponse:
        found = await self.get(object_id)
        policy = pb.Policy()
        policy.CopyFrom(found.definition.policy)
        policy.ClearField("synthesis")
        policy.MergeFrom(pb.Policy(synthesis=f"SYNTHESIS_MODE_{mode.upper()}"))
        return await self.update(object_id, policy=policy, expected_definition_revision=found.definition_revision)


def _slots(slots: Mapping[str, object]) -> pb.Slots:
    return pb.Slots(values=map_to_wire(slots))
