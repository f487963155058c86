"""What a failure looks like on the command line. Law: one clear line, what to do next, and an exit code by its kind.

The codes are part of batctl's contract with scripts; `batctl --help` tells them from the same table.
"""

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum

from batos.errors import BatosError


class Exit(IntEnum):
    """Exit codes, by kind of failure."""

    OK = 0
    BUG = 1
    USAGE = 2
    BAD_INPUT = 3
    NOT_FOUND = 4
    NOT_LEARNED = 5
    METHOD_FAILED = 6
    REFUSED = 7
    PENDING = 8
    UNAVAILABLE = 9
    NOT_PERMITTED = 10
    DAMAGED = 11
    INTERRUPTED = 130


MEANINGS: Mapping[Exit, str] = {
    Exit.OK: "done",
    Exit.BUG: "a bug, here or in a service",
    Exit.USAGE: "the command line is wrong: unknown command or option, bad JSON, a port in use",
    Exit.BAD_INPUT: "bad arguments, value, example or object id",
    Exit.NOT_FOUND: "no such object, method, synthesis or trace",
    Exit.NOT_LEARNED: "not understood, synthesis failed or cancelled, audit rejected, approval or examples wanted",
    Exit.METHOD_FAILED: "the method raised, or does not fit the examples",
    Exit.REFUSED: "conflict, limit, overload, already there, in use, no room to write",
    Exit.PENDING: "the deadline came first; what was begun may go on",
    Exit.UNAVAILABLE: "a service, a persona's endpoint or the store cannot be reached or started",
    Exit.NOT_PERMITTED: "not permitted, or no credentials",
    Exit.DAMAGED: "the check found errors",
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
}

_KINDS: Mapping[Exit, tuple[str, ...]] = {
    Exit.USAGE: ("PORT_IN_USE",),
    Exit.BAD_INPUT: (
        *("BAD_ARGUMENTS", "BAD_VALUE", "BAD_OBJECT_ID", "BAD_EXAMPLE", "REQUEST_ID_REUSED", "STALE_TOKEN"),
        *("NOT_SERVED", "INCONSISTENT_PARENTS"),
    ),
    Exit.NOT_FOUND: ("OBJECT_NOT_FOUND", "METHOD_NOT_FOUND", "SYNTHESIS_NOT_FOUND", "TRACE_NOT_FOUND"),
    Exit.NOT_LEARNED: (
        *("NOT_UNDERSTOOD", "SYNTHESIS_FAILED", "AUDIT_REJECTED", "APPROVAL_PENDING"),
        *("EXAMPLES_NEEDED", "SYNTHESIS_CANCELLED"),
    ),
    Exit.METHOD_FAILED: ("METHOD_RAISED", "EXAMPLES_DISAGREE"),
    Exit.REFUSED: (
        *("CONFLICT", "LIMIT_EXCEEDED", "BUDGET_EXHAUSTED", "OVERLOADED", "STORE_FULL", "RESOURCE_EXHAUSTED"),
        *("OBJECT_EXISTS", "HAS_CHILDREN", "FLIGHT_LOST", "DATA_IN_USE", "FILE_EXISTS", "NOT_WRITTEN"),
    ),
    Exit.PENDING: ("SYNTHESIS_PENDING", "DEADLINE_EXCEEDED"),
    Exit.UNAVAILABLE: (
        *("UNREACHABLE", "WRONG_SERVICE", "ENDPOINT_UNAVAILABLE", "STORE_UNAVAILABLE"),
        *("NO_ETCD", "NO_MODEL", "NO_SERVICES", "NOT_STARTED", "SERVICE_ENDED"),
    ),
    Exit.NOT_PERMITTED: ("NOT_PERMITTED", "NO_CREDENTIALS"),
}

# Words in braces are fields of the error; one that it does not have becomes itself in capitals.
_HINTS: Mapping[str, str] = {
    "OBJECT_NOT_FOUND": "see what there is with `batctl object list`, or make it with `batctl object create {object}`",
    "METHOD_NOT_FOUND": "see its versions with `batctl method history {object} {selector}`",
    "SYNTHESIS_NOT_FOUND": "list those that are kept with `batctl synthesis list`, or send the message again",
    "TRACE_NOT_FOUND": "list the kept ones with `batctl trace --last 20`; only `batctl up` keeps traces",
    "OBJECT_EXISTS": "see it with `batctl object get {object}`, or take another id",
    "BAD_ARGUMENTS": "the command's --help shows what it takes",
    "BAD_VALUE": 'values are JSON, integers of 64 bits, bytes {{"$bytes": BASE64}}, references {{"$ref": OID}}',
    "BAD_OBJECT_ID": "ids are lower-case paths such as feed/acme",
    "BAD_EXAMPLE": "see the form of an example with `batctl send --help`",
    "REQUEST_ID_REUSED": "leave --request-id out, and a new one is made",
    "STALE_TOKEN": "the token is of before a restore, or too old: read again, and take the token of that reply",
    "NOT_SERVED": "leave it out; a later version may serve it",
    "NOT_UNDERSTOOD": "`batctl object get` along the parents shows the methods and the policies",
    "METHOD_RAISED": "nothing was changed; see the method with `batctl method show {holder} {selector}`",
    "EXAMPLES_DISAGREE": "nothing was changed; correct the example, or see `batctl method show {holder} {selector}`",
    "AUDIT_REJECTED": "send it with a clearer --intent, or see what is allowed with `batctl audit --rules`",
    "APPROVAL_PENDING": "see it with `batctl method history OID SELECTOR`, then `batctl method approve` or `reject`",
    "SYNTHESIS_FAILED": "send it again with a clearer --intent and two or more --example",
    "EXAMPLES_NEEDED": (
        "say what is wanted there: send it again with --example "
        """'{{"before": {{...}}, "args": [...], "kw": {{...}}, "result": ...}}' (`batctl send --help`)"""
    ),
    "SYNTHESIS_CANCELLED": "send the message again to have the method written",
    "FLIGHT_LOST": "another synthesizer has taken it over: follow it with `batctl synthesis list`",
    "HAS_CHILDREN": "delete its children first, or give them other parents with `batctl object update`",
    "INCONSISTENT_PARENTS": "name each parent after the objects that descend from it, and make no circle",
    "CONFLICT": "nothing was changed; read the newest state and do it again",
    "LIMIT_EXCEEDED": "nothing was changed; send less at once, or see the method with `batctl method show`",
    "BUDGET_EXHAUSTED": "wait, or raise it: `batctl object update {object} --syntheses-per-hour N --tokens-per-hour N`",
    "OVERLOADED": "send less at once, or give it longer with --timeout",
    "STORE_FULL": "reads go on; make room in etcd (compact, defragment) or raise its quota",
    "RESOURCE_EXHAUSTED": "send less at once",
    "SYNTHESIS_PENDING": "send the same message again, with a later --timeout",
    "DEADLINE_EXCEEDED": "whether it took effect is not known; see, before you do it again",
    "ENDPOINT_UNAVAILABLE": "see that the persona's endpoint is up and BATOS_PERSONA_URL is right, then send it again",
    "STORE_UNAVAILABLE": "see that etcd and the services are up (their logs are in the data folder), then do it again",
    "UNREACHABLE": "start the services with `batctl up`, or say where they are with {option} HOST:PORT",
    "WRONG_SERVICE": "say where the {service} is with {option} HOST:PORT",
    "NOT_PERMITTED": "ask who administers the namespace",
    "NO_CREDENTIALS": "ask who administers the namespace",
    "INTERNAL": "this is a bug: report it",
}

# Of BAD_ARGUMENTS, by the field of the request that is wrong, or by the command where the request has no fields.
_WRONG: Mapping[str, str] = {
    "message.arguments": "arguments are JSON, keywords `--kw NAME=JSON`; `batctl method list OID` shows signatures",
    "message.keywords": "keywords are `--kw NAME=JSON`; `batctl method list OID` shows signatures",
    "message.request_id": "leave --request-id out, and a new one is made",
    "message.token": "`--consistency at_least` goes with the --token of an earlier reply (`-o json` shows it)",
    "token": "give --token as an earlier reply had it (`-o json` shows it), or leave it out",
    "message.install_at": "name OID itself or one of its parents; `batctl object get` shows them",
    "digest": "see the examples of a method with `batctl example list OID SELECTOR`",
    "policy.tokens_per_hour": "give --tokens-per-hour a number from 0, or `none`",
    "policy.syntheses_per_hour": "give --syntheses-per-hour a number from 0, or `none`",
    "holder": "name one of its parents; `batctl object get` shows them",
    "source": "see what a method may be with `batctl audit --rules`",
    "restore": "start an empty etcd and an objectstore on it, and say where with --objectstore HOST:PORT",
}

# The suite has no field for why it writes no method, or no better one, so the text tells; a text of another kind gets
# the neutral hint.
_NOT_WRITTEN: Sequence[tuple[re.Pattern[str], str]] = (
    (
        re.compile("allows no synthesis"),
        (
            "{receiver} or a parent has the policy OFF (`batctl object get` shows it); "
            "`batctl object update OID --synthesis auto` allows it there"
        ),
    ),
    (
        re.compile("never allows this selector"),
        (
            "{receiver} or a parent has it under never (`batctl object get` shows it); "
            "`batctl object update OID --allow {selector}` allows it there"
        ),
    ),
    (re.compile("synthesis is frozen"), "what is written already answers as ever; `batctl thaw --all` ends it"),
    (re.compile("looks misspelled"), "send what is near, or say with --intent or --example what {selector} is to do"),
    (re.compile(r"does not understand [^\s:;]+(; near|$)"), "without `--on-miss never`, one may be written"),
)
_OPTIONS: Mapping[str, str] = {"objectstore": "--objectstore", "synthesizer": "--synthesizer"}
# STORE_UNAVAILABLE tells of the last try alone; one before it, whose answer was lost, may have arrived.
_EFFECT_UNKNOWN = frozenset({"UNREACHABLE", "DEADLINE_EXCEEDED", "STORE_UNAVAILABLE"})


def exit_code(reason: str) -> Exit:
    """The exit code of a failure with this reason."""
    return next((code for code, reasons in _KINDS.items() if reason in reasons), Exit.BUG)


def hint(error: BatosError, words: Sequence[str] = ()) -> str:
    """What to do next, by the reason and the command line's words; empty where nothing is known to help."""
    if told := error.fields.get("hint"):
        return told
    option = _OPTIONS.get(error.fields.get("service", ""), "--address")
    fields = _Fields({"receiver": error.fields.get("object", "RECEIVER"), **error.fields, "option": option})
    advice = _advice(error, words).format_map(fields)
    if error.request_id and error.reason in _EFFECT_UNKNOWN:
        return f"{advice}; send again with --request-id {error.request_id}, so that it takes effect once"
    return advice


def _advice(error: BatosError, words: Sequence[str]) -> str:
    match error.reason:
        case "BAD_ARGUMENTS":
            named = (error.fields.get("field", ""), *words[:1])
            return next((_WRONG[name] for name in named if name in _WRONG), _HINTS[error.reason])
        case "NOT_UNDERSTOOD" | "NOT_PERMITTED":
            return _unwritten(error, words)
        case "SYNTHESIS_PENDING" if error.fields.get("synthesis"):
            return "follow it with `batctl synthesis watch {synthesis}`, or send the same message again to wait for it"
        case "INTERNAL" if "id" in error.fields:
            return "this is a bug: the {service}'s log has the reason under {id}"
        case "DEADLINE_EXCEEDED" if error.trace_id:  # of a message
            return "give it longer with --timeout; whether it took effect is not known"
        case reason:
            return _HINTS.get(reason, "")


def _unwritten(error: BatosError, words: Sequence[str]) -> str:
    if "--dry-run" in words and error.reason == "NOT_UNDERSTOOD":
        return "a dry run lets no method be written: without --dry-run, one may be"
    return next((text for cause, text in _NOT_WRITTEN if cause.search(error.message)), _HINTS[error.reason])


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key.upper()
