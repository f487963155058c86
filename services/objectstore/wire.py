"""What the store's own words are in the contract. Law: pure translation; defaults are those of the proto's comments."""

from collections.abc import Iterable, Mapping

from batos.v1 import object_pb2
from batos.v1 import objectstore_pb2 as pb
from kernel.objects import Namespace, ObjectId, Policy, parse_object_id, parse_selector
from kernel.transactions import Key, Part, parse_token
from objectstore import records
from objectstore.store import Change, Changes, Draft, NewObject, Preview, ResolutionChange, StoredObject, Update
from wire.objects import (
    definition_from_wire,
    definition_to_wire,
    effects_from_wire,
    effects_to_wire,
    evidence_from_wire,
    evidence_to_wire,
    finding_from_wire,
    finding_to_wire,
    policy_from_wire,
    policy_to_wire,
    provenance_from_wire,
    provenance_to_wire,
    resolution_from_wire,
    resolution_to_wire,
)
from wire.transactions import part_from_wire, part_to_wire
from wire.values import slots_from_wire, slots_to_wire


def object_to_wire(namespace: Namespace, stored: StoredObject) -> object_pb2.Object:
    """The message for an object, without slots where they were not read."""
    return object_pb2.Object(
        namespace=namespace,
        id=stored.object_id,
        incarnation=stored.definition.incarnation,
        definition=definition_to_wire(stored.definition),
        slots=None if stored.slots is None else slots_to_wire(stored.slots),
        definition_revision=stored.definition_revision,
        slots_revision=stored.slots_revision,
    )


def object_from_wire(item: object_pb2.Object, token: str) -> StoredObject:
    """The object as the store told it."""
    return StoredObject(
        parse_object_id(item.id),
        definition_from_wire(item.definition, item.incarnation),
        item.definition_revision,
        slots_from_wire(item.slots) if item.HasField("slots") else None,
        item.slots_revision,
        parse_token(token),
    )


def new_to_wire(namespace: Namespace, new: NewObject) -> pb.CreateObjectRequest:
    """The request for a new object."""
    return pb.CreateObjectRequest(
        namespace=namespace,
        id=new.object_id,
        parents=new.parents,
        policy=policy_to_wire(new.policy),
        slots=slots_to_wire(new.slots),
    )


def new_from_wire(request: pb.CreateObjectRequest) -> NewObject:
    """What to make. Raises BadObjectId, BadArguments, BadValue, LimitExceeded."""
    return NewObject(
        parse_object_id(request.id),
        _ids(request.parents),
        policy_from_wire(request.policy) if request.HasField("policy") else Policy(),
        slots_from_wire(request.slots),
    )


def update_to_wire(namespace: Namespace, update: Update) -> pb.UpdateObjectRequest:
    """The request to replace parts of an object."""
    return pb.UpdateObjectRequest(
        namespace=namespace,
        id=update.object_id,
        parents=None if update.parents is None else pb.ParentList(ids=update.parents),
        policy=None if update.policy is None else policy_to_wire(update.policy),
        slots=None if update.slots is None else slots_to_wire(update.slots),
        expected_definition_revision=update.expected_definition,
        expected_slots_revision=update.expected_slots,
    )


def update_from_wire(request: pb.UpdateObjectRequest) -> Update:
    """What to replace. Raises BadObjectId, BadArguments, BadValue, LimitExceeded."""
    return Update(
        parse_object_id(request.id),
        _ids(request.parents.ids) if request.HasField("parents") else None,
        policy_from_wire(request.policy) if request.HasField("policy") else None,
        slots_from_wire(request.slots) if request.HasField("slots") else None,
        request.expected_definition_revision if request.HasField("expected_definition_revision") else None,
        request.expected_slots_revision if request.HasField("expected_slots_revision") else None,
    )


def draft_to_wire(
    namespace: Namespace, draft: Draft, expected: Mapping[ObjectId, int], *, activate: bool
) -> pb.RegisterMethodRequest:
    """The request to register a version."""
    return pb.RegisterMethodRequest(
        namespace=namespace,
        holder=draft.holder,
        selector=draft.selector,
        source=draft.source,
        effects=None if draft.effects is None else effects_to_wire(draft.effects),
        provenance=provenance_to_wire(draft.provenance),
        findings=[finding_to_wire(finding) for finding in draft.findings],
        evidence=[evidence_to_wire(proof) for proof in draft.evidence],
        activate=activate,
        expected_definition_revisions={str(item): revision for item, revision in expected.items()},
    )


def draft_from_wire(request: pb.RegisterMethodRequest) -> Draft:
    """What to register. Raises BadObjectId, BadArguments."""
    return Draft(
        parse_object_id(request.holder),
        parse_selector(request.selector),
        request.source,
        provenance_from_wire(request.provenance),
        tuple(finding_from_wire(finding) for finding in request.findings),
        tuple(evidence_from_wire(proof) for proof in request.evidence),
        effects_from_wire(request.effects) if request.HasField("effects") else None,
    )


def expected_from_wire(request: pb.RegisterMethodRequest) -> dict[ObjectId, int]:
    """The revisions that definitions must still have. Raises BadObjectId."""
    expected = {parse_object_id(item): revision for item, revision in request.expected_definition_revisions.items()}
    if request.HasField("expected_definition_revision"):
        expected[parse_object_id(request.holder)] = request.expected_definition_revision
    return expected


def preview_to_wire(part: Preview) -> pb.PreviewActivationResponse:
    """The frame for a part of a preview."""
    return pb.PreviewActivationResponse(
        changes=[
            pb.ResolutionChange(
                id=change.object_id, before=resolution_to_wire(change.before), after=resolution_to_wire(change.after)
            )
            for change in part.changes
        ],
        objects=part.objects,
        token=str(part.token),
    )


def preview_from_wire(frame: pb.PreviewActivationResponse) -> Preview:
    """The part of a preview in a frame."""
    changes = [
        ResolutionChange(
            parse_object_id(change.id), resolution_from_wire(change.before), resolution_from_wire(change.after)
        )
        for change in frame.changes
    ]
    return Preview(changes, frame.objects, parse_token(frame.token))


def changes_to_wire(changes: Changes, *, encoded: bool) -> pb.WatchResponse:
    """The frame for some changes, in the form between services or the one for all."""
    to_wire = _encoded_change if encoded else _change_to_wire
    return pb.WatchResponse(
        changes=[to_wire(change) for change in changes.items],
        token=str(changes.token),
        revision=changes.token.revision,
    )


def changes_from_wire(frame: pb.WatchResponse) -> Changes:
    """The changes of a frame in the form between services."""
    return Changes([_change_from_wire(change) for change in frame.changes], parse_token(frame.token))


def _encoded_change(change: Change) -> pb.Change:
    stored = b""
    if change.definition is not None:
        stored = records.encode_definition(change.definition)
    elif change.packed is not None:
        stored = records.encode_slots(change.packed)
    return pb.Change(
        id=change.key.object_id,
        part=part_to_wire(change.key.part),
        revision=change.revision,
        deleted=change.deleted,
        encoded=stored,
    )


def _change_to_wire(change: Change) -> pb.Change:
    definition, slots = change.definition, change.slots
    return pb.Change(
        id=change.key.object_id,
        part=part_to_wire(change.key.part),
        revision=change.revision,
        deleted=change.deleted,
        incarnation="" if definition is None else definition.incarnation,
        definition=None if definition is None else definition_to_wire(definition),
        slots=None if slots is None else slots_to_wire(slots),
    )


def _change_from_wire(change: pb.Change) -> Change:
    key = Key(parse_object_id(change.id), part_from_wire(change.part))
    if change.deleted:
        return Change(key, change.revision)
    if key.part is Part.DEFINITION:
        return Change(key, change.revision, records.definition(change.encoded))
    return Change(key, change.revision, None, records.packed(change.encoded))


def found_to_wire(namespace: Namespace, found: StoredObject, *, encoded: bool) -> pb.GetObjectResponse:
    """The answer with an object, in the form between services or the one for all."""
    if not encoded:
        return pb.GetObjectResponse(object=object_to_wire(namespace, found), token=str(found.token))
    return pb.GetObjectResponse(
        object=object_pb2.Object(
            id=found.object_id, definition_revision=found.definition_revision, slots_revision=found.slots_revision
        ),
        token=str(found.token),
        encoded_definition=records.encode_definition(found.definition),
        encoded_slots=records.encode(found.slots),
    )


def found_from_wire(answer: pb.GetObjectResponse) -> StoredObject:
    """The object of an answer in the form between services."""
    return StoredObject(
        parse_object_id(answer.object.id),
        records.definition(answer.encoded_definition),
        answer.object.definition_revision,
        records.slots(answer.encoded_slots),
        answer.object.slots_revision,
        parse_token(answer.token),
    )


def _ids(texts: Iterable[str]) -> tuple[ObjectId, ...]:
    return tuple(parse_object_id(text) for text in texts)
