"""Why an endpoint gave no answer. Law: every fault has one cause, and the cause alone says what is done about it.

What a cause says of itself, what the reader of the failure can do, and three rules: whether the same endpoint is asked
*again*, whether another (*elsewhere*) might do better, and whether the endpoint is *sick*, which its breaker counts.
What is wrong with a request, or with what is configured, is wrong everywhere, and is not tried twice.
"""

import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, cast

import httpx2

_SHOWN = 200  # characters of a server's own words
_SERVER_ERROR = 500
_LONGEST_AFTER = 3600.0


class Cause(StrEnum):
    """What went wrong, as programs read it: the field `cause` of ENDPOINT_UNAVAILABLE."""

    BUSY = "busy"
    CROWDED = "crowded"
    REQUEST = "request_refused"
    CONTEXT = "context_too_long"
    CREDENTIALS = "credentials"
    MODEL = "model_unknown"
    PATH = "path_unknown"
    STATUS = "unexpected_status"
    GENERATION = "generation_failed"
    SERVER = "server_failed"
    CONNECTION = "connection_refused"
    HOST = "host_unknown"
    TLS = "tls_failed"
    HUNG = "hung"
    SLOW = "too_slow"
    BROKEN = "broken_off"
    GARBAGE = "garbage"
    PAGE = "web_page"
    TOLD = "error_in_answer"
    STREAM = "error_in_stream"
    EMPTY = "empty_answer"
    WITHHELD = "answer_withheld"
    OPEN = "breaker_open"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a cause says and advises, and what is done about it."""

    says: str
    advice: str
    again: bool = False
    elsewhere: bool = False
    sick: bool = False


_LOG = "look into the server's log"
_ELSEWHERE = "set BATOS_PERSONA_URL to a server of /v1/chat/completions"
_SHORTER = "shorten the intent and the examples, or serve a longer context"
_FASTER = "serve a faster model, or raise BATOS_TURN_SECONDS"
_LATER = "send again later, or add servers"

RULES: Final[Mapping[Cause, Rule]] = {
    Cause.BUSY: Rule("is busy", _LATER, again=True, elsewhere=True),
    Cause.CROWDED: Rule(
        "has as many turns under way as it may", f"{_LATER}, or raise BATOS_ENDPOINT_TURNS", elsewhere=True
    ),
    Cause.REQUEST: Rule("does not take the request", "look at what it says of it, and into the server's log"),
    Cause.CONTEXT: Rule("is asked more than its context holds", _SHORTER),
    Cause.CREDENTIALS: Rule("wants other credentials", "set BATOS_PERSONA_KEY"),
    Cause.MODEL: Rule("knows no such model", "set BATOS_PERSONA_MODEL, or the persona's slot `model_id`"),
    Cause.PATH: Rule("knows no such path", _ELSEWHERE),
    Cause.STATUS: Rule("gave no answer", _ELSEWHERE, elsewhere=True),
    Cause.GENERATION: Rule("failed while it generated", _LOG, again=True, elsewhere=True, sick=True),
    Cause.SERVER: Rule("failed", _LOG, again=True, elsewhere=True, sick=True),
    Cause.CONNECTION: Rule(
        "cannot be reached",
        "start it, or set BATOS_PERSONA_URL to one that runs",
        again=True,
        elsewhere=True,
        sick=True,
    ),
    Cause.HOST: Rule(
        "has a host name that is not known",
        "correct BATOS_PERSONA_URL, or the name service",
        again=True,
        elsewhere=True,
        sick=True,
    ),
    Cause.TLS: Rule(
        "cannot be reached over TLS",
        "give it a certificate for its name from an authority that is trusted here (SSL_CERT_FILE), or correct the URL",
        elsewhere=True,
        sick=True,
    ),
    Cause.HUNG: Rule("did not answer", f"{_LOG}; {_FASTER}", elsewhere=True, sick=True),
    Cause.SLOW: Rule("began to answer and did not end", _FASTER, elsewhere=True, sick=True),
    Cause.BROKEN: Rule("broke off its answer", _LOG, again=True, elsewhere=True, sick=True),
    Cause.GARBAGE: Rule("gave no chat completion", _ELSEWHERE, elsewhere=True, sick=True),
    Cause.PAGE: Rule("gave a web page and no chat completion", _ELSEWHERE, elsewhere=True, sick=True),
    Cause.TOLD: Rule("told of an error under status 200", _LOG, again=True, elsewhere=True, sick=True),
    Cause.STREAM: Rule("told of an error inside a stream", _LOG, again=True, elsewhere=True, sick=True),
    # The same seed would say the same nothing.
    Cause.EMPTY: Rule("gave an empty answer", "serve a model that fits its prompt template", elsewhere=True),
    Cause.WITHHELD: Rule("withheld its answer", "serve a model without that filter", elsewhere=True),
    Cause.OPEN: Rule("failed too often of late and is left alone", "mend it: it is tried by itself", elsewhere=True),
}


class Fault(Exception):
    """Why an attempt failed. `after` is how many seconds the endpoint wants to be left alone; 0: it does not say."""

    def __init__(self, cause: Cause, detail: str = "", after: float = 0.0) -> None:
        super().__init__(f"{RULES[cause].says}{detail}")
        self.cause, self.rule, self.detail, self.after = cause, RULES[cause], detail, after


_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|size|window)|exceed_context|max_new_tokens|max_(?:completion_)?tokens.{0,40}at least 1"
    r"|must have less than|(?:prompt|input).{0,40}too long",
    re.IGNORECASE | re.DOTALL,
)
_NO_MODEL = re.compile(
    r"(?:model|adapter)\b.{0,120}(?:not (?:exist|found|loaded)|unknown)|no such model", re.IGNORECASE
)
_OF_SCHEMA = re.compile(r"response_format|json_schema|schema|grammar|guided|structured", re.IGNORECASE)
# 413 is what proxies say of a body that is too long; llama.cpp said 500 before it said 400.
_OF_REQUEST = frozenset({400, 413, 422})
_STATUSES: Mapping[int, Cause] = {
    400: Cause.REQUEST,
    401: Cause.CREDENTIALS,
    403: Cause.CREDENTIALS,
    404: Cause.PATH,
    405: Cause.PATH,
    413: Cause.CONTEXT,
    422: Cause.REQUEST,
    424: Cause.GENERATION,  # TGI's
    429: Cause.BUSY,
}


def refused(response: httpx2.Response) -> Fault:
    """The fault that a status tells of."""
    status, text = response.status_code, response.text
    cause = _STATUSES.get(status, Cause.SERVER if status >= _SERVER_ERROR else Cause.STATUS)
    if status in {400, 404, 422} and _NO_MODEL.search(text):
        cause = Cause.MODEL
    elif status in {*_OF_REQUEST, _SERVER_ERROR} and _TOO_LONG.search(text):
        cause = Cause.CONTEXT
    return Fault(cause, f" ({status}{said(text)})", retry_after(response.headers.get("retry-after", "")))


def refuses_schema(fault: Fault) -> bool:
    """Whether a request was refused for the form that it asks the answer to have."""
    return fault.cause is Cause.REQUEST and bool(_OF_SCHEMA.search(fault.detail))


def retry_after(text: str) -> float:
    """The seconds of a Retry-After, which may be a date; 0 where it is neither, an hour at most."""
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_AFTER)
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # no date, or one without a zone
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_AFTER)


def unreachable(error: BaseException) -> Fault:
    """No connection: nothing listens there, or not yet; no such name; no trust."""
    for each in _causes(error):
        if isinstance(each, socket.gaierror):
            return Fault(Cause.HOST)
        if isinstance(each, ssl.SSLError):
            return Fault(Cause.TLS, f" ({_line(_distrust(each))})")
    return Fault(Cause.CONNECTION)


def timed_out(seconds: float, received: int) -> Fault:
    """The turn's time is over, with so many bytes of an answer there."""
    if received:
        return Fault(Cause.SLOW, f" within {seconds:g} s ({received} bytes came)")
    return Fault(Cause.HUNG, f" within {seconds:g} s")


def garbage(text: str) -> Fault:
    """The answer is no chat completion; what it is tells why."""
    body = text.strip()
    if body.startswith("<"):
        return Fault(Cause.PAGE, said(body))
    if body.startswith(("data:", "event:", ":")):
        return Fault(Cause.STREAM, said(_failing_event(body)))
    return Fault(Cause.GARBAGE, said(body))


def said(text: str) -> str:
    """A server's own words, one line of them: TGI's `error`, OpenAI's `error.message`, vLLM's `message`, or all."""
    body = text.strip()
    try:
        told: object = json.loads(body)
        for name in ("error", "message", "detail"):
            if isinstance(told, dict) and name in told:
                told = cast("dict[str, object]", told)[name]
    except (ValueError, RecursionError):
        told = body
    line = _line(told if isinstance(told, str) else json.dumps(told, default=str))
    return f": {line[:_SHOWN]}" if line else ""


def _line(told: object) -> str:
    # JSON can spell half of a pair, which no status can carry.
    return " ".join(str(told).split()).encode(errors="replace").decode()


def _failing_event(stream: str) -> str:
    events = [line.removeprefix("data:").strip() for line in stream.splitlines() if line.startswith("data:")]
    return next((event for event in events if '"error"' in event), "".join(events[:1]))


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _distrust(error: ssl.SSLError) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
