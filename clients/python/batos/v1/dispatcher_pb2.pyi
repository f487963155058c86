import datetime

from batos.v1 import object_pb2 as _object_pb2
from batos.v1 import synthesizer_pb2 as _synthesizer_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SendRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: _object_pb2.Message
    def __init__(self, message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ...) -> None: ...

class Written(_message.Message):
    __slots__ = ("id", "slots")
    ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    slots: _object_pb2.Slots
    def __init__(self, id: _Optional[str] = ..., slots: _Optional[_Union[_object_pb2.Slots, _Mapping]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("result", "method", "token", "synthesized", "replayed", "writes")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIZED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    result: _object_pb2.Value
    method: _object_pb2.MethodRef
    token: str
    synthesized: bool
    replayed: bool
    writes: _containers.RepeatedCompositeFieldContainer[Written]
    def __init__(self, result: _Optional[_Union[_object_pb2.Value, _Mapping]] = ..., method: _Optional[_Union[_object_pb2.MethodRef, _Mapping]] = ..., token: _Optional[str] = ..., synthesized: _Optional[bool] = ..., replayed: _Optional[bool] = ..., writes: _Optional[_Iterable[_Union[Written, _Mapping]]] = ...) -> None: ...

class SendResponse(_message.Message):
    __slots__ = ("reply",)
    REPLY_FIELD_NUMBER: _ClassVar[int]
    reply: Reply
    def __init__(self, reply: _Optional[_Union[Reply, _Mapping]] = ...) -> None: ...

class SendStreamRequest(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: _object_pb2.Message
    def __init__(self, message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ...) -> None: ...

class SendStreamResponse(_message.Message):
    __slots__ = ("synthesis", "reply")
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    synthesis: _synthesizer_pb2.SynthesizeResponse
    reply: Reply
    def __init__(self, synthesis: _Optional[_Union[_synthesizer_pb2.SynthesizeResponse, _Mapping]] = ..., reply: _Optional[_Union[Reply, _Mapping]] = ...) -> None: ...

class PipelinedSend(_message.Message):
    __slots__ = ("id", "message", "timeout", "traceparent")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    message: _object_pb2.Message
    timeout: _duration_pb2.Duration
    traceparent: str
    def __init__(self, id: _Optional[int] = ..., message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class PipelineRequest(_message.Message):
    __slots__ = ("sends", "cancels")
    SENDS_FIELD_NUMBER: _ClassVar[int]
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    sends: _containers.RepeatedCompositeFieldContainer[PipelinedSend]
    cancels: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sends: _Optional[_Iterable[_Union[PipelinedSend, _Mapping]]] = ..., cancels: _Optional[_Iterable[int]] = ...) -> None: ...

class PipelinedReply(_message.Message):
    __slots__ = ("id", "reply", "failure")
    ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: int
    reply: Reply
    failure: _object_pb2.Failure
    def __init__(self, id: _Optional[int] = ..., reply: _Optional[_Union[Reply, _Mapping]] = ..., failure: _Optional[_Union[_object_pb2.Failure, _Mapping]] = ...) -> None: ...

class PipelineResponse(_message.Message):
    __slots__ = ("replies",)
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    replies: _containers.RepeatedCompositeFieldContainer[PipelinedReply]
    def __init__(self, replies: _Optional[_Iterable[_Union[PipelinedReply, _Mapping]]] = ...) -> None: ...

class ForwardedSend(_message.Message):
    __slots__ = ("id", "message", "principal", "timeout", "traceparent")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    message: _object_pb2.Message
    principal: str
    timeout: _duration_pb2.Duration
    traceparent: str
    def __init__(self, id: _Optional[int] = ..., message: _Optional[_Union[_object_pb2.Message, _Mapping]] = ..., principal: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class ForwardRequest(_message.Message):
    __slots__ = ("sends", "cancels")
    SENDS_FIELD_NUMBER: _ClassVar[int]
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    sends: _containers.RepeatedCompositeFieldContainer[ForwardedSend]
    cancels: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sends: _Optional[_Iterable[_Union[ForwardedSend, _Mapping]]] = ..., cancels: _Optional[_Iterable[int]] = ...) -> None: ...

class ForwardResponse(_message.Message):
    __slots__ = ("replies",)
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    replies: _containers.RepeatedCompositeFieldContainer[PipelinedReply]
    def __init__(self, replies: _Optional[_Iterable[_Union[PipelinedReply, _Mapping]]] = ...) -> None: ...

class GetVersionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Wall(_message.Message):
    __slots__ = ("name", "applied", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    applied: bool
    reason: str
    def __init__(self, name: _Optional[str] = ..., applied: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class GetVersionResponse(_message.Message):
    __slots__ = ("version", "jail", "jail_level", "format")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JAIL_FIELD_NUMBER: _ClassVar[int]
    JAIL_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    version: str
    jail: _containers.RepeatedCompositeFieldContainer[Wall]
    jail_level: str
    format: int
    def __init__(self, version: _Optional[str] = ..., jail: _Optional[_Iterable[_Union[Wall, _Mapping]]] = ..., jail_level: _Optional[str] = ..., format: _Optional[int] = ...) -> None: ...
