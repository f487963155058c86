import datetime

from batos.v1 import object_pb2 as _object_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SynthesisState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SYNTHESIS_STATE_UNSPECIFIED: _ClassVar[SynthesisState]
    SYNTHESIS_STATE_RUNNING: _ClassVar[SynthesisState]
    SYNTHESIS_STATE_SUCCEEDED: _ClassVar[SynthesisState]
    SYNTHESIS_STATE_WAITING: _ClassVar[SynthesisState]
    SYNTHESIS_STATE_FAILED: _ClassVar[SynthesisState]
    SYNTHESIS_STATE_CANCELLED: _ClassVar[SynthesisState]
SYNTHESIS_STATE_UNSPECIFIED: SynthesisState
SYNTHESIS_STATE_RUNNING: SynthesisState
SYNTHESIS_STATE_SUCCEEDED: SynthesisState
SYNTHESIS_STATE_WAITING: SynthesisState
SYNTHESIS_STATE_FAILED: SynthesisState
SYNTHESIS_STATE_CANCELLED: SynthesisState

class SynthesizeRequest(_message.Message):
    __slots__ = ("message", "asked_by")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    message: _object_pb2.Message
    asked_by: str
    def __init__(self, message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ..., asked_by: _Optional[str] = ...) -> None: ...

class SynthesisStarted(_message.Message):
    __slots__ = ("synthesis_id", "target", "joined")
    SYNTHESIS_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    synthesis_id: str
    target: str
    joined: bool
    def __init__(self, synthesis_id: _Optional[str] = ..., target: _Optional[str] = ..., joined: _Optional[bool] = ...) -> None: ...

class TurnStarted(_message.Message):
    __slots__ = ("persona", "model", "draft")
    PERSONA_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    persona: str
    model: str
    draft: int
    def __init__(self, persona: _Optional[str] = ..., model: _Optional[str] = ..., draft: _Optional[int] = ...) -> None: ...

class TurnFinished(_message.Message):
    __slots__ = ("turn", "draft", "text", "cut")
    TURN_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    turn: _object_pb2.PersonaTurn
    draft: int
    text: str
    cut: bool
    def __init__(self, turn: _Optional[_Union[_object_pb2.PersonaTurn, _Mapping]] = ..., draft: _Optional[int] = ..., text: _Optional[str] = ..., cut: _Optional[bool] = ...) -> None: ...

class DraftAudited(_message.Message):
    __slots__ = ("draft", "findings", "passed")
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    draft: int
    findings: _containers.RepeatedCompositeFieldContainer[_object_pb2.Finding]
    passed: bool
    def __init__(self, draft: _Optional[int] = ..., findings: _Optional[_Iterable[_Union[_object_pb2.Finding, _Mapping]]] = ..., passed: _Optional[bool] = ...) -> None: ...

class DraftTried(_message.Message):
    __slots__ = ("draft", "passed", "total", "failure")
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    draft: int
    passed: int
    total: int
    failure: str
    def __init__(self, draft: _Optional[int] = ..., passed: _Optional[int] = ..., total: _Optional[int] = ..., failure: _Optional[str] = ...) -> None: ...

class MethodAdopted(_message.Message):
    __slots__ = ("holder", "selector", "number")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    holder: str
    selector: str
    number: int
    def __init__(self, holder: _Optional[str] = ..., selector: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class DraftChosen(_message.Message):
    __slots__ = ("draft", "agreeing", "drafts", "dissent")
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    AGREEING_FIELD_NUMBER: _ClassVar[int]
    DRAFTS_FIELD_NUMBER: _ClassVar[int]
    DISSENT_FIELD_NUMBER: _ClassVar[int]
    draft: int
    agreeing: int
    drafts: int
    dissent: int
    def __init__(self, draft: _Optional[int] = ..., agreeing: _Optional[int] = ..., drafts: _Optional[int] = ..., dissent: _Optional[int] = ...) -> None: ...

class CallsCompared(_message.Message):
    __slots__ = ("calls", "alike", "differences")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ALIKE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    calls: int
    alike: int
    differences: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, calls: _Optional[int] = ..., alike: _Optional[int] = ..., differences: _Optional[_Iterable[str]] = ...) -> None: ...

class SynthesisRegistered(_message.Message):
    __slots__ = ("method", "token")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    method: _object_pb2.MethodVersion
    token: str
    def __init__(self, method: _Optional[_Union[_object_pb2.MethodVersion, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class SynthesizeResponse(_message.Message):
    __slots__ = ("started", "turn_started", "turn_finished", "audited", "tried", "registered", "adopted", "chosen", "compared")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    TURN_STARTED_FIELD_NUMBER: _ClassVar[int]
    TURN_FINISHED_FIELD_NUMBER: _ClassVar[int]
    AUDITED_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    ADOPTED_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    started: SynthesisStarted
    turn_started: TurnStarted
    turn_finished: TurnFinished
    audited: DraftAudited
    tried: DraftTried
    registered: SynthesisRegistered
    adopted: MethodAdopted
    chosen: DraftChosen
    compared: CallsCompared
    def __init__(self, started: _Optional[_Union[SynthesisStarted, _Mapping]] = ..., turn_started: _Optional[_Union[TurnStarted, _Mapping]] = ..., turn_finished: _Optional[_Union[TurnFinished, _Mapping]] = ..., audited: _Optional[_Union[DraftAudited, _Mapping]] = ..., tried: _Optional[_Union[DraftTried, _Mapping]] = ..., registered: _Optional[_Union[SynthesisRegistered, _Mapping]] = ..., adopted: _Optional[_Union[MethodAdopted, _Mapping]] = ..., chosen: _Optional[_Union[DraftChosen, _Mapping]] = ..., compared: _Optional[_Union[CallsCompared, _Mapping]] = ...) -> None: ...

class AuditRequest(_message.Message):
    __slots__ = ("selector", "source")
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    selector: str
    source: str
    def __init__(self, selector: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class AuditResponse(_message.Message):
    __slots__ = ("findings", "passed")
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[_object_pb2.Finding]
    passed: bool
    def __init__(self, findings: _Optional[_Iterable[_Union[_object_pb2.Finding, _Mapping]]] = ..., passed: _Optional[bool] = ...) -> None: ...

class ListRulesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Rule(_message.Message):
    __slots__ = ("id", "severity", "reason", "refused_example")
    ID_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REFUSED_EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    id: str
    severity: _object_pb2.Severity
    reason: str
    refused_example: str
    def __init__(self, id: _Optional[str] = ..., severity: _Optional[_Union[_object_pb2.Severity, str]] = ..., reason: _Optional[str] = ..., refused_example: _Optional[str] = ...) -> None: ...

class ListRulesResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    def __init__(self, rules: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ...) -> None: ...

class EvolveRequest(_message.Message):
    __slots__ = ("message", "asked_by")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    message: _object_pb2.Message
    asked_by: str
    def __init__(self, message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ..., asked_by: _Optional[str] = ...) -> None: ...

class EvolveResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: SynthesizeResponse
    def __init__(self, event: _Optional[_Union[SynthesizeResponse, _Mapping]] = ...) -> None: ...

class Synthesis(_message.Message):
    __slots__ = ("id", "message", "asked_by", "state", "evolves", "created", "ended", "method", "failure")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ASKED_BY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EVOLVES_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    message: _object_pb2.Message
    asked_by: str
    state: SynthesisState
    evolves: int
    created: _timestamp_pb2.Timestamp
    ended: _timestamp_pb2.Timestamp
    method: _object_pb2.MethodRef
    failure: _object_pb2.Failure
    def __init__(self, id: _Optional[str] = ..., message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ..., asked_by: _Optional[str] = ..., state: _Optional[_Union[SynthesisState, str]] = ..., evolves: _Optional[int] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., method: _Optional[_Union[_object_pb2.MethodRef, _Mapping]] = ..., failure: _Optional[_Union[_object_pb2.Failure, _Mapping]] = ...) -> None: ...

class GetSynthesisRequest(_message.Message):
    __slots__ = ("namespace", "id")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class GetSynthesisResponse(_message.Message):
    __slots__ = ("synthesis",)
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    synthesis: Synthesis
    def __init__(self, synthesis: _Optional[_Union[Synthesis, _Mapping]] = ...) -> None: ...

class WatchSynthesisRequest(_message.Message):
    __slots__ = ("namespace", "id", "after")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    after: int
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., after: _Optional[int] = ...) -> None: ...

class WatchSynthesisResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: SynthesizeResponse
    def __init__(self, event: _Optional[_Union[SynthesizeResponse, _Mapping]] = ...) -> None: ...

class CancelSynthesisRequest(_message.Message):
    __slots__ = ("namespace", "id", "by")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    id: str
    by: str
    def __init__(self, namespace: _Optional[str] = ..., id: _Optional[str] = ..., by: _Optional[str] = ...) -> None: ...

class CancelSynthesisResponse(_message.Message):
    __slots__ = ("synthesis",)
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    synthesis: Synthesis
    def __init__(self, synthesis: _Optional[_Union[Synthesis, _Mapping]] = ...) -> None: ...

class ListSynthesesRequest(_message.Message):
    __slots__ = ("namespace", "states", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    states: _containers.RepeatedScalarFieldContainer[SynthesisState]
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., states: _Optional[_Iterable[_Union[SynthesisState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSynthesesResponse(_message.Message):
    __slots__ = ("syntheses", "next_page_token")
    SYNTHESES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    syntheses: _containers.RepeatedCompositeFieldContainer[Synthesis]
    next_page_token: str
    def __init__(self, syntheses: _Optional[_Iterable[_Union[Synthesis, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
