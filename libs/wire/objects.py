"""Definitions and method versions between the kernel and the contract. Law: unknown enumeration values are refused."""

from collections.abc import Iterable, Mapping

from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from kernel.lookup import Answer
from kernel.objects import (
    Definition,
    EffectSet,
    Evidence,
    Finding,
    Level,
    MethodPointer,
    MethodRecord,
    MethodVersion,
    Parameter,
    ParameterKind,
    PersonaTurn,
    Pin,
    Policy,
    Provenance,
    Retirement,
    Severity,
    Synthesis,
    parse_object_id,
    parse_selector,
)
from wire.enums import enum_to_wire, member_of
from wire.timestamps import seconds_of, timestamp


def policy_to_wire(policy: Policy) -> pb.Policy:
    """The message for a policy."""
    return pb.Policy(
        synthesis=enum_to_wire("SYNTHESIS_MODE", policy.synthesis),
        min_evidence=enum_to_wire("EVIDENCE_LEVEL", policy.min_evidence),
        never=policy.never,
        tokens_per_hour=policy.tokens_per_hour,
        syntheses_per_hour=policy.syntheses_per_hour,
    )


def policy_from_wire(policy: pb.Policy) -> Policy:
    """The policy. Raises BadArguments."""
    return Policy(
        synthesis=member_of(Synthesis, policy.synthesis, "policy.synthesis"),
        min_evidence=member_of(Level, policy.min_evidence, "policy.min_evidence"),
        never=tuple(parse_selector(selector) for selector in policy.never),
        tokens_per_hour=policy.tokens_per_hour if policy.HasField("tokens_per_hour") else None,
        syntheses_per_hour=policy.syntheses_per_hour if policy.HasField("syntheses_per_hour") else None,
    )


def pointer_to_wire(pointer: MethodPointer) -> pb.MethodPointer:
    """The message for a row of a method table."""
    return pb.MethodPointer(active=pointer.active, latest=pointer.latest, previous=pointer.previous)


def pointer_from_wire(pointer: pb.MethodPointer) -> MethodPointer:
    """The row of a method table."""
    return MethodPointer(pointer.active, pointer.latest, pointer.previous)


def pin_to_wire(pin: Pin) -> pb.Pin:
    """The message for a pin."""
    return pb.Pin(holder=pin.holder, number=pin.number, incarnation=pin.incarnation)


def pin_from_wire(pin: pb.Pin) -> Pin:
    """The pin."""
    return Pin(parse_object_id(pin.holder), pin.incarnation, pin.number)


def resolution_to_wire(answer: Answer | None) -> store_pb.Resolution:
    """The message for what answers a selector; empty for nothing."""
    if answer is None:
        return store_pb.Resolution()
    return store_pb.Resolution(holder=answer.holder, number=answer.number, pinned_at=answer.pinned_at or "")


def resolution_from_wire(resolution: store_pb.Resolution) -> Answer | None:
    """What answers a selector; None for nothing."""
    if not resolution.number:
        return None
    pinned_at = parse_object_id(resolution.pinned_at) if resolution.pinned_at else None
    return Answer(parse_object_id(resolution.holder), resolution.number, pinned_at)


def definition_to_wire(definition: Definition) -> pb.Definition:
    """The message for a definition; the incarnation goes beside it."""
    methods: Mapping[str, MethodPointer] = definition.methods
    return pb.Definition(
        parents=definition.parents,
        methods={selector: pointer_to_wire(row) for selector, row in methods.items()},
        policy=policy_to_wire(definition.policy),
        pins={selector: pin_to_wire(pin) for selector, pin in definition.pins.items()},
    )


def definition_from_wire(definition: pb.Definition, incarnation: str) -> Definition:
    """The definition, as the objectstore told it."""
    return Definition(
        incarnation=incarnation,
        parents=tuple(parse_object_id(parent) for parent in definition.parents),
        methods={selector: pointer_from_wire(row) for selector, row in definition.methods.items()},
        policy=policy_from_wire(definition.policy),
        pins={selector: pin_from_wire(pin) for selector, pin in definition.pins.items()},
    )


def finding_to_wire(finding: Finding) -> pb.Finding:
    """The message for a finding."""
    severity = enum_to_wire("SEVERITY", finding.severity)
    return pb.Finding(rule=finding.rule, severity=severity, line=finding.line, reason=finding.reason)


def finding_from_wire(finding: pb.Finding) -> Finding:
    """The finding. Raises BadArguments."""
    severity = member_of(Severity, finding.severity, "finding.severity")
    return Finding(finding.rule, severity, finding.line, finding.reason)


def evidence_to_wire(evidence: Evidence) -> pb.Evidence:
    """The message for a proof."""
    level = enum_to_wire("EVIDENCE_LEVEL", evidence.level)
    return pb.Evidence(level=level, by=evidence.by, at=timestamp(evidence.at), note=evidence.note)


def evidence_from_wire(evidence: pb.Evidence) -> Evidence:
    """The proof; at 0 where its time is not told. Raises BadArguments."""
    level = member_of(Level, evidence.level, "evidence.level")
    return Evidence(level, evidence.by, seconds_of(evidence.at, "evidence.at"), evidence.note)


def retirement_to_wire(retirement: Retirement) -> pb.Retirement:
    """The message for who retired a version and why."""
    at = timestamp(retirement.at) if retirement.at else None
    return pb.Retirement(by=retirement.by, at=at, reason=retirement.reason)


def retirement_from_wire(retirement: pb.Retirement) -> Retirement:
    """Who retired a version and why. Raises BadArguments."""
    return Retirement(retirement.by, seconds_of(retirement.at, "retirement.at"), retirement.reason)


def provenance_to_wire(provenance: Provenance) -> pb.Provenance:
    """The message for where a version comes from."""
    return pb.Provenance(
        asked_by=provenance.asked_by,
        intent=provenance.intent,
        synthesis_id=provenance.synthesis_id,
        turns=[turn_to_wire(turn) for turn in provenance.turns],
        drafts=provenance.drafts,
        agreeing=provenance.agreeing,
        examples=provenance.examples,
        trace_id=provenance.trace_id,
        parent=provenance.parent,
        adopted=provenance.adopted,
        seconds=provenance.seconds,
        trials=provenance.trials,
    )


def provenance_from_wire(provenance: pb.Provenance) -> Provenance:
    """Where a version comes from."""
    return Provenance(
        asked_by=provenance.asked_by,
        intent=provenance.intent,
        synthesis_id=provenance.synthesis_id,
        turns=tuple(turn_from_wire(turn) for turn in provenance.turns),
        drafts=provenance.drafts,
        agreeing=provenance.agreeing,
        examples=provenance.examples,
        trace_id=provenance.trace_id,
        parent=provenance.parent,
        adopted=provenance.adopted,
        seconds=provenance.seconds,
        trials=provenance.trials,
    )


def turn_to_wire(turn: PersonaTurn) -> pb.PersonaTurn:
    """The message for a persona's turn."""
    return pb.PersonaTurn(
        persona=turn.persona,
        model=turn.model,
        prompt_digest=turn.prompt_digest,
        input_tokens=turn.input_tokens,
        output_tokens=turn.output_tokens,
        seconds=turn.seconds,
        seed=turn.seed,
    )


def turn_from_wire(turn: pb.PersonaTurn) -> PersonaTurn:
    """The persona's turn."""
    return PersonaTurn(
        turn.persona, turn.model, turn.prompt_digest, turn.input_tokens, turn.output_tokens, turn.seconds, turn.seed
    )


def effects_from_wire(effects: pb.EffectSet) -> EffectSet:
    """What a method may touch."""
    return EffectSet(tuple(effects.reads), tuple(effects.writes), tuple(effects.sends))


def effects_to_wire(effects: EffectSet) -> pb.EffectSet:
    """The message for what a method may touch."""
    return pb.EffectSet(reads=effects.reads, writes=effects.writes, sends=effects.sends)


def signature_to_wire(parameters: Iterable[Parameter]) -> pb.Signature:
    """The message for what a method takes."""
    return pb.Signature(
        parameters=[
            pb.Parameter(name=each.name, kind=enum_to_wire("PARAMETER_KIND", each.kind), has_default=each.has_default)
            for each in parameters
        ]
    )


def signature_from_wire(signature: pb.Signature) -> tuple[Parameter, ...]:
    """What a method takes. Raises BadArguments."""
    return tuple(
        Parameter(each.name, member_of(ParameterKind, each.kind, "parameter.kind"), each.has_default)
        for each in signature.parameters
    )


def record_to_wire(record: MethodRecord) -> pb.MethodVersion:
    """The message for a version with what was appended beside it."""
    method = record.method
    return pb.MethodVersion(
        holder=method.holder,
        selector=method.selector,
        number=method.number,
        source=method.source,
        digest=method.digest,
        signature=signature_to_wire(method.parameters),
        effects=effects_to_wire(method.effects) if method.effects is not None else None,
        provenance=provenance_to_wire(method.provenance),
        findings=[finding_to_wire(each) for each in method.findings],
        created=timestamp(method.created),
        evidence=[evidence_to_wire(each) for each in record.evidence],
        active=record.active,
        retired=record.retired,
        retirement=None if record.retirement is None else retirement_to_wire(record.retirement),
    )


def record_from_wire(version: pb.MethodVersion) -> MethodRecord:
    """The version with what was appended beside it. Raises BadObjectId, BadArguments."""
    method = MethodVersion(
        holder=parse_object_id(version.holder),
        selector=parse_selector(version.selector),
        number=version.number,
        source=version.source,
        digest=version.digest,
        parameters=signature_from_wire(version.signature),
        provenance=provenance_from_wire(version.provenance),
        findings=tuple(finding_from_wire(each) for each in version.findings),
        created=seconds_of(version.created, "created"),
        effects=effects_from_wire(version.effects) if version.HasField("effects") else None,
    )
    evidence = tuple(evidence_from_wire(each) for each in version.evidence)
    retirement = retirement_from_wire(version.retirement) if version.retired else None
    return MethodRecord(method, evidence, active=version.active, retirement=retirement)
