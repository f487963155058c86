"""`batctl send` as a new user runs it: what is on stdout and on stderr, and the exit code by kind."""

import json
from uuid import UUID

import pytest
from google.rpc import code_pb2

from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.values import to_wire
from fakes.batctl import batctl
from fakes.scripted_services import (
    Answer,
    Bug,
    Failure,
    ScriptedDispatcher,
    panel,
    scripted_suite,
)

PANEL = """\
the method is being written for counter/main (synthesis syn-1)
BABS    has spoken       1.5 s    20 tokens
ROBIN   has spoken       1.5 s    20 tokens
BRICK   has spoken       1.5 s    20 tokens
ALFRED  wrote draft 1    1.5 s    20 tokens
  draft 1  BAT102 line 2: imports nothing
ALFRED  wrote draft 2    1.5 s    20 tokens
  draft 2  2 of 2 examples
counter/main.increment version 1  E2  ababababab
"""


def replying(result: object, *, learned: bool = False) -> ScriptedDispatcher:
    method = pb.MethodRef(holder="counter/main", selector="increment", number=1, evidence=pb.EVIDENCE_LEVEL_EXAMPLES)
    reply = dispatcher_pb.Reply(result=to_wire(result), method=method, token="t1", synthesized=learned)
    return ScriptedDispatcher({"increment": [Answer(reply, panel() if learned else ())]})


def failing(reason: str, code: int, text: str = "as the script says", **fields: str) -> ScriptedDispatcher:
    return ScriptedDispatcher({"increment": [Answer(Failure(reason, code, text, fields))]})


async def test_a_hit_prints_the_result_alone() -> None:
    async with scripted_suite(replying({"n": 3, "x": 1.0, "who": b"\x00"})) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == '{"n": 3, "who": {"$bytes": "AA=="}, "x": 1.0}\n'


async def test_arguments_keywords_and_examples_arrive_as_they_were_typed() -> None:
    command = ["send", "counter/main", "increment", "-5", "2.0", '{"$ref": "a/b"}', "--kw", "by=-1", "--intent", "add"]
    command += ["--example", '{"before": {"count": 1}, "result": 2}', "--on-miss", "never", "--install-at", "counter"]
    async with scripted_suite(replying(1)) as suite:
        assert (await batctl(*command, addresses=suite.addresses)).code == 0
    (message,) = suite.dispatcher.seen
    assert [item.WhichOneof("kind") for item in message.arguments] == ["int64_value", "double_value", "reference_value"]
    assert message.arguments[0].int64_value == -5
    assert message.keywords["by"].int64_value == -1
    assert (message.intent, message.install_at, message.on_miss) == ("add", "counter", pb.ON_MISS_NEVER)
    assert message.examples[0].result.int64_value == 2


async def test_a_dry_run_tells_what_would_be_written_beside_the_result() -> None:
    dispatcher = replying(6)
    reply = dispatcher.answers["increment"][0].reply
    assert isinstance(reply, dispatcher_pb.Reply)
    reply.writes.add(id="counter/main").slots.values["count"].int64_value = 6
    async with scripted_suite(dispatcher) as suite:
        ran = await batctl("send", "counter/main", "increment", "--dry-run", addresses=suite.addresses)
        told = await batctl("send", "counter/main", "increment", "--dry-run", "-o", "json", addresses=suite.addresses)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "6\n", 'would write counter/main: {"count": 6}\n')
    assert json.loads(told.stdout)["writes"] == {"counter/main": {"count": 6}}
    assert all(message.dry_run and not message.request_id for message in suite.dispatcher.seen)


async def test_a_miss_tells_the_panel_on_stderr_and_the_result_alone_on_stdout() -> None:
    async with scripted_suite(replying(1, learned=True)) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "1\n", PANEL)


async def test_quiet_tells_nothing_and_verbose_tells_the_trace_and_the_texts() -> None:
    async with scripted_suite(replying(1, learned=True)) as suite:
        quiet = await batctl("send", "counter/main", "increment", "-q", addresses=suite.addresses)
        verbose = await batctl("send", "counter/main", "increment", "-v", addresses=suite.addresses)
    assert (quiet.code, quiet.stdout, quiet.stderr) == (0, "1\n", "")
    assert verbose.stderr.splitlines()[0] == f"trace {suite.dispatcher.traceparents[1].split('-')[1]}"
    assert "    def increment(self):\n        return 1\n" in verbose.stderr


async def test_the_whole_reply_is_one_json_document() -> None:
    async with scripted_suite(replying(1, learned=True)) as suite:
        ran = await batctl("send", "counter/main", "increment", "-o", "json", "-q", addresses=suite.addresses)
    document = json.loads(ran.stdout)
    assert document["result"] == 1
    assert document["synthesized"] is True
    assert document["method"]["evidence"] == "E2"
    assert document["trace"] == suite.dispatcher.traceparents[0].split("-")[1]
    assert document["request_id"] == suite.dispatcher.seen[0].request_id
    assert document["milliseconds"] > 0


@pytest.mark.parametrize(
    ("reason", "code", "exits"),
    [
        ("OBJECT_NOT_FOUND", code_pb2.NOT_FOUND, 4),
        ("METHOD_RAISED", code_pb2.FAILED_PRECONDITION, 6),
        ("ENDPOINT_UNAVAILABLE", code_pb2.UNAVAILABLE, 9),
        ("MOON_TOO_FULL", code_pb2.INTERNAL, 1),
    ],
)
async def test_a_failure_is_one_line_with_its_reason_and_an_exit_code_by_kind(
    reason: str, code: int, exits: int
) -> None:
    async with scripted_suite(failing(reason, code)) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    assert (ran.code, ran.stdout, ran.reason) == (exits, "", reason)
    assert ran.stderr.splitlines()[0] == f"error: {reason}: as the script says"


async def test_a_hint_names_what_the_failure_is_about() -> None:
    raised = failing("METHOD_RAISED", 9, "counter.increment raised", holder="counter", selector="increment")
    async with scripted_suite(raised) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    hint = "hint: nothing was changed; see the method with `batctl method show counter increment`"
    assert ran.stderr.splitlines()[1] == hint


async def test_a_failure_s_text_cannot_move_the_cursor_or_take_a_second_line() -> None:
    async with scripted_suite(failing("METHOD_RAISED", 9, "\x1b[2J\x1b[1;1Hok\nerror: FAKE: \u202eevil")) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    assert ran.reason == "METHOD_RAISED"
    assert "\x1b" not in ran.stderr
    assert "\u202e" not in ran.stderr


@pytest.mark.parametrize("number", [str(1 << 63), "1e999", "[-1e999]"])
async def test_a_number_that_does_not_fit_is_a_bad_value(number: str) -> None:
    ran = await batctl("send", "a", "b", number)
    assert (ran.code, ran.reason) == (3, "BAD_VALUE")
    assert "fit" in ran.stderr.splitlines()[0]


async def test_ctrl_c_stops_a_message_that_waits() -> None:
    slow = ScriptedDispatcher({"increment": [Answer(dispatcher_pb.Reply(), panel()[:3], seconds=60)]})
    async with scripted_suite(slow) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses, interrupt_after=1.5)
        assert (ran.code, ran.reason, ran.stdout) == (130, "INTERRUPTED", "")
    assert slow.cancelled == 1


async def test_a_deadline_tells_that_the_synthesis_goes_on() -> None:
    slow = ScriptedDispatcher({"increment": [Answer(dispatcher_pb.Reply(), synthesis="syn-9", seconds=60)]})
    async with scripted_suite(slow) as suite:
        ran = await batctl("send", "counter/main", "increment", "--timeout", "0.5", addresses=suite.addresses)
    assert (ran.code, ran.reason) == (8, "SYNTHESIS_PENDING")
    assert "syn-9" in ran.stderr


async def test_an_effect_that_is_not_known_tells_the_request_id_to_send_again_with() -> None:
    slow = ScriptedDispatcher({"increment": [Answer(dispatcher_pb.Reply(), seconds=60)]})
    async with scripted_suite(slow) as suite:
        late = await batctl("send", "counter/main", "increment", "--timeout", "0.5", addresses=suite.addresses)
    assert (late.code, late.reason) == (8, "DEADLINE_EXCEEDED")
    assert f"send again with --request-id {slow.seen[0].request_id}" in late.stderr.splitlines()[1]
    gone = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    assert (gone.code, gone.reason) == (9, "UNREACHABLE")
    assert UUID(gone.stderr.partition("send again with --request-id ")[2].partition(",")[0]).version == 7


async def test_a_bug_of_a_service_exits_with_1_and_names_the_id_in_its_log() -> None:
    broken = ScriptedDispatcher({"increment": [Answer(Bug("bug-7"))]})
    async with scripted_suite(broken) as suite:
        ran = await batctl("send", "counter/main", "increment", addresses=suite.addresses)
    assert (ran.code, ran.reason, len(broken.seen)) == (1, "INTERNAL", 1)
    assert ran.stderr.splitlines()[1] == "hint: this is a bug: the dispatcher's log has the reason under bug-7"
