import datetime

from batos.v1 import flights_pb2 as _flights_pb2
from batos.v1 import object_pb2 as _object_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Part(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PART_UNSPECIFIED: _ClassVar[Part]
    PART_DEFINITION: _ClassVar[Part]
    PART_SLOTS: _ClassVar[Part]
PART_UNSPECIFIED: Part
PART_DEFINITION: Part
PART_SLOTS: Part

class CreateObjectRequest(_message.Message):
    __slots__ = ("namespace", "id", "parents", "policy", "slots")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    parents: _containers.RepeatedScalarFieldContainer[str]
    policy: _object_pb2.Policy
    slots: _object_pb2.Slots
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., parents: _Optional[_Iterable[str]] = ..., policy: _Optional[_Union[_object_pb2.Policy, _Mapping]] = ..., slots: _Optional[_Union[_object_pb2.Slots, _Mapping]] = ...) -> None: ...

class CreateObjectResponse(_message.Message):
    __slots__ = ("object", "token")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    object: _object_pb2.Object
    token: str
    def __init__(self, object: _Optional[_Union[_object_pb2.Object, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class GetObjectRequest(_message.Message):
    __slots__ = ("namespace", "id", "encoded")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    encoded: bool
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., encoded: _Optional[bool] = ...) -> None: ...

class GetObjectResponse(_message.Message):
    __slots__ = ("object", "token", "encoded_definition", "encoded_slots")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENCODED_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    ENCODED_SLOTS_FIELD_NUMBER: _ClassVar[int]
    object: _object_pb2.Object
    token: str
    encoded_definition: bytes
    encoded_slots: bytes
    def __init__(self, object: _Optional[_Union[_object_pb2.Object, _Mapping]] = ..., token: _Optional[str] = ..., encoded_definition: _Optional[bytes] = ..., encoded_slots: _Optional[bytes] = ...) -> None: ...

class ListObjectsRequest(_message.Message):
    __slots__ = ("namespace", "prefix", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListObjectsResponse(_message.Message):
    __slots__ = ("objects", "next_page_token", "token")
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    objects: _containers.RepeatedCompositeFieldContainer[_object_pb2.Object]
    next_page_token: str
    token: str
    def __init__(self, objects: _Optional[_Iterable[_Union[_object_pb2.Object, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class ParentList(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateObjectRequest(_message.Message):
    __slots__ = ("namespace", "id", "parents", "policy", "slots", "expected_definition_revision", "expected_slots_revision")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SLOTS_REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    parents: ParentList
    policy: _object_pb2.Policy
    slots: _object_pb2.Slots
    expected_definition_revision: int
    expected_slots_revision: int
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., parents: _Optional[_Union[ParentList, _Mapping]] = ..., policy: _Optional[_Union[_object_pb2.Policy, _Mapping]] = ..., slots: _Optional[_Union[_object_pb2.Slots, _Mapping]] = ..., expected_definition_revision: _Optional[int] = ..., expected_slots_revision: _Optional[int] = ...) -> None: ...

class UpdateObjectResponse(_message.Message):
    __slots__ = ("object", "token")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    object: _object_pb2.Object
    token: str
    def __init__(self, object: _Optional[_Union[_object_pb2.Object, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class DeleteObjectRequest(_message.Message):
    __slots__ = ("namespace", "id")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class DeleteObjectResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class CloneObjectRequest(_message.Message):
    __slots__ = ("namespace", "prototype", "id")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PROTOTYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    prototype: str
    id: str
    def __init__(self, namespace: _Optional[str] = ..., prototype: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class CloneObjectResponse(_message.Message):
    __slots__ = ("object", "token")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    object: _object_pb2.Object
    token: str
    def __init__(self, object: _Optional[_Union[_object_pb2.Object, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class Read(_message.Message):
    __slots__ = ("id", "part", "revision")
    ID_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    id: str
    part: Part
    revision: int
    def __init__(self, id: _Optional[str] = ..., part: _Optional[_Union[Part, str]] = ..., revision: _Optional[int] = ...) -> None: ...

class Write(_message.Message):
    __slots__ = ("id", "slots", "encoded")
    ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    id: str
    slots: _object_pb2.Slots
    encoded: bytes
    def __init__(self, id: _Optional[str] = ..., slots: _Optional[_Union[_object_pb2.Slots, _Mapping]] = ..., encoded: _Optional[bytes] = ...) -> None: ...

class KeptReply(_message.Message):
    __slots__ = ("receiver", "incarnation", "principal", "request_id", "message_digest", "result", "method", "encoded_result")
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ENCODED_RESULT_FIELD_NUMBER: _ClassVar[int]
    receiver: str
    incarnation: str
    principal: str
    request_id: str
    message_digest: str
    result: _object_pb2.Value
    method: _object_pb2.MethodRef
    encoded_result: bytes
    def __init__(self, receiver: _Optional[str] = ..., incarnation: _Optional[str] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ..., message_digest: _Optional[str] = ..., result: _Optional[_Union[_object_pb2.Value, _Mapping]] = ..., method: _Optional[_Union[_object_pb2.MethodRef, _Mapping]] = ..., encoded_result: _Optional[bytes] = ...) -> None: ...

class CommitRequest(_message.Message):
    __slots__ = ("namespace", "lane", "number", "reads", "writes", "reply", "replies")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    READS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    lane: str
    number: int
    reads: _containers.RepeatedCompositeFieldContainer[Read]
    writes: _containers.RepeatedCompositeFieldContainer[Write]
    reply: KeptReply
    replies: _containers.RepeatedCompositeFieldContainer[KeptReply]
    def __init__(self, namespace: _Optional[str] = ..., lane: _Optional[str] = ..., number: _Optional[int] = ..., reads: _Optional[_Iterable[_Union[Read, _Mapping]]] = ..., writes: _Optional[_Iterable[_Union[Write, _Mapping]]] = ..., reply: _Optional[_Union[KeptReply, _Mapping]] = ..., replies: _Optional[_Iterable[_Union[KeptReply, _Mapping]]] = ...) -> None: ...

class CommitResponse(_message.Message):
    __slots__ = ("revision", "token")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    revision: int
    token: str
    def __init__(self, revision: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class SettleCommitRequest(_message.Message):
    __slots__ = ("namespace", "lane", "number")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    lane: str
    number: int
    def __init__(self, namespace: _Optional[str] = ..., lane: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class SettleCommitResponse(_message.Message):
    __slots__ = ("committed", "revision", "token")
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    committed: bool
    revision: int
    token: str
    def __init__(self, committed: _Optional[bool] = ..., revision: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class GetReplyRequest(_message.Message):
    __slots__ = ("namespace", "receiver", "incarnation", "principal", "request_id")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    receiver: str
    incarnation: str
    principal: str
    request_id: str
    def __init__(self, namespace: _Optional[str] = ..., receiver: _Optional[str] = ..., incarnation: _Optional[str] = ..., principal: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetReplyResponse(_message.Message):
    __slots__ = ("reply", "token")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    reply: KeptReply
    token: str
    def __init__(self, reply: _Optional[_Union[KeptReply, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("namespace", "token", "encoded")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    token: str
    encoded: bool
    def __init__(self, namespace: _Optional[str] = ..., token: _Optional[str] = ..., encoded: _Optional[bool] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("id", "part", "revision", "deleted", "incarnation", "definition", "slots", "encoded")
    ID_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    id: str
    part: Part
    revision: int
    deleted: bool
    incarnation: str
    definition: _object_pb2.Definition
    slots: _object_pb2.Slots
    encoded: bytes
    def __init__(self, id: _Optional[str] = ..., part: _Optional[_Union[Part, str]] = ..., revision: _Optional[int] = ..., deleted: _Optional[bool] = ..., incarnation: _Optional[str] = ..., definition: _Optional[_Union[_object_pb2.Definition, _Mapping]] = ..., slots: _Optional[_Union[_object_pb2.Slots, _Mapping]] = ..., encoded: _Optional[bytes] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("changes", "token", "revision")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    token: str
    revision: int
    def __init__(self, changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., token: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class RegisterMethodRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "source", "effects", "provenance", "findings", "evidence", "activate", "expected_definition_revision", "expected_definition_revisions", "examples", "landing")
    class ExpectedDefinitionRevisionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DEFINITION_REVISIONS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    LANDING_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    source: str
    effects: _object_pb2.EffectSet
    provenance: _object_pb2.Provenance
    findings: _containers.RepeatedCompositeFieldContainer[_object_pb2.Finding]
    evidence: _containers.RepeatedCompositeFieldContainer[_object_pb2.Evidence]
    activate: bool
    expected_definition_revision: int
    expected_definition_revisions: _containers.ScalarMap[str, int]
    examples: _containers.RepeatedCompositeFieldContainer[KeptExample]
    landing: _flights_pb2.Landing
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., source: _Optional[str] = ..., effects: _Optional[_Union[_object_pb2.EffectSet, _Mapping]] = ..., provenance: _Optional[_Union[_object_pb2.Provenance, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[_object_pb2.Finding, _Mapping]]] = ..., evidence: _Optional[_Iterable[_Union[_object_pb2.Evidence, _Mapping]]] = ..., activate: _Optional[bool] = ..., expected_definition_revision: _Optional[int] = ..., expected_definition_revisions: _Optional[_Mapping[str, int]] = ..., examples: _Optional[_Iterable[_Union[KeptExample, _Mapping]]] = ..., landing: _Optional[_Union[_flights_pb2.Landing, _Mapping]] = ...) -> None: ...

class RegisterMethodResponse(_message.Message):
    __slots__ = ("method", "token")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    method: _object_pb2.MethodVersion
    token: str
    def __init__(self, method: _Optional[_Union[_object_pb2.MethodVersion, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class GetMethodRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "number")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    number: int
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class GetMethodResponse(_message.Message):
    __slots__ = ("method", "token")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    method: _object_pb2.MethodVersion
    token: str
    def __init__(self, method: _Optional[_Union[_object_pb2.MethodVersion, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class ListMethodsRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMethodsResponse(_message.Message):
    __slots__ = ("methods", "next_page_token", "token")
    METHODS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    methods: _containers.RepeatedCompositeFieldContainer[_object_pb2.MethodVersion]
    next_page_token: str
    token: str
    def __init__(self, methods: _Optional[_Iterable[_Union[_object_pb2.MethodVersion, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class ActivateMethodRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "number", "expected_definition_revision", "evidence")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    number: int
    expected_definition_revision: int
    evidence: _object_pb2.Evidence
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ..., expected_definition_revision: _Optional[int] = ..., evidence: _Optional[_Union[_object_pb2.Evidence, _Mapping]] = ...) -> None: ...

class ActivateMethodResponse(_message.Message):
    __slots__ = ("pointer", "before", "token")
    POINTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    pointer: _object_pb2.MethodPointer
    before: _object_pb2.MethodPointer
    token: str
    def __init__(self, pointer: _Optional[_Union[_object_pb2.MethodPointer, _Mapping]] = ..., before: _Optional[_Union[_object_pb2.MethodPointer, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class PreviewActivationRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "number")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    number: int
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Resolution(_message.Message):
    __slots__ = ("holder", "number", "pinned_at")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PINNED_AT_FIELD_NUMBER: _ClassVar[int]
    holder: str
    number: int
    pinned_at: str
    def __init__(self, holder: _Optional[str] = ..., number: _Optional[int] = ..., pinned_at: _Optional[str] = ...) -> None: ...

class ResolutionChange(_message.Message):
    __slots__ = ("id", "before", "after")
    ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    id: str
    before: Resolution
    after: Resolution
    def __init__(self, id: _Optional[str] = ..., before: _Optional[_Union[Resolution, _Mapping]] = ..., after: _Optional[_Union[Resolution, _Mapping]] = ...) -> None: ...

class PreviewActivationResponse(_message.Message):
    __slots__ = ("changes", "objects", "token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[ResolutionChange]
    objects: int
    token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[ResolutionChange, _Mapping]]] = ..., objects: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class PinMethodRequest(_message.Message):
    __slots__ = ("namespace", "id", "selector", "holder", "number", "expected_definition_revision")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    selector: str
    holder: str
    number: int
    expected_definition_revision: int
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., selector: _Optional[str] = ..., holder: _Optional[str] = ..., number: _Optional[int] = ..., expected_definition_revision: _Optional[int] = ...) -> None: ...

class PinMethodResponse(_message.Message):
    __slots__ = ("resolution", "before", "token")
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    resolution: Resolution
    before: Resolution
    token: str
    def __init__(self, resolution: _Optional[_Union[Resolution, _Mapping]] = ..., before: _Optional[_Union[Resolution, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class RetireMethodRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "number", "retirement")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    RETIREMENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    number: int
    retirement: _object_pb2.Retirement
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ..., retirement: _Optional[_Union[_object_pb2.Retirement, _Mapping]] = ...) -> None: ...

class RetireMethodResponse(_message.Message):
    __slots__ = ("pointer", "token")
    POINTER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    pointer: _object_pb2.MethodPointer
    token: str
    def __init__(self, pointer: _Optional[_Union[_object_pb2.MethodPointer, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class ProveMethodRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "number", "evidence")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    number: int
    evidence: _object_pb2.Evidence
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ..., evidence: _Optional[_Union[_object_pb2.Evidence, _Mapping]] = ...) -> None: ...

class ProveMethodResponse(_message.Message):
    __slots__ = ("method", "token")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    method: _object_pb2.MethodVersion
    token: str
    def __init__(self, method: _Optional[_Union[_object_pb2.MethodVersion, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class KeptExample(_message.Message):
    __slots__ = ("example", "by", "at", "withdrawn_by", "digest")
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_BY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    example: _object_pb2.Example
    by: str
    at: _timestamp_pb2.Timestamp
    withdrawn_by: str
    digest: str
    def __init__(self, example: _Optional[_Union[_object_pb2.Example, _Mapping]] = ..., by: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., withdrawn_by: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class RecordedCall(_message.Message):
    __slots__ = ("example", "number", "at")
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    example: _object_pb2.Example
    number: int
    at: _timestamp_pb2.Timestamp
    def __init__(self, example: _Optional[_Union[_object_pb2.Example, _Mapping]] = ..., number: _Optional[int] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class KeepExamplesRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "examples")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    examples: _containers.RepeatedCompositeFieldContainer[KeptExample]
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[KeptExample, _Mapping]]] = ...) -> None: ...

class KeepExamplesResponse(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class WithdrawExampleRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "digest", "by")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    digest: str
    by: str
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., digest: _Optional[str] = ..., by: _Optional[str] = ...) -> None: ...

class WithdrawExampleResponse(_message.Message):
    __slots__ = ("example", "token")
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    example: KeptExample
    token: str
    def __init__(self, example: _Optional[_Union[KeptExample, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class ListExamplesRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ...) -> None: ...

class ListExamplesResponse(_message.Message):
    __slots__ = ("examples", "token")
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    examples: _containers.RepeatedCompositeFieldContainer[KeptExample]
    token: str
    def __init__(self, examples: _Optional[_Iterable[_Union[KeptExample, _Mapping]]] = ..., token: _Optional[str] = ...) -> None: ...

class RecordCallsRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector", "calls")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    calls: _containers.RepeatedCompositeFieldContainer[RecordedCall]
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ..., calls: _Optional[_Iterable[_Union[RecordedCall, _Mapping]]] = ...) -> None: ...

class RecordCallsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCallsRequest(_message.Message):
    __slots__ = ("namespace", "holder", "selector")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    holder: str
    selector: str
    def __init__(self, namespace: _Optional[str] = ..., holder: _Optional[str] = ..., selector: _Optional[str] = ...) -> None: ...

class ListCallsResponse(_message.Message):
    __slots__ = ("calls",)
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[RecordedCall]
    def __init__(self, calls: _Optional[_Iterable[_Union[RecordedCall, _Mapping]]] = ...) -> None: ...

class ExchangeCall(_message.Message):
    __slots__ = ("id", "commit", "settle", "get", "reply", "method", "traceparent")
    ID_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    commit: CommitRequest
    settle: SettleCommitRequest
    get: GetObjectRequest
    reply: GetReplyRequest
    method: GetMethodRequest
    traceparent: str
    def __init__(self, id: _Optional[int] = ..., commit: _Optional[_Union[CommitRequest, _Mapping]] = ..., settle: _Optional[_Union[SettleCommitRequest, _Mapping]] = ..., get: _Optional[_Union[GetObjectRequest, _Mapping]] = ..., reply: _Optional[_Union[GetReplyRequest, _Mapping]] = ..., method: _Optional[_Union[GetMethodRequest, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class ExchangeRequest(_message.Message):
    __slots__ = ("calls",)
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[ExchangeCall]
    def __init__(self, calls: _Optional[_Iterable[_Union[ExchangeCall, _Mapping]]] = ...) -> None: ...

class ExchangeAnswer(_message.Message):
    __slots__ = ("id", "commit", "settle", "get", "reply", "method", "failure")
    ID_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    GET_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: int
    commit: CommitResponse
    settle: SettleCommitResponse
    get: GetObjectResponse
    reply: GetReplyResponse
    method: GetMethodResponse
    failure: _object_pb2.Failure
    def __init__(self, id: _Optional[int] = ..., commit: _Optional[_Union[CommitResponse, _Mapping]] = ..., settle: _Optional[_Union[SettleCommitResponse, _Mapping]] = ..., get: _Optional[_Union[GetObjectResponse, _Mapping]] = ..., reply: _Optional[_Union[GetReplyResponse, _Mapping]] = ..., method: _Optional[_Union[GetMethodResponse, _Mapping]] = ..., failure: _Optional[_Union[_object_pb2.Failure, _Mapping]] = ...) -> None: ...

class ExchangeResponse(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[ExchangeAnswer]
    def __init__(self, answers: _Optional[_Iterable[_Union[ExchangeAnswer, _Mapping]]] = ...) -> None: ...

class JoinRequest(_message.Message):
    __slots__ = ("service", "member", "address", "leave")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LEAVE_FIELD_NUMBER: _ClassVar[int]
    service: str
    member: str
    address: str
    leave: bool
    def __init__(self, service: _Optional[str] = ..., member: _Optional[str] = ..., address: _Optional[str] = ..., leave: _Optional[bool] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("name", "address")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: str
    def __init__(self, name: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class JoinResponse(_message.Message):
    __slots__ = ("members", "ttl", "revision", "heard")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[Member]
    ttl: float
    revision: int
    heard: int
    def __init__(self, members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., ttl: _Optional[float] = ..., revision: _Optional[int] = ..., heard: _Optional[int] = ...) -> None: ...
