from batos.v1 import object_pb2 as _object_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    __slots__ = ("turn", "draft", "text")
    TURN_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    turn: _object_pb2.PersonaTurn
    draft: int
    text: str
    def __init__(self, turn: _Optional[_Union[_object_pb2.PersonaTurn, _Mapping]] = ..., draft: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

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

class SynthesisRegistered(_message.Message):
    __slots__ = ("method", "token")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    method: _object_pb2.MethodVersion
    token: str
    def __init__(self, method: _Optional[_Union[_object_pb2.MethodVersion, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class SynthesizeResponse(_message.Message):
    __slots__ = ("started", "turn_started", "turn_finished", "audited", "tried", "registered")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    TURN_STARTED_FIELD_NUMBER: _ClassVar[int]
    TURN_FINISHED_FIELD_NUMBER: _ClassVar[int]
    AUDITED_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    started: SynthesisStarted
    turn_started: TurnStarted
    turn_finished: TurnFinished
    audited: DraftAudited
    tried: DraftTried
    registered: SynthesisRegistered
    def __init__(self, started: _Optional[_Union[SynthesisStarted, _Mapping]] = ..., turn_started: _Optional[_Union[TurnStarted, _Mapping]] = ..., turn_finished: _Optional[_Union[TurnFinished, _Mapping]] = ..., audited: _Optional[_Union[DraftAudited, _Mapping]] = ..., tried: _Optional[_Union[DraftTried, _Mapping]] = ..., registered: _Optional[_Union[SynthesisRegistered, _Mapping]] = ...) -> None: ...

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
