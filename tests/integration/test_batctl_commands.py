"""`batctl` as a new user runs it: what is on stdout and stderr, and the exit code, for everything that can happen."""

import json
from typing import Any

import pytest
from google.rpc import code_pb2

from batos.addresses import Addresses
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.values import map_to_wire, to_wire
from fakes.batctl import batctl
from fakes.scripted_services import (
    Answer,
    Failure,
    Scripted,
    ScriptedDispatcher,
    not_found,
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
        ("BAD_ARGUMENTS", code_pb2.INVALID_ARGUMENT, 3),
        ("BAD_OBJECT_ID", code_pb2.INVALID_ARGUMENT, 3),
        ("NOT_SERVED", code_pb2.UNIMPLEMENTED, 3),
        ("OBJECT_NOT_FOUND", code_pb2.NOT_FOUND, 4),
        ("NOT_UNDERSTOOD", code_pb2.UNIMPLEMENTED, 5),
        ("SYNTHESIS_FAILED", code_pb2.FAILED_PRECONDITION, 5),
        ("METHOD_RAISED", code_pb2.FAILED_PRECONDITION, 6),
        ("CONFLICT", code_pb2.ABORTED, 7),
        ("SYNTHESIS_PENDING", code_pb2.DEADLINE_EXCEEDED, 8),
        ("ENDPOINT_UNAVAILABLE", code_pb2.UNAVAILABLE, 9),
        ("NOT_PERMITTED", code_pb2.PERMISSION_DENIED, 10),
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


async def test_a_service_that_nobody_started_says_how_to_start_it() -> None:
    async with scripted_suite() as suite:
        gone = suite.addresses
    for command in (
        ["send", "a", "b"],
        ["object", "get", "a"],
        ["method", "list", "a"],
        ["audit", "--rules"],
        ["version"],
    ):
        ran = await batctl(*command, addresses=gone)
        assert (ran.code, ran.reason) == (9, "UNREACHABLE"), command
        assert gone.dispatcher in ran.stderr
        assert "batctl up" in ran.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["snd"], "Did you mean 'send'?"),
        (["object", "crate"], "Did you mean 'create'?"),
        (["send", "a", "b", "--itent", "x"], "'--intent'"),
        (["send"], "Missing argument 'OID'"),
        (["send", "a", "b", "hello"], "a string needs its quotes: '\"hello\"'"),
        (["send", "a", "b", '{"a":'], "not JSON"),
        (["send", "a", "b", "--kw", "by"], "'by' is not NAME=JSON"),
        (["send", "a", "b", "--kw", "by=1", "--kw", "by=2"], "the same name twice"),
        (["send", "a", "b", "--example", '{"argz": []}'], "'argz'"),
        (["send", "a", "b", "--examples", "/nonexistent.json"], "No such file"),
        (["send", "a", "b", "--timeout", "0"], "0"),
        (["object", "update", "a", "--slots", "3"], "a JSON object"),
        (["audit"], "a FILE, or --rules"),
        (["audit", "/nonexistent.py"], "No such file"),
    ],
)
async def test_a_wrong_command_line_is_one_line_that_says_what_to_write(command: list[str], says: str) -> None:
    ran = await batctl(*command)
    assert (ran.code, ran.reason, ran.stdout) == (2, "USAGE", "")
    assert says in ran.stderr
    assert "--help" in ran.stderr.splitlines()[1]
    assert len(ran.stderr.splitlines()) == 2


async def test_an_integer_of_more_than_64_bits_is_a_bad_value() -> None:
    ran = await batctl("send", "a", "b", str(1 << 63))
    assert (ran.code, ran.reason) == (3, "BAD_VALUE")


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


def counter(**slots: object) -> pb.Object:
    thing = pb.Object(namespace="default", id="counter/main", incarnation="i1", definition_revision=4, slots_revision=7)
    thing.definition.parents.append("root")
    thing.definition.methods["increment"].CopyFrom(pb.MethodPointer(active=1, latest=2))
    for name, value in map_to_wire(slots).items():
        thing.slots.values[name].CopyFrom(value)
    return thing


async def test_an_object_is_shown_for_people_and_for_programs() -> None:
    store = Scripted(GetObject=lambda _: store_pb.GetObjectResponse(object=counter(count=3)))
    async with scripted_suite(objectstore=store) as suite:
        people = await batctl("object", "get", "counter/main", addresses=suite.addresses)
        programs = await batctl("object", "get", "counter/main", "-o", "json", addresses=suite.addresses)
    assert "slot     count = 3" in people.stdout.splitlines()
    assert "method   increment  version 1 of 2" in people.stdout.splitlines()
    document = json.loads(programs.stdout)
    assert document["slots"] == {"count": 3}
    assert document["methods"] == {"increment": {"active": 1, "latest": 2}}


async def test_an_object_is_created_with_parents_slots_and_policy() -> None:
    store = Scripted(CreateObject=lambda _: store_pb.CreateObjectResponse(object=counter()))
    command = ["object", "create", "counter/main", "--parent", "counter", "--slot", "count=0", "--synthesis", "review"]
    command += ["--min-evidence", "E4", "--never", "drop", "--namespace", "acme"]
    async with scripted_suite(objectstore=store) as suite:
        ran = await batctl(*command, addresses=suite.addresses)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "created counter/main\n")
    (request,) = store.seen
    assert (request.namespace, request.id, list(request.parents)) == ("acme", "counter/main", ["counter"])
    assert request.slots.values["count"].int64_value == 0
    policy = request.policy
    assert (policy.synthesis, policy.min_evidence) == (pb.SYNTHESIS_MODE_REVIEW, pb.EVIDENCE_LEVEL_APPROVED)
    assert list(policy.never) == ["drop"]


async def test_one_slot_is_changed_on_the_state_that_was_read() -> None:
    store = Scripted(
        GetObject=lambda _: store_pb.GetObjectResponse(object=counter(count=3, unit="pc")),
        UpdateObject=lambda _: store_pb.UpdateObjectResponse(object=counter()),
    )
    async with scripted_suite(objectstore=store) as suite:
        ran = await batctl("object", "update", "counter/main", "--slot", "count=4", addresses=suite.addresses)
    assert ran.code == 0
    request: store_pb.UpdateObjectRequest = store.seen[1]
    assert {name: value.WhichOneof("kind") for name, value in request.slots.values.items()} == {
        "count": "int64_value",
        "unit": "string_value",
    }
    assert request.expected_slots_revision == 7
    assert not request.HasField("policy")
    assert not request.HasField("expected_definition_revision")


async def test_a_policy_is_changed_in_the_part_that_is_named() -> None:
    before = counter()
    before.definition.policy.CopyFrom(pb.Policy(synthesis=pb.SYNTHESIS_MODE_OFF, never=["drop"]))
    store = Scripted(
        GetObject=lambda _: store_pb.GetObjectResponse(object=before),
        UpdateObject=lambda _: store_pb.UpdateObjectResponse(object=before),
    )
    async with scripted_suite(objectstore=store) as suite:
        assert (await batctl("object", "update", "a", "--min-evidence", "E1", addresses=suite.addresses)).code == 0
    policy = store.seen[1].policy
    assert (policy.synthesis, policy.min_evidence) == (pb.SYNTHESIS_MODE_OFF, pb.EVIDENCE_LEVEL_AGREED)
    assert list(policy.never) == ["drop"]
    assert store.seen[1].expected_definition_revision == 4


async def test_objects_are_listed_with_what_they_understand() -> None:
    store = Scripted(ListObjects=lambda _: store_pb.ListObjectsResponse(objects=[counter(), pb.Object(id="root")]))
    async with scripted_suite(objectstore=store) as suite:
        ran = await batctl("object", "list", addresses=suite.addresses)
    assert ran.stdout == "counter/main  increment\nroot\n"


async def test_deleting_an_object_with_children_is_refused_with_the_right_code() -> None:
    has_children = Failure("HAS_CHILDREN", code_pb2.FAILED_PRECONDITION, "feed has children")
    async with scripted_suite(objectstore=Scripted(DeleteObject=lambda _: has_children)) as suite:
        ran = await batctl("object", "delete", "feed", addresses=suite.addresses)
    assert (ran.code, ran.reason) == (7, "HAS_CHILDREN")


def version_of(number: int, *, active: bool = False, retired: bool = False) -> pb.MethodVersion:
    parameters = [pb.Parameter(name="by", kind=pb.PARAMETER_KIND_STANDARD, has_default=True)]
    method = pb.MethodVersion(
        holder="counter/main",
        selector="increment",
        number=number,
        source="def increment(self, by=1):\n    return by\n",
        digest="cd" * 32,
        signature=pb.Signature(parameters=parameters),
        active=active,
        retired=retired,
    )
    method.evidence.add(level=pb.EVIDENCE_LEVEL_EXAMPLES, by="synthesizer")
    method.provenance.intent = "add"
    method.provenance.turns.add(persona="ALFRED", output_tokens=40)
    return method


def method_store() -> Scripted:
    versions = [version_of(1, retired=True), version_of(2, active=True), version_of(3)]
    return Scripted(
        ListMethods=lambda _: store_pb.ListMethodsResponse(methods=versions),
        GetMethod=lambda _: store_pb.GetMethodResponse(method=versions[1]),
        ActivateMethod=lambda _: store_pb.ActivateMethodResponse(
            pointer=pb.MethodPointer(active=3, latest=3), before=pb.MethodPointer(active=2, latest=3)
        ),
        RetireMethod=lambda _: store_pb.RetireMethodResponse(pointer=pb.MethodPointer(latest=3)),
    )


async def test_methods_are_listed_shown_and_their_history_told() -> None:
    async with scripted_suite(objectstore=method_store()) as suite:
        listed = await batctl("method", "list", "counter/main", addresses=suite.addresses)
        shown = await batctl("method", "show", "counter/main", "increment", addresses=suite.addresses)
        history = await batctl("method", "history", "counter/main", "increment", addresses=suite.addresses)
    assert listed.stdout == "increment(by=...)  version 2  E2\n"
    lines = shown.stdout.splitlines()
    assert lines[0] == "# counter/main.increment version 2, active, E2"
    assert lines[-2:] == ["def increment(self, by=1):", "    return by"]
    compile(shown.stdout, "shown", "exec")  # it pipes into a file, and into `batctl audit -`
    assert [line[:5] for line in history.stdout.splitlines()] == ["-   1", "*   2", "    3"]


async def test_a_version_is_activated_with_a_person_s_approval_and_retired() -> None:
    store = method_store()
    async with scripted_suite(objectstore=store) as suite:
        command = ["method", "activate", "counter/main", "increment", "3", "--approve", "checked"]
        activated = await batctl(*command, addresses=suite.addresses)
        retired = await batctl("method", "retire", "counter/main", "increment", "3", addresses=suite.addresses)
    assert activated.stderr == "version 3 answers counter/main.increment; before, 2 did\n"
    assert (store.seen[0].evidence.level, store.seen[0].evidence.note) == (pb.EVIDENCE_LEVEL_APPROVED, "checked")
    assert retired.stderr == "retired counter/main.increment version 3; no version answers now\n"


def auditor(*findings: pb.Finding) -> Scripted:
    rule = synthesizer_pb.Rule(
        id="BAT102", severity=pb.SEVERITY_ERROR, reason="a method imports nothing", refused_example="import os"
    )
    return Scripted(
        Audit=lambda _: synthesizer_pb.AuditResponse(findings=findings, passed=not findings),
        ListRules=lambda _: synthesizer_pb.ListRulesResponse(rules=[rule]),
    )


async def test_an_audit_reads_like_a_linter_and_fails_like_one(tmp_path: Any) -> None:
    source = tmp_path / "bad.py"
    source.write_text("import os\n")
    finding = pb.Finding(rule="BAT102", severity=pb.SEVERITY_ERROR, line=1, reason="a method imports nothing")
    async with scripted_suite(synthesizer=auditor(finding)) as suite:
        ran = await batctl("audit", str(source), addresses=suite.addresses)
    assert (ran.code, ran.stderr) == (5, "")
    assert ran.stdout == f"{source}:1: BAT102 error: a method imports nothing\n"


async def test_an_audit_reads_stdin_and_lists_its_rules() -> None:
    synthesizer = auditor()
    async with scripted_suite(synthesizer=synthesizer) as suite:
        passed = await batctl("audit", "-", stdin="def f(self): pass\n", addresses=suite.addresses)
        rules = await batctl("audit", "--rules", addresses=suite.addresses)
    assert (passed.code, passed.stdout) == (0, "")
    assert synthesizer.seen[0].source == "def f(self): pass\n"
    assert rules.stdout == "BAT102  a method imports nothing\n    import os\n"


async def test_the_version_tells_the_jail_wall_by_wall() -> None:
    async with scripted_suite() as suite:
        people = await batctl("version", addresses=suite.addresses)
        programs = await batctl("version", "-o", "json", addresses=suite.addresses)
    assert "jail      partial" in people.stdout
    assert "  + seccomp\n  - landlock  the kernel has none\n" in people.stdout
    assert json.loads(programs.stdout)["jail_level"] == "partial"


async def test_the_addresses_that_up_keeps_are_found_without_any_option(tmp_path: Any) -> None:
    data = tmp_path / "batos"
    data.mkdir()
    async with scripted_suite(replying(7), objectstore=Scripted(GetObject=lambda r: not_found(r.id))) as suite:
        suite.addresses.write(data)
        home = {"XDG_DATA_HOME": str(tmp_path)}
        assert (await batctl("send", "counter/main", "increment", environment=home)).stdout == "7\n"
        assert (await batctl("object", "get", "x", environment=home)).code == 4
        elsewhere = await batctl("send", "a", "b", "--address", "127.0.0.1:1", environment=home)
    assert elsewhere.code == 9


async def test_a_reader_that_has_read_enough_is_no_failure() -> None:
    async with scripted_suite(replying("x" * 1_000_000)) as suite:
        assert (await batctl("send", "counter/main", "increment", addresses=suite.addresses)).code == 0


async def test_help_tells_the_exit_codes_and_shows_examples() -> None:
    top = await batctl("--help")
    assert "  9  a service, a persona's endpoint" in top.stdout
    for command in (["send"], ["object", "create"], ["method", "activate"], ["audit"], ["version"]):
        ran = await batctl(*command, "--help")
        assert ran.code == 0
        assert f"    batctl {' '.join(command)} " in ran.stdout + " ", command


async def test_addresses_in_a_broken_file_are_not_trusted(tmp_path: Any) -> None:
    (tmp_path / "addresses.json").write_text('{"dispatcher": 3')
    assert Addresses.read(tmp_path) == Addresses()
    (tmp_path / "addresses.json").write_text('{"dispatcher": 3, "objectstore": "h:1"}')
    assert Addresses.read(tmp_path) == Addresses(objectstore="h:1")
