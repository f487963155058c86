"""`batctl` on a store: what persons decide (approve, reject, examples), and what stops syntheses."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from batos import blocking
from batos.addresses import Addresses
from batos.examples import Example, Raises
from fakes.batctl import Ran, batctl
from fakes.stores import in_memory, serving
from kernel.errors import ObjectNotFound
from kernel.messages import Failure
from kernel.objects import (
    DEFAULT_NAMESPACE,
    SYSTEM_NAMESPACE,
    EffectSet,
    Evidence,
    Level,
    MethodPointer,
    ObjectId,
    Policy,
    Provenance,
    Selector,
    Synthesis,
)
from objectstore.store import Draft, NewObject, Store

NS = DEFAULT_NAMESPACE
VAT, RATE = ObjectId("policy/eu-vat"), Selector("rate_for")
SWITCH = ObjectId("synthesis")
SOURCE = "def rate_for(self, order):\n    return {rate}\n"
FIRST = '{"args": [{"land": "DE"}], "result": 19}'
SECOND = '{"before": {"n": 1}, "args": [], "kw": {"by": 2.5}, "error": "METHOD_RAISED", "exception": "KeyError"}'


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    """`policy/eu-vat` has two versions of `rate_for` that wait for a person."""
    async with in_memory() as kept:
        await kept.store.create(NS, NewObject(VAT, policy=Policy(Synthesis.REVIEW, tokens_per_hour=9)))
        proofs = [Evidence(Level.AUDITED, "synthesizer", 1.0), Evidence(Level.EXAMPLES, "synthesizer", 2.0, "2 of 2")]
        for rate in (19, 20):
            draft = Draft(
                VAT,
                RATE,
                SOURCE.format(rate=rate),
                Provenance("ann", "VAT", parent=rate - 19, adopted="root.rate_for@4" if rate == 20 else ""),
                evidence=proofs,
                effects=EffectSet(("rates",), (), ("*",)),
            )
            await kept.store.register(NS, draft, activate=False)
        yield kept.store


@pytest.fixture
async def addresses(store: Store) -> AsyncGenerator[Addresses]:
    async with serving(store) as address:
        yield Addresses(objectstore=str(address))


async def ran(addresses: Addresses, *arguments: str) -> Ran:
    return await batctl(*arguments, addresses=addresses)


async def document(addresses: Addresses, *arguments: str) -> Any:
    done = await ran(addresses, *arguments, "-o", "json")
    assert done.code == 0, done.stderr
    return json.loads(done.stdout)


async def test_an_approval_is_evidence_and_an_activation_at_once(store: Store, addresses: Addresses) -> None:
    before = (await store.get(NS, VAT)).token.revision
    done = await ran(addresses, "method", "approve", VAT, RATE, "2", "--note", "checked by finance")
    assert (done.code, done.stderr) == (0, "version 2 answers policy/eu-vat.rate_for; before, none did\n")
    record, token = await store.method(NS, VAT, RATE, 0)
    assert (record.method.number, record.level, token.revision) == (2, Level.APPROVED, before + 1)
    proof = max(record.evidence, key=lambda each: each.level)
    assert (proof.by, proof.note) == ("local", "checked by finance")
    history = (await ran(addresses, "method", "history", VAT, RATE)).stdout.splitlines()
    assert history[0].startswith("    1  E0 E2  ")
    assert history[1].startswith("*   2  E0 E2 E4  ")
    assert history[2].strip().startswith("E4 approved by local, ")
    assert history[2].endswith(": checked by finance")


async def test_a_rejected_version_never_answers_and_says_who_rejected_it_and_why(
    store: Store, addresses: Addresses
) -> None:
    done = await ran(addresses, "method", "reject", VAT, RATE, "2", "--reason", "rounds down")
    assert done.stderr == "rejected policy/eu-vat.rate_for version 2; no version answers\n"
    assert (await store.get(NS, VAT)).definition.methods[RATE] == MethodPointer(0, 2)
    (first, second) = await document(addresses, "method", "history", VAT, RATE)
    assert (first["retirement"], first["retired"]) == (None, False)
    assert (second["retirement"]["by"], second["retirement"]["reason"]) == ("local", "rounds down")
    lines = (await ran(addresses, "method", "history", VAT, RATE)).stdout.splitlines()
    assert lines[-1].strip().startswith("retired by local, ")
    assert lines[-1].endswith(": rounds down")
    refused = await ran(addresses, "method", "approve", VAT, RATE, "2")
    assert (refused.code, refused.reason) == (4, "METHOD_NOT_FOUND")
    assert (await store.method(NS, VAT, RATE, 2))[0].level is Level.EXAMPLES
    assert await document(addresses, "method", "reject", VAT, RATE, "1") == {"active": 0, "rejected": 1}


async def test_a_version_is_shown_with_its_proofs_its_origin_and_what_it_touches(addresses: Addresses) -> None:
    shown = (await ran(addresses, "method", "show", VAT, RATE, "--number", "2")).stdout
    lines = shown.splitlines()
    assert "# taken unchanged from root.rate_for@4" in lines
    assert "# to better version 1" in lines
    assert "# reads rates; writes nothing; sends *" in lines
    assert any(line.startswith("# E2 by synthesizer, ") and line.endswith(": 2 of 2") for line in lines)
    compile(shown, "shown", "exec")
    found = await document(addresses, "method", "show", VAT, RATE, "--number", "2")
    assert found["effects"] == {"reads": ["rates"], "writes": [], "sends": ["*"]}
    assert (found["provenance"]["parent"], found["provenance"]["adopted"]) == (1, "root.rate_for@4")


async def test_examples_are_added_listed_and_withdrawn(store: Store, addresses: Addresses, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(f"[{SECOND}]")
    added = await ran(addresses, "example", "add", VAT, RATE, FIRST, FIRST, "--examples", str(file))
    assert (added.code, added.stderr) == (0, "2 examples are kept for policy/eu-vat.rate_for\n")
    kept = {each.digest: each for each in (await store.kept(NS, VAT, RATE))[0]}
    assert {each.by for each in kept.values()} == {"local"}
    assert [each.example.outcome for each in kept.values() if each.example.before] == [
        Failure("METHOD_RAISED", "KeyError")
    ]
    listed = await document(addresses, "example", "list", VAT, RATE)
    told = {each["digest"]: each["example"] for each in listed}
    assert told.keys() == kept.keys()
    assert json.loads(FIRST) in told.values()
    assert {key: value for key, value in json.loads(SECOND).items() if value} in told.values()
    digest = next(digest for digest, example in told.items() if "result" in example)
    taken = await ran(addresses, "example", "withdraw", VAT, RATE, digest[:9])
    assert taken.stderr == f"example {digest[:12]} of policy/eu-vat.rate_for is withdrawn by local\n"
    lines = (await ran(addresses, "example", "list", VAT, RATE)).stdout.splitlines()
    assert {line[0] for line in lines} == {"-", " "}
    assert [line.endswith("withdrawn by local") for line in lines if line[0] == "-"] == [True]
    again = await ran(addresses, "example", "add", VAT, RATE, json.dumps(told[digest]))
    assert again.stderr == "2 examples are kept for policy/eu-vat.rate_for\n"
    history = await ran(addresses, "method", "history", VAT, RATE)
    assert history.stderr == "examples that the next must pass: 2 (`batctl example list`)\n"


async def test_what_is_wrong_with_an_example_is_told_with_what_to_do(addresses: Addresses) -> None:
    nothing = await ran(addresses, "example", "list", VAT, RATE)
    assert (nothing.code, nothing.stdout) == (0, "")
    assert nothing.stderr == "no example is kept for policy/eu-vat.rate_for\n"
    none = await ran(addresses, "example", "withdraw", VAT, RATE, "abc")
    assert (none.code, none.reason) == (3, "BAD_ARGUMENTS")
    assert "has no example whose digest begins with 'abc'" in none.stderr
    assert "batctl example list policy/eu-vat rate_for" in none.stderr
    only = await ran(addresses, "example", "add", VAT, RATE, FIRST)
    assert only.stderr == "1 example is kept for policy/eu-vat.rate_for\n"
    unset = await ran(addresses, "example", "withdraw", VAT, RATE, "")
    assert (unset.code, unset.reason) == (3, "BAD_ARGUMENTS")
    assert [each["withdrawn_by"] for each in await document(addresses, "example", "list", VAT, RATE)] == [""]
    nobody = await ran(addresses, "example", "add", "nobody", RATE, FIRST)
    assert (nobody.code, nobody.reason) == (4, "OBJECT_NOT_FOUND")
    bad = await ran(addresses, "example", "add", VAT, RATE, FIRST, '{"result": 1, "tolerance": -1}')
    assert bad.reason == "BAD_EXAMPLE"
    assert "example 2: a tolerance is a number from 0" in bad.stderr
    many = json.dumps([{"args": [number], "result": 1} for number in range(101)])
    full = await ran(addresses, "example", "add", VAT, RATE, many)
    assert (full.code, full.reason) == (7, "LIMIT_EXCEEDED")
    assert "withdraw some" in full.stderr


async def test_an_object_is_frozen_and_thawed_and_the_rest_of_its_policy_stays(
    store: Store, addresses: Addresses
) -> None:
    frozen = await ran(addresses, "freeze", VAT)
    said = "froze policy/eu-vat: nothing is written until `batctl thaw policy/eu-vat`\n"
    assert (frozen.code, frozen.stderr) == (0, said)
    assert (await store.get(NS, VAT)).definition.policy == Policy(Synthesis.OFF, tokens_per_hour=9)
    assert (await ran(addresses, "thaw", VAT)).stderr == "thawed policy/eu-vat: synthesis as its parents say\n"
    assert (await store.get(NS, VAT)).definition.policy == Policy(Synthesis.UNSET, tokens_per_hour=9)
    assert (await ran(addresses, "thaw", VAT, "--synthesis", "review")).code == 0
    assert (await store.get(NS, VAT)).definition.policy.synthesis is Synthesis.REVIEW
    assert (await ran(addresses, "freeze", "nobody")).reason == "OBJECT_NOT_FOUND"


async def test_the_kill_switch_is_made_where_it_is_missing_and_keeps_what_else_is_there(
    store: Store, addresses: Addresses
) -> None:
    with pytest.raises(ObjectNotFound):
        await store.get(SYSTEM_NAMESPACE, SWITCH)
    stopped = await ran(addresses, "freeze", "--all")
    assert stopped.stderr == "froze everything: nothing is written until `batctl thaw --all`\n"
    made = await store.get(SYSTEM_NAMESPACE, SWITCH)
    assert (made.slots, made.definition.policy.synthesis) == ({"frozen": True}, Synthesis.OFF)
    assert (await ran(addresses, "thaw", "--all")).stderr.startswith("thawed: syntheses begin again")
    assert (await store.get(SYSTEM_NAMESPACE, SWITCH)).slots == {"frozen": False}


async def test_a_program_without_asyncio_does_all_of_it_too(store: Store, addresses: Addresses) -> None:
    def decide() -> list[object]:
        with blocking.connect(objectstore=addresses.objectstore) as client:
            client.examples.add(VAT, RATE, [Example(19, arguments=[1]), Example(Raises(), arguments=[2])], by="ann")
            (one, two) = client.examples.list(VAT, RATE)
            client.examples.withdraw(VAT, RATE, one.digest, by="bob")
            client.methods.approve(VAT, RATE, 1, by="ann", note="fine")
            client.methods.retire(VAT, RATE, 2, by="ann", reason="late")
            client.switch.freeze()
            return [Example.from_wire(two.example).outcome, client.switch.frozen()]

    outcome, frozen = await asyncio.to_thread(decide)
    assert (outcome in {19, Raises()}, frozen) == (True, True)
    assert sorted(each.withdrawn_by for each in (await store.kept(NS, VAT, RATE))[0]) == ["", "bob"]
    retired = (await store.method(NS, VAT, RATE, 2))[0].retirement
    assert retired is not None
    assert (retired.by, retired.reason) == ("ann", "late")
