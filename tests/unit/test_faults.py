"""What statuses and bodies come to, server by server."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from socket import gaierror

import httpx2
import pytest

from fakes.replies import NO_SCHEMA, TOO_LONG, Raw, Status
from synthesizer.faults import RULES, Cause, Fault, garbage, refused, refuses_schema, retry_after, unreachable


def response(reply: Raw | Status) -> httpx2.Response:
    if isinstance(reply, Raw):
        return httpx2.Response(reply.status, content=reply.body)
    return httpx2.Response(reply.status, json={"error": reply.error, "error_type": reply.error_type})


@pytest.mark.parametrize("server", TOO_LONG)
def test_a_prompt_that_is_too_long_is_told_as_that_by_every_server(server: str) -> None:
    fault = refused(response(TOO_LONG[server]))
    assert fault.cause is Cause.CONTEXT
    assert not refuses_schema(fault)
    assert not fault.rule.again


@pytest.mark.parametrize("server", NO_SCHEMA)
def test_a_form_that_is_not_served_is_told_apart_from_what_is_wrong_with_the_request(server: str) -> None:
    assert refuses_schema(refused(response(NO_SCHEMA[server])))


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, Cause.REQUEST),
        (401, Cause.CREDENTIALS),
        (403, Cause.CREDENTIALS),
        (404, Cause.PATH),
        (413, Cause.CONTEXT),
        (418, Cause.STATUS),
        (422, Cause.REQUEST),
        (424, Cause.GENERATION),
        (429, Cause.BUSY),
        (500, Cause.SERVER),
        (502, Cause.SERVER),
        (503, Cause.SERVER),
        (504, Cause.SERVER),
    ],
)
def test_a_status_has_one_cause(status: int, cause: Cause) -> None:
    fault = refused(httpx2.Response(status))
    assert fault.cause is cause
    assert not refuses_schema(fault)


def test_every_cause_has_a_rule_and_its_own_words() -> None:
    assert set(RULES) == set(Cause)
    assert len({rule.says for rule in RULES.values()}) == len(RULES)


def test_what_is_tried_again_is_tried_elsewhere_too_and_so_is_what_is_sick() -> None:
    for cause, rule in RULES.items():
        assert rule.elsewhere or not (rule.again or rule.sick), cause


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 0), ("7", 7), ("-7", 0), ("7.5", 0), ("soon", 0), ("²", 0), ("9" * 400, 3600), ("Thu, 99 Foo", 0)],
)
def test_a_retry_after_is_read_or_left(text: str, seconds: float) -> None:
    assert retry_after(text) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < retry_after(soon) <= 30
    assert retry_after("Sun, 06 Nov 1994 08:49:37 GMT") == 0
    assert retry_after("Sun, 06 Nov 1994 08:49:37 -0000") == 0


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_why_there_is_no_connection_is_found_below() -> None:
    assert unreachable(caused(OSError(), gaierror(-2, "Name or service not known"))).cause is Cause.HOST
    untrusted = unreachable(caused(OSError(), ssl.SSLError(1, "WRONG_VERSION_NUMBER")))
    assert untrusted.cause is Cause.TLS
    assert unreachable(caused(OSError(), ConnectionRefusedError())).cause is Cause.CONNECTION


@pytest.mark.parametrize(
    ("body", "cause", "said"),
    [
        ("<!DOCTYPE html><p>hi", Cause.PAGE, "<!DOCTYPE"),
        ('data: {"choices": []}\n\ndata: {"error": {"message": "gone"}}\n\n', Cause.STREAM, ": gone"),
        ("data: [DONE]", Cause.STREAM, ": [DONE]"),
        (": ping\n\n", Cause.STREAM, "stream"),
        ("It works!", Cause.GARBAGE, ": It works!"),
        ("", Cause.GARBAGE, "completion"),
    ],
)
def test_what_is_no_completion_tells_what_it_is(body: str, cause: Cause, said: str) -> None:
    fault = garbage(body)
    assert isinstance(fault, Fault)
    assert (fault.cause, said in str(fault)) == (cause, True)
