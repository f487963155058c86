"""Why an endpoint gave no answer. Law: the cause, then what to do; and only what may pass by itself is tried again."""

import json
from collections.abc import Mapping
from typing import cast

import httpx2

_SHOWN = 200  # characters of a server's own words
_SERVER_ERROR = 500
_LOG = "look into the server's log"
_ELSEWHERE = "set BATOS_PERSONA_URL to a server of /v1/chat/completions"
_SHORTER = "shorten the intent and the examples, or serve a longer context"


class Fault(Exception):
    """Why an attempt failed, what to do, and whether it may pass by itself (after so many seconds)."""

    def __init__(self, cause: str, advice: str, *, again: bool = False, after: float = 0.0) -> None:
        super().__init__(cause)
        self.cause, self.advice, self.again, self.after = cause, advice, again, after


# What a status means, what to do, and whether it is tried again. 424 is TGI's for a generation that failed.
_STATUSES: Mapping[int, tuple[str, str, bool]] = {
    400: ("does not take the request", _SHORTER, False),
    401: ("wants other credentials", "set BATOS_PERSONA_KEY", False),
    403: ("wants other credentials", "set BATOS_PERSONA_KEY", False),
    404: ("knows no such model or path", "set BATOS_PERSONA_MODEL or BATOS_PERSONA_URL", False),
    413: ("does not take the request", _SHORTER, False),
    422: ("does not take the request", _SHORTER, False),
    424: ("failed while it generated", _LOG, True),
    429: ("is busy", "send again later, or add servers", True),
}


def refused(response: httpx2.Response) -> Fault:
    """The fault that a status tells of."""
    failed = ("failed", _LOG, True) if response.status_code >= _SERVER_ERROR else ("gave no answer", _ELSEWHERE, False)
    cause, advice, again = _STATUSES.get(response.status_code, failed)
    after = response.headers.get("retry-after", "")
    return Fault(
        f"{cause} ({response.status_code}{said(response.text)})",
        advice,
        again=again,
        after=float(after) if after.isdecimal() else 0.0,
    )


def unreachable() -> Fault:
    """Nothing listens there, or not yet."""
    return Fault("cannot be reached", "start it, or set BATOS_PERSONA_URL to one that runs", again=True)


def broken_off(how: str) -> Fault:
    """The connection ended before the answer did."""
    return Fault(f"broke off its answer ({how})", _LOG, again=True)


def timed_out(seconds: float) -> Fault:
    """The turn's time is over."""
    return Fault(f"did not answer within {seconds:g} s", "serve a faster model, or raise BATOS_TURN_SECONDS")


def garbage(text: str) -> Fault:
    """The answer is no chat completion; an error that came with status 200 is one such."""
    return Fault(f"gave no chat completion{said(text)}", _ELSEWHERE)


def said(text: str) -> str:
    """A server's own words, one line of them: TGI's `error`, OpenAI's `error.message`, an event of a stream, or all."""
    body = text.strip().removeprefix("data:").strip()
    try:
        error: object = cast("dict[str, object]", json.loads(body))["error"]
        if isinstance(error, dict):
            error = cast("dict[str, object]", error)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        error = body
    # JSON can spell half of a pair, which no status can carry.
    line = " ".join(str(error).split()).encode(errors="replace").decode()
    return f": {line[:_SHOWN]}" if line else ""
