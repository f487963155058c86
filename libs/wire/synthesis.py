"""Events of a synthesis between the kernel and the contract. Law: every event has its own message, none is dropped."""

from batos.v1 import synthesizer_pb2 as pb
from kernel.errors import BadArguments
from kernel.objects import parse_object_id, parse_selector
from kernel.synthesis import (
    Adopted,
    Chosen,
    Compared,
    DraftAudited,
    DraftTried,
    Event,
    Registered,
    Started,
    TurnFinished,
    TurnStarted,
)
from kernel.transactions import parse_token
from wire.objects import (
    finding_from_wire,
    finding_to_wire,
    record_from_wire,
    record_to_wire,
    turn_from_wire,
    turn_to_wire,
)


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
