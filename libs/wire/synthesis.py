"""Syntheses and their events between the kernel and the contract. Law: every event has a message, none is dropped."""

from google.rpc import code_pb2, status_pb2

from batos.v1 import object_pb2
from batos.v1 import synthesizer_pb2 as pb
from kernel.errors import BadArguments, KernelError
from kernel.objects import parse_object_id, parse_selector
from kernel.synthesis import (
    Adopted,
    Chosen,
    Compared,
    DraftAudited,
    DraftTried,
    Ended,
    Event,
    Registered,
    Started,
    State,
    SynthesisRecord,
    TurnFinished,
    TurnStarted,
)
from kernel.transactions import parse_token
from wire.enums import enum_to_wire, member_of
from wire.errors import error_of, status_of
from wire.messages import message_from_wire, message_to_wire, method_ref_from_wire, method_ref_to_wire
from wire.objects import (
    finding_from_wire,
    finding_to_wire,
    record_from_wire,
    record_to_wire,
    turn_from_wire,
    turn_to_wire,
)
from wire.timestamps import seconds_of, timestamp


def event_to_wire(event: Event) -> pb.SynthesizeResponse:  # noqa: PLR0911 - one for each event
    """The message for an event."""
    match event:
        case Started(synthesis_id, target, joined):
            wire = pb.SynthesisStarted(synthesis_id=synthesis_id, target=target, joined=joined)
            return pb.SynthesizeResponse(started=wire)
        case TurnStarted(persona, model, draft):
            return pb.SynthesizeResponse(turn_started=pb.TurnStarted(persona=persona, model=model, draft=draft))
        case TurnFinished(turn, text, draft, cut):
            wire = pb.TurnFinished(turn=turn_to_wire(turn), draft=draft, text=text, cut=cut)
            return pb.SynthesizeResponse(turn_finished=wire)
        case DraftAudited(draft, findings, passed):
            told = [finding_to_wire(each) for each in findings]
            return pb.SynthesizeResponse(audited=pb.DraftAudited(draft=draft, findings=told, passed=passed))
        case DraftTried(draft, passed, total, failure):
            wire = pb.DraftTried(draft=draft, passed=passed, total=total, failure=failure)
            return pb.SynthesizeResponse(tried=wire)
        case Adopted(holder, selector, number):
            wire = pb.MethodAdopted(holder=holder, selector=selector, number=number)
            return pb.SynthesizeResponse(adopted=wire)
        case Chosen(draft, agreeing, drafts, dissent):
            wire = pb.DraftChosen(draft=draft, agreeing=agreeing, drafts=drafts, dissent=dissent)
            return pb.SynthesizeResponse(chosen=wire)
        case Compared(calls, alike, differences):
            wire = pb.CallsCompared(calls=calls, alike=alike, differences=differences)
            return pb.SynthesizeResponse(compared=wire)
        case Registered(record, token):
            wire = pb.SynthesisRegistered(method=record_to_wire(record), token=str(token))
            return pb.SynthesizeResponse(registered=wire)


def event_from_wire(response: pb.SynthesizeResponse) -> Event:  # noqa: PLR0911 - one for each event
    """The event, as the synthesizer told it. Raises BadArguments for one that this version does not know."""
    match response.WhichOneof("event"):
        case "started":
            wire = response.started
            return Started(wire.synthesis_id, parse_object_id(wire.target), wire.joined)
        case "turn_started":
            return TurnStarted(response.turn_started.persona, response.turn_started.model, response.turn_started.draft)
        case "turn_finished":
            finished = response.turn_finished
            return TurnFinished(turn_from_wire(finished.turn), finished.text, finished.draft, finished.cut)
        case "audited":
            audited = response.audited
            findings = tuple(finding_from_wire(each) for each in audited.findings)
            return DraftAudited(audited.draft, findings, audited.passed)
        case "tried":
            tried = response.tried
            return DraftTried(tried.draft, tried.passed, tried.total, tried.failure)
        case "adopted":
            adopted = response.adopted
            return Adopted(parse_object_id(adopted.holder), parse_selector(adopted.selector), adopted.number)
        case "chosen":
            chosen = response.chosen
            return Chosen(chosen.draft, chosen.agreeing, chosen.drafts, chosen.dissent)
        case "compared":
            compared = response.compared
            return Compared(compared.calls, compared.alike, tuple(compared.differences))
        case "registered":
            registered = response.registered
            return Registered(record_from_wire(registered.method), parse_token(registered.token))
        case _:
            raise BadArguments("the synthesizer told an event that this version does not know")


def synthesis_to_wire(record: SynthesisRecord) -> pb.Synthesis:
    """The message for a synthesis."""
    return pb.Synthesis(
        id=record.synthesis_id,
        message=message_to_wire(record.message),
        asked_by=record.asked_by,
        state=enum_to_wire("SYNTHESIS_STATE", record.state),
        evolves=record.evolves,
        created=timestamp(record.created),
        ended=timestamp(record.ended) if record.ended else None,
        method=method_ref_to_wire(record.method) if record.method else None,
        failure=ended_to_wire(record.failure) if record.failure else None,
    )


def synthesis_from_wire(wire: pb.Synthesis) -> SynthesisRecord:
    """The synthesis, as the synthesizer told it. Raises BadArguments for what this version does not know."""
    return SynthesisRecord(
        wire.id,
        message_from_wire(wire.message, wire.asked_by),
        wire.asked_by,
        seconds_of(wire.created, "created"),
        member_of(State, wire.state, "state"),
        wire.evolves,
        seconds_of(wire.ended, "ended") if wire.HasField("ended") else 0.0,
        method_ref_from_wire(wire.method) if wire.HasField("method") else None,
        ended_from_wire(wire.failure) if wire.HasField("failure") else None,
    )


def ended_to_wire(failure: Ended) -> object_pb2.Failure:
    """The failure as a status is told; of a fault only that it was one."""
    if (status := status_of(failure.error())) is None:
        return object_pb2.Failure(code=code_pb2.INTERNAL, message=failure.text)
    return object_pb2.Failure(code=status.code, message=status.message, details=status.details)


def ended_from_wire(failure: object_pb2.Failure) -> Ended:
    """The failure."""
    status = status_pb2.Status(code=failure.code, message=failure.message, details=failure.details)
    error = error_of(status)
    return Ended.of(error) if error else Ended(KernelError.reason, failure.message)
