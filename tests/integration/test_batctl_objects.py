"""`batctl object` and `batctl method` as a new user runs them."""

import json

from google.rpc import code_pb2

from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.values import map_to_wire
from fakes.batctl import batctl
from fakes.scripted_services import (
    Failure,
    Scripted,
    scripted_suite,
)


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
    assert document["methods"] == {"increment": {"active": 1, "latest": 2, "previous": 0}}
    assert document["pins"] == {}


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


async def test_budgets_are_set_and_taken_away_and_the_rest_of_the_policy_stays() -> None:
    before = counter()
    before.definition.policy.CopyFrom(pb.Policy(never=["drop"], tokens_per_hour=0, syntheses_per_hour=7))
    store = Scripted(
        GetObject=lambda _: store_pb.GetObjectResponse(object=before),
        UpdateObject=lambda _: store_pb.UpdateObjectResponse(object=before),
    )
    async with scripted_suite(objectstore=store) as suite:
        shown = await batctl("object", "get", "a", addresses=suite.addresses)
        for options in (["--tokens-per-hour", "5000"], ["--syntheses-per-hour", "none"], ["--tokens-per-hour", "-1"]):
            ran = await batctl("object", "update", "a", *options, addresses=suite.addresses)
            assert ran.code == (2 if "-1" in options else 0)
    assert "policy   never ['drop'], tokens_per_hour 0, syntheses_per_hour 7" in shown.stdout.splitlines()
    first, second = (request.policy for request in store.seen if isinstance(request, store_pb.UpdateObjectRequest))
    assert (first.tokens_per_hour, first.syntheses_per_hour, list(first.never)) == (5000, 7, ["drop"])
    assert (second.tokens_per_hour, second.HasField("tokens_per_hour")) == (0, True)
    assert not second.HasField("syntheses_per_hour")


async def test_a_selector_is_added_to_those_never_written_and_taken_out_again() -> None:
    before = counter()
    before.definition.policy.never.extend(["drop", "purge"])
    store = Scripted(
        GetObject=lambda _: store_pb.GetObjectResponse(object=before),
        UpdateObject=lambda _: store_pb.UpdateObjectResponse(object=before),
    )
    async with scripted_suite(objectstore=store) as suite:
        for options in (["--never", "burn", "--never", "drop"], ["--allow", "drop"], ["--never", "a", "--allow", "a"]):
            ran = await batctl("object", "update", "a", *options, addresses=suite.addresses)
            assert ran.code == (2 if "a" in options else 0)
    updates = [request for request in store.seen if isinstance(request, store_pb.UpdateObjectRequest)]
    assert [list(request.policy.never) for request in updates] == [["drop", "purge", "burn"], ["purge"]]


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
        GetObject=lambda _: store_pb.GetObjectResponse(object=counter()),
        ListObjects=lambda _: store_pb.ListObjectsResponse(objects=[counter()]),
        ListMethods=lambda _: store_pb.ListMethodsResponse(methods=versions),
        ListExamples=lambda _: store_pb.ListExamplesResponse(
            examples=[store_pb.KeptExample(by="ann"), store_pb.KeptExample(by="ann", withdrawn_by="bob")]
        ),
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
    assert [line[:5] for line in history.stdout.splitlines()] == ["-   1", "     ", "*   2", "    3"]
    assert history.stdout.splitlines()[1].strip() == "retired by -"
    assert history.stderr == "examples that the next must pass: 1 (`batctl example list`)\n"


async def test_a_version_is_activated_with_a_person_s_approval_and_retired() -> None:
    store = method_store()
    async with scripted_suite(objectstore=store) as suite:
        command = ["method", "approve", "counter/main", "increment", "3", "--note", "checked"]
        activated = await batctl(*command, addresses=suite.addresses)
        retired = await batctl("method", "retire", "counter/main", "increment", "3", addresses=suite.addresses)
    assert activated.stderr == "version 3 answers counter/main.increment; before, 2 did\n"
    assert (store.seen[0].evidence.level, store.seen[0].evidence.note) == (pb.EVIDENCE_LEVEL_APPROVED, "checked")
    assert retired.stderr == "retired counter/main.increment version 3; none is active\n"
