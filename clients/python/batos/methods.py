"""Method versions, asked of the objectstore. Law: thin; what the contract says is what one gets.

Every coroutine raises BatosError. Those that change something are not repeated by themselves: see the contract for what
may be. They answer with the store's token, which makes a message see the change: `consistency="at_least"`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from batos.channel import SHORT, Service
from batos.errors import MethodNotFound
from batos.objects import PAGE
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1.objectstore_pb2_grpc import ObjectStoreStub

PREVIEW = 60.0  # seconds; it looks at every object below the holder
PRINCIPAL = "local"  # who gives, approves and rejects, where authentication is off


@dataclass(frozen=True, slots=True)
class Resolution:
    """Which version answers a selector for an object; number 0 where none does.

    `pinned_at` is the object on its lookup path whose pin decides, empty where none does.
    """

    holder: str = ""
    number: int = 0
    pinned_at: str = ""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What answers for an object after it was pinned or unpinned, and what did before."""

    after: Resolution
    before: Resolution
    token: str


@dataclass(frozen=True, slots=True)
class ResolutionChange:
    """One object that an activation would give another version."""

    object_id: str
    before: Resolution
    after: Resolution


@dataclass(frozen=True, slots=True)
class Preview:
    """What an activation would change: the first changes, and how many there are among how many objects."""

    changes: Sequence[ResolutionChange]
    changed: int
    objects: int
    token: str


@dataclass(frozen=True, slots=True)
class Methods:
    """The method versions that objects of one namespace hold."""

    service: Service
    namespace: str

    @property
    def _stub(self) -> ObjectStoreStub:
        return ObjectStoreStub(self.service.channel)

    async def list(self, holder: str, selector: str = "") -> list[pb.MethodVersion]:
        """An object's own versions, of one selector or of all, by selector and number. Raises ObjectNotFound."""
        found: list[pb.MethodVersion] = []
        page = ""
        while True:
            request = store_pb.ListMethodsRequest(
                namespace=self.namespace, holder=holder, selector=selector, page_size=PAGE, page_token=page
            )
            answer = await self.service.ask(self._stub.ListMethods(request, timeout=SHORT))
            found += answer.methods
            page = answer.next_page_token
            if not page:
                return found

    async def get(self, holder: str, selector: str, number: int = 0) -> pb.MethodVersion:
        """One version; the active one where the number is 0. Raises ObjectNotFound, MethodNotFound."""
        request = store_pb.GetMethodRequest(namespace=self.namespace, holder=holder, selector=selector, number=number)
        return (await self.service.ask(self._stub.GetMethod(request, timeout=SHORT))).method

    async def register(
        self,
        holder: str,
        selector: str,
        source: str,
        *,
        provenance: pb.Provenance | None = None,
        findings: Sequence[pb.Finding] = (),
        activate: bool = False,
    ) -> store_pb.RegisterMethodResponse:
        """Keep a source, one function named as the selector, as the next version; it carries no evidence.

        The store runs no audit: ask `Client.audit` first, and give its findings. Not idempotent. Raises ObjectNotFound,
        BadArguments where the source is no method or a finding is an error, LimitExceeded.
        """
        request = store_pb.RegisterMethodRequest(
            namespace=self.namespace,
            holder=holder,
            selector=selector,
            source=source,
            provenance=provenance,
            findings=findings,
            activate=activate,
        )
        return await self.service.ask(self._stub.RegisterMethod(request, timeout=SHORT))

    async def activate(
        self, holder: str, selector: str, number: int, *, evidence: pb.Evidence | None = None
    ) -> store_pb.ActivateMethodResponse:
        """Let a version answer from now on (0: none), and append a proof to it. Raises MethodNotFound."""
        request = store_pb.ActivateMethodRequest(
            namespace=self.namespace, holder=holder, selector=selector, number=number, evidence=evidence
        )
        return await self.service.ask(self._stub.ActivateMethod(request, timeout=SHORT))

    async def rollback(self, holder: str, selector: str) -> store_pb.ActivateMethodResponse:
        """Let the version answer that did before the active one; once more, and it is as it was.

        Raises MethodNotFound where there was none before, or it is retired; Conflict where the object changed since.
        """
        request = store_pb.GetObjectRequest(namespace=self.namespace, id=holder)
        found = (await self.service.ask(self._stub.GetObject(request, timeout=SHORT))).object
        row = found.definition.methods.get(selector)
        if row is None or not row.previous:
            raise MethodNotFound(
                f"{holder}.{selector} has no version from before: batctl method history lists what could be activated"
            )
        activation = store_pb.ActivateMethodRequest(
            namespace=self.namespace,
            holder=holder,
            selector=selector,
            number=row.previous,
            expected_definition_revision=found.definition_revision,
        )
        return await self.service.ask(self._stub.ActivateMethod(activation, timeout=SHORT))

    async def preview(self, holder: str, selector: str, number: int, *, limit: int = PAGE) -> Preview:
        """What `activate` would change, before it is done: all is counted, the first `limit` changes are told.

        Raises ObjectNotFound, MethodNotFound; StaleToken where the store compacted meanwhile: ask again.
        """
        request = store_pb.PreviewActivationRequest(
            namespace=self.namespace, holder=holder, selector=selector, number=number
        )
        changes: list[ResolutionChange] = []
        changed = objects = 0
        token = ""
        async with self.service.failures():
            async for part in self._stub.PreviewActivation(request, timeout=PREVIEW):
                changed += len(part.changes)
                objects, token = part.objects, part.token
                changes += [_change(each) for each in part.changes[: limit - len(changes)]]
        return Preview(changes, changed, objects, token)

    async def pin(self, object_id: str, selector: str, number: int, *, holder: str = "") -> Pinned:
        """Keep an object, and all that inherit from it, on a version, whatever its holder activates.

        The holder is the one that answers now where none is named. Raises ObjectNotFound, MethodNotFound, BadArguments
        where the holder is not on the object's lookup path.
        """
        request = store_pb.PinMethodRequest(
            namespace=self.namespace, id=object_id, selector=selector, holder=holder, number=number
        )
        done = await self.service.ask(self._stub.PinMethod(request, timeout=SHORT))
        return Pinned(_resolution(done.resolution), _resolution(done.before), done.token)

    async def unpin(self, object_id: str, selector: str) -> Pinned:
        """Take an object's pin away, if it has one. Raises ObjectNotFound."""
        return await self.pin(object_id, selector, 0)

    async def pinned(self, holder: str, selector: str) -> dict[str, int]:
        """Which objects are pinned to which of the holder's versions. It looks at every object of the namespace."""
        found: dict[str, int] = {}
        page = ""
        while True:
            request = store_pb.ListObjectsRequest(namespace=self.namespace, page_size=PAGE, page_token=page)
            answer = await self.service.ask(self._stub.ListObjects(request, timeout=SHORT))
            for item in answer.objects:
                if selector in item.definition.pins and item.definition.pins[selector].holder == holder:
                    found[item.id] = item.definition.pins[selector].number
            page = answer.next_page_token
            if not page:
                return found

    async def approve(
        self, holder: str, selector: str, number: int, *, by: str = PRINCIPAL, note: str = ""
    ) -> store_pb.ActivateMethodResponse:
        """Let a version answer from now on, with a person's approval (E4) in the same step. Raises MethodNotFound."""
        evidence = pb.Evidence(level=pb.EVIDENCE_LEVEL_APPROVED, by=by, note=note)
        return await self.activate(holder, selector, number, evidence=evidence)

    async def retire(
        self, holder: str, selector: str, number: int, *, by: str = PRINCIPAL, reason: str = ""
    ) -> pb.MethodPointer:
        """Mark a version as never to be activated or pinned again; pins it has stay. Raises MethodNotFound."""
        request = store_pb.RetireMethodRequest(
            namespace=self.namespace,
            holder=holder,
            selector=selector,
            number=number,
            retirement=pb.Retirement(by=by, reason=reason),
        )
        return (await self.service.ask(self._stub.RetireMethod(request, timeout=SHORT))).pointer


def _change(change: store_pb.ResolutionChange) -> ResolutionChange:
    return ResolutionChange(change.id, _resolution(change.before), _resolution(change.after))


def _resolution(resolution: store_pb.Resolution) -> Resolution:
    return Resolution(resolution.holder, resolution.number, resolution.pinned_at)
