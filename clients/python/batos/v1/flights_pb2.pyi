from batos.v1 import object_pb2 as _object_pb2
from batos.v1 import synthesizer_pb2 as _synthesizer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Flight(_message.Message):
    __slots__ = ("namespace", "target", "selector", "synthesis_id", "member", "fence", "takeovers")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    TAKEOVERS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    target: str
    selector: str
    synthesis_id: str
    member: str
    fence: int
    takeovers: int
    def __init__(self, namespace: _Optional[str] = ..., target: _Optional[str] = ..., selector: _Optional[str] = ..., synthesis_id: _Optional[str] = ..., member: _Optional[str] = ..., fence: _Optional[int] = ..., takeovers: _Optional[int] = ...) -> None: ...

class Landing(_message.Message):
    __slots__ = ("flight", "synthesis")
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    flight: Flight
    synthesis: _synthesizer_pb2.Synthesis
    def __init__(self, flight: _Optional[_Union[Flight, _Mapping]] = ..., synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ...) -> None: ...

class BoardFlightRequest(_message.Message):
    __slots__ = ("synthesis", "member")
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    synthesis: _synthesizer_pb2.Synthesis
    member: str
    def __init__(self, synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ..., member: _Optional[str] = ...) -> None: ...

class BoardFlightResponse(_message.Message):
    __slots__ = ("synthesis", "flight")
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    synthesis: _synthesizer_pb2.Synthesis
    flight: Flight
    def __init__(self, synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ..., flight: _Optional[_Union[Flight, _Mapping]] = ...) -> None: ...

class FindFlightRequest(_message.Message):
    __slots__ = ("namespace", "target", "selector")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    target: str
    selector: str
    def __init__(self, namespace: _Optional[str] = ..., target: _Optional[str] = ..., selector: _Optional[str] = ...) -> None: ...

class FindFlightResponse(_message.Message):
    __slots__ = ("synthesis",)
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    synthesis: _synthesizer_pb2.Synthesis
    def __init__(self, synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ...) -> None: ...

class LeaveExamplesRequest(_message.Message):
    __slots__ = ("namespace", "synthesis_id", "examples")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_ID_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    synthesis_id: str
    examples: _containers.RepeatedCompositeFieldContainer[_object_pb2.Example]
    def __init__(self, namespace: _Optional[str] = ..., synthesis_id: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[_object_pb2.Example, _Mapping]]] = ...) -> None: ...

class LeaveExamplesResponse(_message.Message):
    __slots__ = ("left",)
    LEFT_FIELD_NUMBER: _ClassVar[int]
    left: bool
    def __init__(self, left: _Optional[bool] = ...) -> None: ...

class CloseFlightRequest(_message.Message):
    __slots__ = ("flight",)
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    flight: Flight
    def __init__(self, flight: _Optional[_Union[Flight, _Mapping]] = ...) -> None: ...

class CloseFlightResponse(_message.Message):
    __slots__ = ("examples",)
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    examples: _containers.RepeatedCompositeFieldContainer[_object_pb2.Example]
    def __init__(self, examples: _Optional[_Iterable[_Union[_object_pb2.Example, _Mapping]]] = ...) -> None: ...

class TellEventsRequest(_message.Message):
    __slots__ = ("flight", "events", "after")
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    flight: Flight
    events: _containers.RepeatedCompositeFieldContainer[_synthesizer_pb2.SynthesizeResponse]
    after: int
    def __init__(self, flight: _Optional[_Union[Flight, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_synthesizer_pb2.SynthesizeResponse, _Mapping]]] = ..., after: _Optional[int] = ...) -> None: ...

class TellEventsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndFlightRequest(_message.Message):
    __slots__ = ("flight", "synthesis")
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    flight: Flight
    synthesis: _synthesizer_pb2.Synthesis
    def __init__(self, flight: _Optional[_Union[Flight, _Mapping]] = ..., synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ...) -> None: ...

class EndFlightResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelFlightRequest(_message.Message):
    __slots__ = ("namespace", "synthesis_id", "by")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    synthesis_id: str
    by: str
    def __init__(self, namespace: _Optional[str] = ..., synthesis_id: _Optional[str] = ..., by: _Optional[str] = ...) -> None: ...

class CancelFlightResponse(_message.Message):
    __slots__ = ("synthesis",)
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    synthesis: _synthesizer_pb2.Synthesis
    def __init__(self, synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ...) -> None: ...

class GetCancellationRequest(_message.Message):
    __slots__ = ("flight",)
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    flight: Flight
    def __init__(self, flight: _Optional[_Union[Flight, _Mapping]] = ...) -> None: ...

class GetCancellationResponse(_message.Message):
    __slots__ = ("by",)
    BY_FIELD_NUMBER: _ClassVar[int]
    by: str
    def __init__(self, by: _Optional[str] = ...) -> None: ...

class ReadSynthesisRequest(_message.Message):
    __slots__ = ("namespace", "synthesis_id", "after")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    SYNTHESIS_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    synthesis_id: str
    after: int
    def __init__(self, namespace: _Optional[str] = ..., synthesis_id: _Optional[str] = ..., after: _Optional[int] = ...) -> None: ...

class ReadSynthesisResponse(_message.Message):
    __slots__ = ("synthesis", "events")
    SYNTHESIS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    synthesis: _synthesizer_pb2.Synthesis
    events: _containers.RepeatedCompositeFieldContainer[_synthesizer_pb2.SynthesizeResponse]
    def __init__(self, synthesis: _Optional[_Union[_synthesizer_pb2.Synthesis, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_synthesizer_pb2.SynthesizeResponse, _Mapping]]] = ...) -> None: ...

class ReadSynthesesRequest(_message.Message):
    __slots__ = ("namespace", "states", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    states: _containers.RepeatedScalarFieldContainer[_synthesizer_pb2.SynthesisState]
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_synthesizer_pb2.SynthesisState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ReadSynthesesResponse(_message.Message):
    __slots__ = ("syntheses", "next_page_token", "token")
    SYNTHESES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    syntheses: _containers.RepeatedCompositeFieldContainer[_synthesizer_pb2.Synthesis]
    next_page_token: str
    token: str
    def __init__(self, syntheses: _Optional[_Iterable[_Union[_synthesizer_pb2.Synthesis, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., token: _Optional[str] = ...) -> None: ...

class ListOrphansRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOrphansResponse(_message.Message):
    __slots__ = ("syntheses",)
    SYNTHESES_FIELD_NUMBER: _ClassVar[int]
    syntheses: _containers.RepeatedCompositeFieldContainer[_synthesizer_pb2.Synthesis]
    def __init__(self, syntheses: _Optional[_Iterable[_Union[_synthesizer_pb2.Synthesis, _Mapping]]] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("id", "tokens", "syntheses")
    ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SYNTHESES_FIELD_NUMBER: _ClassVar[int]
    id: str
    tokens: int
    syntheses: int
    def __init__(self, id: _Optional[str] = ..., tokens: _Optional[int] = ..., syntheses: _Optional[int] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("namespace", "hour", "tokens", "ids", "name")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOUR_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    hour: int
    tokens: int
    ids: _containers.RepeatedScalarFieldContainer[str]
    name: str
    def __init__(self, namespace: _Optional[str] = ..., hour: _Optional[int] = ..., tokens: _Optional[int] = ..., ids: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ...) -> None: ...

class ReserveBudgetRequest(_message.Message):
    __slots__ = ("namespace", "budgets", "tokens", "name")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    BUDGETS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    budgets: _containers.RepeatedCompositeFieldContainer[Budget]
    tokens: int
    name: str
    def __init__(self, namespace: _Optional[str] = ..., budgets: _Optional[_Iterable[_Union[Budget, _Mapping]]] = ..., tokens: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class ReserveBudgetResponse(_message.Message):
    __slots__ = ("reservation",)
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    reservation: Reservation
    def __init__(self, reservation: _Optional[_Union[Reservation, _Mapping]] = ...) -> None: ...

class SettleBudgetRequest(_message.Message):
    __slots__ = ("reservation", "tokens", "begun")
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    reservation: Reservation
    tokens: int
    begun: bool
    def __init__(self, reservation: _Optional[_Union[Reservation, _Mapping]] = ..., tokens: _Optional[int] = ..., begun: _Optional[bool] = ...) -> None: ...

class SettleBudgetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSpendingRequest(_message.Message):
    __slots__ = ("namespace", "ids")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, namespace: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Spending(_message.Message):
    __slots__ = ("id", "tokens", "syntheses")
    ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SYNTHESES_FIELD_NUMBER: _ClassVar[int]
    id: str
    tokens: int
    syntheses: int
    def __init__(self, id: _Optional[str] = ..., tokens: _Optional[int] = ..., syntheses: _Optional[int] = ...) -> None: ...

class GetSpendingResponse(_message.Message):
    __slots__ = ("spending",)
    SPENDING_FIELD_NUMBER: _ClassVar[int]
    spending: _containers.RepeatedCompositeFieldContainer[Spending]
    def __init__(self, spending: _Optional[_Iterable[_Union[Spending, _Mapping]]] = ...) -> None: ...

class Setback(_message.Message):
    __slots__ = ("ask", "failure", "until", "times")
    ASK_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    ask: str
    failure: _object_pb2.Failure
    until: float
    times: int
    def __init__(self, ask: _Optional[str] = ..., failure: _Optional[_Union[_object_pb2.Failure, _Mapping]] = ..., until: _Optional[float] = ..., times: _Optional[int] = ...) -> None: ...

class GetSetbackRequest(_message.Message):
    __slots__ = ("namespace", "target", "selector")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    target: str
    selector: str
    def __init__(self, namespace: _Optional[str] = ..., target: _Optional[str] = ..., selector: _Optional[str] = ...) -> None: ...

class GetSetbackResponse(_message.Message):
    __slots__ = ("setback",)
    SETBACK_FIELD_NUMBER: _ClassVar[int]
    setback: Setback
    def __init__(self, setback: _Optional[_Union[Setback, _Mapping]] = ...) -> None: ...

class PutSetbackRequest(_message.Message):
    __slots__ = ("namespace", "target", "selector", "setback")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    SETBACK_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    target: str
    selector: str
    setback: Setback
    def __init__(self, namespace: _Optional[str] = ..., target: _Optional[str] = ..., selector: _Optional[str] = ..., setback: _Optional[_Union[Setback, _Mapping]] = ...) -> None: ...

class PutSetbackResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
