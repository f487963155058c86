import datetime

from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SynthesisMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SYNTHESIS_MODE_UNSPECIFIED: _ClassVar[SynthesisMode]
    SYNTHESIS_MODE_AUTO: _ClassVar[SynthesisMode]
    SYNTHESIS_MODE_REVIEW: _ClassVar[SynthesisMode]
    SYNTHESIS_MODE_OFF: _ClassVar[SynthesisMode]

class EvidenceLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVIDENCE_LEVEL_UNSPECIFIED: _ClassVar[EvidenceLevel]
    EVIDENCE_LEVEL_AUDITED: _ClassVar[EvidenceLevel]
    EVIDENCE_LEVEL_AGREED: _ClassVar[EvidenceLevel]
    EVIDENCE_LEVEL_EXAMPLES: _ClassVar[EvidenceLevel]
    EVIDENCE_LEVEL_REPLAYED: _ClassVar[EvidenceLevel]
    EVIDENCE_LEVEL_APPROVED: _ClassVar[EvidenceLevel]

class ParameterKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_KIND_UNSPECIFIED: _ClassVar[ParameterKind]
    PARAMETER_KIND_STANDARD: _ClassVar[ParameterKind]
    PARAMETER_KIND_KEYWORD: _ClassVar[ParameterKind]
    PARAMETER_KIND_REST: _ClassVar[ParameterKind]
    PARAMETER_KIND_KEYWORD_REST: _ClassVar[ParameterKind]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]

class Consistency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSISTENCY_UNSPECIFIED: _ClassVar[Consistency]
    CONSISTENCY_MINIMIZE_LATENCY: _ClassVar[Consistency]
    CONSISTENCY_AT_LEAST: _ClassVar[Consistency]
    CONSISTENCY_FULL: _ClassVar[Consistency]

class OnMiss(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_MISS_UNSPECIFIED: _ClassVar[OnMiss]
    ON_MISS_WAIT: _ClassVar[OnMiss]
    ON_MISS_ASYNC: _ClassVar[OnMiss]
    ON_MISS_NEVER: _ClassVar[OnMiss]
SYNTHESIS_MODE_UNSPECIFIED: SynthesisMode
SYNTHESIS_MODE_AUTO: SynthesisMode
SYNTHESIS_MODE_REVIEW: SynthesisMode
SYNTHESIS_MODE_OFF: SynthesisMode
EVIDENCE_LEVEL_UNSPECIFIED: EvidenceLevel
EVIDENCE_LEVEL_AUDITED: EvidenceLevel
EVIDENCE_LEVEL_AGREED: EvidenceLevel
EVIDENCE_LEVEL_EXAMPLES: EvidenceLevel
EVIDENCE_LEVEL_REPLAYED: EvidenceLevel
EVIDENCE_LEVEL_APPROVED: EvidenceLevel
PARAMETER_KIND_UNSPECIFIED: ParameterKind
PARAMETER_KIND_STANDARD: ParameterKind
PARAMETER_KIND_KEYWORD: ParameterKind
PARAMETER_KIND_REST: ParameterKind
PARAMETER_KIND_KEYWORD_REST: ParameterKind
SEVERITY_UNSPECIFIED: Severity
SEVERITY_ERROR: Severity
SEVERITY_WARNING: Severity
CONSISTENCY_UNSPECIFIED: Consistency
CONSISTENCY_MINIMIZE_LATENCY: Consistency
CONSISTENCY_AT_LEAST: Consistency
CONSISTENCY_FULL: Consistency
ON_MISS_UNSPECIFIED: OnMiss
ON_MISS_WAIT: OnMiss
ON_MISS_ASYNC: OnMiss
ON_MISS_NEVER: OnMiss

class Value(_message.Message):
    __slots__ = ("null_value", "bool_value", "int64_value", "double_value", "string_value", "bytes_value", "list_value", "map_value", "reference_value")
    NULL_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT64_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BYTES_VALUE_FIELD_NUMBER: _ClassVar[int]
    LIST_VALUE_FIELD_NUMBER: _ClassVar[int]
    MAP_VALUE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_VALUE_FIELD_NUMBER: _ClassVar[int]
    null_value: _struct_pb2.NullValue
    bool_value: bool
    int64_value: int
    double_value: float
    string_value: str
    bytes_value: bytes
    list_value: ValueList
    map_value: ValueMap
    reference_value: Reference
    def __init__(self, null_value: _Optional[_Union[_struct_pb2.NullValue, str]] = ..., bool_value: _Optional[bool] = ..., int64_value: _Optional[int] = ..., double_value: _Optional[float] = ..., string_value: _Optional[str] = ..., bytes_value: _Optional[bytes] = ..., list_value: _Optional[_Union[ValueList, _Mapping]] = ..., map_value: _Optional[_Union[ValueMap, _Mapping]] = ..., reference_value: _Optional[_Union[Reference, _Mapping]] = ...) -> None: ...

class ValueList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class ValueMap(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, Value]
    def __init__(self, values: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Slots(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, Value]
    def __init__(self, values: _Optional[_Mapping[str, Value]] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("synthesis", "min_evidence", "never", "tokens_per_hour", "syntheses_per_hour")
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    MIN_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    NEVER_FIELD_NUMBER: _ClassVar[int]
    TOKENS_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    SYNTHESES_PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    synthesis: SynthesisMode
    min_evidence: EvidenceLevel
    never: _containers.RepeatedScalarFieldContainer[str]
    tokens_per_hour: int
    syntheses_per_hour: int
    def __init__(self, synthesis: _Optional[_Union[SynthesisMode, str]] = ..., min_evidence: _Optional[_Union[EvidenceLevel, str]] = ..., never: _Optional[_Iterable[str]] = ..., tokens_per_hour: _Optional[int] = ..., syntheses_per_hour: _Optional[int] = ...) -> None: ...

class MethodPointer(_message.Message):
    __slots__ = ("active", "latest", "previous")
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    active: int
    latest: int
    previous: int
    def __init__(self, active: _Optional[int] = ..., latest: _Optional[int] = ..., previous: _Optional[int] = ...) -> None: ...

class Pin(_message.Message):
    __slots__ = ("holder", "number", "incarnation")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    holder: str
    number: int
    incarnation: str
    def __init__(self, holder: _Optional[str] = ..., number: _Optional[int] = ..., incarnation: _Optional[str] = ...) -> None: ...

class Definition(_message.Message):
    __slots__ = ("parents", "methods", "policy", "pins")
    class MethodsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: MethodPointer
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[MethodPointer, _Mapping]] = ...) -> None: ...
    class PinsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Pin
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Pin, _Mapping]] = ...) -> None: ...
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    PINS_FIELD_NUMBER: _ClassVar[int]
    parents: _containers.RepeatedScalarFieldContainer[str]
    methods: _containers.MessageMap[str, MethodPointer]
    policy: Policy
    pins: _containers.MessageMap[str, Pin]
    def __init__(self, parents: _Optional[_Iterable[str]] = ..., methods: _Optional[_Mapping[str, MethodPointer]] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ..., pins: _Optional[_Mapping[str, Pin]] = ...) -> None: ...

class Object(_message.Message):
    __slots__ = ("namespace", "id", "incarnation", "definition", "slots", "definition_revision", "slots_revision")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    SLOTS_REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    incarnation: str
    definition: Definition
    slots: Slots
    definition_revision: int
    slots_revision: int
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., incarnation: _Optional[str] = ..., definition: _Optional[_Union[Definition, _Mapping]] = ..., slots: _Optional[_Union[Slots, _Mapping]] = ..., definition_revision: _Optional[int] = ..., slots_revision: _Optional[int] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "kind", "has_default")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HAS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: ParameterKind
    has_default: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[ParameterKind, str]] = ..., has_default: _Optional[bool] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("parameters",)
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    def __init__(self, parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ...) -> None: ...

class EffectSet(_message.Message):
    __slots__ = ("reads", "writes", "sends")
    READS_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    SENDS_FIELD_NUMBER: _ClassVar[int]
    reads: _containers.RepeatedScalarFieldContainer[str]
    writes: _containers.RepeatedScalarFieldContainer[str]
    sends: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reads: _Optional[_Iterable[str]] = ..., writes: _Optional[_Iterable[str]] = ..., sends: _Optional[_Iterable[str]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("rule", "severity", "line", "reason")
    RULE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    rule: str
    severity: Severity
    line: int
    reason: str
    def __init__(self, rule: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., line: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class PersonaTurn(_message.Message):
    __slots__ = ("persona", "model", "prompt_digest", "input_tokens", "output_tokens", "seconds", "seed")
    PERSONA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    persona: str
    model: str
    prompt_digest: str
    input_tokens: int
    output_tokens: int
    seconds: float
    seed: int
    def __init__(self, persona: _Optional[str] = ..., model: _Optional[str] = ..., prompt_digest: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., seconds: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("asked_by", "intent", "synthesis_id", "turns", "drafts", "agreeing", "examples", "trace_id", "parent", "adopted", "seconds", "trials")
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_ID_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    DRAFTS_FIELD_NUMBER: _ClassVar[int]
    AGREEING_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    ADOPTED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    asked_by: str
    intent: str
    synthesis_id: str
    turns: _containers.RepeatedCompositeFieldContainer[PersonaTurn]
    drafts: int
    agreeing: int
    examples: int
    trace_id: str
    parent: int
    adopted: str
    seconds: float
    trials: int
    def __init__(self, asked_by: _Optional[str] = ..., intent: _Optional[str] = ..., synthesis_id: _Optional[str] = ..., turns: _Optional[_Iterable[_Union[PersonaTurn, _Mapping]]] = ..., drafts: _Optional[int] = ..., agreeing: _Optional[int] = ..., examples: _Optional[int] = ..., trace_id: _Optional[str] = ..., parent: _Optional[int] = ..., adopted: _Optional[str] = ..., seconds: _Optional[float] = ..., trials: _Optional[int] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("level", "by", "at", "note")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    level: EvidenceLevel
    by: str
    at: _timestamp_pb2.Timestamp
    note: str
    def __init__(self, level: _Optional[_Union[EvidenceLevel, str]] = ..., by: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., note: _Optional[str] = ...) -> None: ...

class Retirement(_message.Message):
    __slots__ = ("by", "at", "reason")
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    by: str
    at: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, by: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class MethodVersion(_message.Message):
    __slots__ = ("holder", "selector", "number", "source", "digest", "signature", "effects", "provenance", "findings", "created", "evidence", "active", "retired", "retirement")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    RETIRED_FIELD_NUMBER: _ClassVar[int]
    RETIREMENT_FIELD_NUMBER: _ClassVar[int]
    holder: str
    selector: str
    number: int
    source: str
    digest: str
    signature: Signature
    effects: EffectSet
    provenance: Provenance
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    created: _timestamp_pb2.Timestamp
    evidence: _containers.RepeatedCompositeFieldContainer[Evidence]
    active: bool
    retired: bool
    retirement: Retirement
    def __init__(self, holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ..., source: _Optional[str] = ..., digest: _Optional[str] = ..., signature: _Optional[_Union[Signature, _Mapping]] = ..., effects: _Optional[_Union[EffectSet, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., evidence: _Optional[_Iterable[_Union[Evidence, _Mapping]]] = ..., active: _Optional[bool] = ..., retired: _Optional[bool] = ..., retirement: _Optional[_Union[Retirement, _Mapping]] = ...) -> None: ...

class MethodRef(_message.Message):
    __slots__ = ("holder", "selector", "number", "digest", "evidence")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    holder: str
    selector: str
    number: int
    digest: str
    evidence: EvidenceLevel
    def __init__(self, holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ..., digest: _Optional[str] = ..., evidence: _Optional[_Union[EvidenceLevel, str]] = ...) -> None: ...

class ErrorExpected(_message.Message):
    __slots__ = ("reason", "exception")
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    reason: str
    exception: str
    def __init__(self, reason: _Optional[str] = ..., exception: _Optional[str] = ...) -> None: ...

class Example(_message.Message):
    __slots__ = ("state_before", "arguments", "keywords", "now", "seed", "others", "result", "error", "state_after", "state_after_contains", "tolerance")
    class KeywordsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    class OthersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Slots
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Slots, _Mapping]] = ...) -> None: ...
    STATE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STATE_AFTER_FIELD_NUMBER: _ClassVar[int]
    STATE_AFTER_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    state_before: Slots
    arguments: _containers.RepeatedCompositeFieldContainer[Value]
    keywords: _containers.MessageMap[str, Value]
    now: _timestamp_pb2.Timestamp
    seed: int
    others: _containers.MessageMap[str, Slots]
    result: Value
    error: ErrorExpected
    state_after: Slots
    state_after_contains: Slots
    tolerance: float
    def __init__(self, state_before: _Optional[_Union[Slots, _Mapping]] = ..., arguments: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., keywords: _Optional[_Mapping[str, Value]] = ..., now: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seed: _Optional[int] = ..., others: _Optional[_Mapping[str, Slots]] = ..., result: _Optional[_Union[Value, _Mapping]] = ..., error: _Optional[_Union[ErrorExpected, _Mapping]] = ..., state_after: _Optional[_Union[Slots, _Mapping]] = ..., state_after_contains: _Optional[_Union[Slots, _Mapping]] = ..., tolerance: _Optional[float] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("namespace", "receiver", "selector", "arguments", "keywords", "intent", "examples", "request_id", "consistency", "token", "on_miss", "install_at", "dry_run")
    class KeywordsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    KEYWORDS_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ON_MISS_FIELD_NUMBER: _ClassVar[int]
    INSTALL_AT_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    receiver: str
    selector: str
    arguments: _containers.RepeatedCompositeFieldContainer[Value]
    keywords: _containers.MessageMap[str, Value]
    intent: str
    examples: _containers.RepeatedCompositeFieldContainer[Example]
    request_id: str
    consistency: Consistency
    token: str
    on_miss: OnMiss
    install_at: str
    dry_run: bool
    def __init__(self, namespace: _Optional[str] = ..., receiver: _Optional[str] = ..., selector: _Optional[str] = ..., arguments: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., keywords: _Optional[_Mapping[str, Value]] = ..., intent: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[Example, _Mapping]]] = ..., request_id: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., token: _Optional[str] = ..., on_miss: _Optional[_Union[OnMiss, str]] = ..., install_at: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message", "details")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    details: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., details: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...
