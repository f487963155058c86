"""Objects and method versions as JSON documents and as text. Law: `-o json` tells everything the contract does."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from batos.cli.terminal import clean, one_line
from batos.json_values import dumps, to_json
from batos.v1 import object_pb2 as pb
from batos.values import map_from_wire

LEVELS = ("", "E0", "E1", "E2", "E3", "E4")
MODES = ("", "auto", "review", "off")
Document = dict[str, object]


def json_text(document: object) -> str:
    """The text of a document whose values are JSON already."""
    return json.dumps(document, ensure_ascii=False, indent=2)


def object_document(thing: pb.Object, *, slots: bool = True) -> Document:
    """An object; without its slots where they were not read."""
    document: Document = {
        "namespace": thing.namespace,
        "id": thing.id,
        "incarnation": thing.incarnation,
        "parents": list(thing.definition.parents),
        "methods": {
            selector: {"active": row.active, "latest": row.latest, "previous": row.previous}
            for selector, row in sorted(thing.definition.methods.items())
        },
        "pins": {
            selector: {"holder": pin.holder, "number": pin.number}
            for selector, pin in sorted(thing.definition.pins.items())
        },
        "policy": _policy(thing.definition.policy),
        "definition_revision": thing.definition_revision,
    }
    if slots:
        document["slots"] = to_json(map_from_wire(thing.slots.values))
        document["slots_revision"] = thing.slots_revision
    return document


def object_lines(thing: pb.Object) -> Iterable[str]:
    """An object for people."""
    policy = _policy(thing.definition.policy)
    yield f"{thing.id}  (namespace {thing.namespace})"
    yield f"parents  {', '.join(thing.definition.parents) or '-'}"
    said = ", ".join(f"{name} {value}" for name, value in policy.items() if value not in ("", [], None))
    yield f"policy   {said or 'as its parents say'}"
    for name, value in sorted(map_from_wire(thing.slots.values).items()):
        yield f"slot     {name} = {clean(dumps(value))}"
    for selector, row in sorted(thing.definition.methods.items()):
        yield f"method   {selector}  " + (f"version {row.active} of {row.latest}" if row.active else "none active")
    for selector, pin in sorted(thing.definition.pins.items()):
        yield f"pin      {selector}  version {pin.number} of {pin.holder}"


def method_document(method: pb.MethodVersion) -> Document:
    """A method version."""
    origin = method.provenance
    return {
        "holder": method.holder,
        "selector": method.selector,
        "number": method.number,
        "active": method.active,
        "retired": method.retired,
        "signature": signature(method),
        "source": method.source,
        "digest": method.digest,
        "created": time_text(method.created),
        "evidence": [
            {"level": LEVELS[proof.level], "by": proof.by, "at": time_text(proof.at), "note": proof.note}
            for proof in method.evidence
        ],
        "retirement": _retirement(method),
        "effects": _effects(method),
        "findings": [finding_document(finding) for finding in method.findings],
        "provenance": {
            "asked_by": origin.asked_by,
            "intent": origin.intent,
            "synthesis": origin.synthesis_id,
            "drafts": origin.drafts,
            "agreeing": origin.agreeing,
            "examples": origin.examples,
            "trace": origin.trace_id,
            "parent": origin.parent,
            "adopted": origin.adopted,
            "seconds": origin.seconds,
            "trials": origin.trials,
            "turns": [_turn(turn) for turn in origin.turns],
        },
    }


def method_lines(method: pb.MethodVersion) -> Iterable[str]:
    """A method version for people: its source, and above it, as comments, where it comes from."""
    origin = method.provenance
    state = "active" if method.active else "retired" if method.retired else "not active"
    yield f"# {method.holder}.{method.selector} version {method.number}, {state}, {evidence_of(method)}"
    yield f"# sha256 {method.digest}, {time_text(method.created)}, asked by {one_line(origin.asked_by) or '-'}"
    if origin.intent:
        yield f"# intent: {one_line(origin.intent)}"
    if origin.drafts:
        agree = f"{origin.agreeing} of {origin.drafts} drafts agree"
        yield f"# {agree}, {origin.examples} examples, trace {origin.trace_id}"
    if origin.adopted:
        yield f"# taken unchanged from {one_line(origin.adopted)}"
    if origin.parent:
        yield f"# to better version {origin.parent}"
    for proof in method.evidence:
        yield "# " + proof_line(proof)
    if method.retired:
        yield "# " + retirement_line(method)
    if method.HasField("effects"):
        effects = [f"{verb} {', '.join(names) or 'nothing'}" for verb, names in _effects(method).items()]
        yield f"# {'; '.join(effects)}"
    yield clean(method.source).rstrip("\n")


def proof_line(proof: pb.Evidence) -> str:
    """One proof, and who gave it and why."""
    given = "approved by" if proof.level == pb.EVIDENCE_LEVEL_APPROVED else "by"
    note = f": {one_line(proof.note)}" if proof.note else ""
    return f"{LEVELS[proof.level]} {given} {one_line(proof.by) or '-'}, {local_time(proof.at)}{note}"


def retirement_line(method: pb.MethodVersion) -> str:
    """Who retired a version and why, as far as that was kept."""
    retirement = method.retirement
    when = f", {local_time(retirement.at)}" if retirement.at.seconds else ""
    reason = f": {one_line(retirement.reason)}" if retirement.reason else ""
    return f"retired by {one_line(retirement.by) or '-'}{when}{reason}"


def _retirement(method: pb.MethodVersion) -> Document | None:
    if not method.retired:
        return None
    retirement = method.retirement
    return {"by": retirement.by, "at": time_text(retirement.at), "reason": retirement.reason}


def _effects(method: pb.MethodVersion) -> Mapping[str, Sequence[str]]:
    """What it touches at most, by what it does; empty where that is not known."""
    if not method.HasField("effects"):
        return {}
    effects = method.effects
    return {"reads": list(effects.reads), "writes": list(effects.writes), "sends": list(effects.sends)}


def finding_document(finding: pb.Finding) -> Document:
    """A finding of the audit."""
    return {
        "rule": finding.rule,
        "severity": severity(finding),
        "line": finding.line,
        "reason": finding.reason,
    }


def severity(finding: pb.Finding) -> str:
    """In one word."""
    return "error" if finding.severity == pb.SEVERITY_ERROR else "warning"


def reference_document(method: pb.MethodRef) -> Document:
    """Which version ran."""
    return {
        "holder": method.holder,
        "selector": method.selector,
        "number": method.number,
        "digest": method.digest,
        "evidence": LEVELS[method.evidence],
    }


def evidence_of(method: pb.MethodVersion) -> str:
    """The highest level of its evidence, such as E2."""
    return LEVELS[max((proof.level for proof in method.evidence), default=0)] or "no evidence"


def levels_of(method: pb.MethodVersion) -> str:
    """Every level of its evidence, such as E0 E2."""
    levels = sorted({proof.level for proof in method.evidence})
    return " ".join(LEVELS[level] for level in levels) or "no evidence"


def tokens_of(method: pb.MethodVersion) -> int:
    """Tokens that its turns wrote."""
    return sum(turn.output_tokens for turn in method.provenance.turns)


def signature(method: pb.MethodVersion) -> str:
    """What it takes, as in Python: `(by=..., *, unit)`; a default is not told."""
    words: list[str] = []
    marked = False
    for parameter in method.signature.parameters:
        if parameter.kind == pb.PARAMETER_KIND_KEYWORD and not marked:
            words.append("*")
        marked = marked or parameter.kind in {pb.PARAMETER_KIND_KEYWORD, pb.PARAMETER_KIND_REST}
        stars = {pb.PARAMETER_KIND_REST: "*", pb.PARAMETER_KIND_KEYWORD_REST: "**"}.get(parameter.kind, "")
        words.append(stars + parameter.name + ("=..." if parameter.has_default else ""))
    return f"({', '.join(words)})"


def local_time(stamp: Timestamp) -> str:
    """To the second, in the zone of who reads it; empty where there is none."""
    return f"{stamp.ToDatetime(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M:%S}" if stamp.seconds else ""


def time_text(stamp: Timestamp) -> str:
    """In ISO 8601, UTC; empty where there is none."""
    moment: datetime = stamp.ToDatetime(tzinfo=UTC)
    return moment.isoformat() if stamp.seconds else ""


def _policy(policy: pb.Policy) -> Mapping[str, object]:
    return {
        "synthesis": MODES[policy.synthesis],
        "min_evidence": LEVELS[policy.min_evidence],
        "never": list(policy.never),
        "tokens_per_hour": policy.tokens_per_hour if policy.HasField("tokens_per_hour") else None,
        "syntheses_per_hour": policy.syntheses_per_hour if policy.HasField("syntheses_per_hour") else None,
    }


def _turn(turn: pb.PersonaTurn) -> Document:
    return {
        "persona": turn.persona,
        "model": turn.model,
        "prompt_digest": turn.prompt_digest,
        "input_tokens": turn.input_tokens,
        "output_tokens": turn.output_tokens,
        "seconds": turn.seconds,
        "seed": turn.seed,
    }
