"""Syntheses as a program and as a person follow them: the client library and batctl, over real gRPC."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from google.rpc import code_pb2

from batos import blocking, errors
from batos.addresses import Addresses
from batos.client import Client
from batos.examples import Example
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from fakes.batctl import Ran, batctl
from fakes.scripted_services import Answer, Event, Failure, ScriptedDispatcher, panel, registered, scripted_suite, spoke
from fakes.syntheses import OwnSyntheses

PENDING = Failure("SYNTHESIS_PENDING", code_pb2.DEADLINE_EXCEEDED, "being written", {"synthesis": "s1"})


@dataclass
class Suite:
    """What serves, and a client of it."""

    own: OwnSyntheses
    client: Client
    addresses: Addresses

    async def batctl(self, *arguments: str) -> Ran:
        return await batctl(*arguments, addresses=self.addresses)


@asynccontextmanager
async def serving() -> AsyncGenerator[Suite]:
    own, dispatcher = OwnSyntheses(), ScriptedDispatcher({"increment": [Answer(PENDING)]})
    async with scripted_suite(dispatcher, synthesizer=own) as suite, Client(suite.addresses) as client:
        yield Suite(own, client, suite.addresses)


async def test_a_miss_that_is_not_waited_for_names_a_synthesis_to_watch() -> None:
    async with serving() as suite:
        kept = suite.own.begin("s1")
        with pytest.raises(errors.SynthesisPending) as pending:
            await suite.client.send("counter/main", "increment", on_miss="async")
        seen: list[Event] = []
        began = asyncio.Event()

        def tell(event: Event) -> None:
            seen.append(event)
            began.set()

        watching = asyncio.create_task(suite.client.syntheses.watch(pending.value.fields["synthesis"], tell))
        await began.wait()
        kept.tell(spoke("BRICK", "a spec"), registered())
        assert (await watching).number == 1
    assert [event.WhichOneof("event") for event in seen] == ["started", "turn_finished", "registered"]


async def test_a_watch_that_breaks_off_goes_on_where_it_was() -> None:
    async with serving() as suite:
        suite.own.begin("s1").tell(spoke("BRICK", "a spec"), spoke("BABS", "nothing"), registered())
        suite.own.break_after = 2
        seen: list[Event] = []
        await suite.client.syntheses.watch("s1", seen.append)
    assert suite.own.watched_after == [0, 2]
    assert len(seen) == 4


async def test_a_watch_that_breaks_off_in_a_turn_that_tells_nothing_for_long_goes_on_too() -> None:
    async with serving() as suite:
        suite.own.begin("s1").tell(spoke("BRICK", "a spec"), registered())
        suite.own.begin("evolution").tell(registered())
        patient = replace(suite.client.syntheses, patience=0.7)
        suite.own.break_after, suite.own.quiet = 1, 0.9
        assert (await patient.watch("s1")).number == 1
        suite.own.break_after = 1
        assert (await patient.evolve("counter/main", "increment")).number == 1
    assert suite.own.watched_after == [0, 1, 1]


async def test_who_waits_no_longer_is_told_which_synthesis_goes_on() -> None:
    async with serving() as suite:
        suite.own.begin("s1")
        suite.own.begin("evolution")
        for waiting in (
            suite.client.syntheses.watch("s1", timeout=0.3),
            suite.client.syntheses.evolve("counter/main", "increment", timeout=0.3),
        ):
            with pytest.raises(errors.SynthesisPending) as pending:
                await waiting
            assert pending.value.fields["synthesis"] in {"s1", "evolution"}
        ran = await suite.batctl("method", "evolve", "counter/main", "increment", "--timeout", "0.5")
    assert (ran.code, ran.reason) == (8, "SYNTHESIS_PENDING")
    assert "`batctl synthesis watch evolution`" in ran.stderr


async def test_a_watch_of_a_synthesizer_that_stays_away_ends_when_patience_does() -> None:
    async with serving() as suite:
        suite.own.begin("s1")
        async with Client(replace(suite.addresses, synthesizer="127.0.0.1:1")) as client:
            began = time.monotonic()
            with pytest.raises(errors.Unreachable):
                await replace(client.syntheses, patience=1.2).watch("s1")
    assert 0.5 <= time.monotonic() - began < 5


async def test_who_watches_a_synthesis_that_is_cancelled_is_told_so() -> None:
    async with serving() as suite:
        suite.own.begin("s1")
        watching = asyncio.create_task(suite.client.syntheses.watch("s1"))
        ended = await suite.client.syntheses.cancel("s1")
        with pytest.raises(errors.SynthesisCancelled):
            await watching
        again = await suite.client.syntheses.cancel("s1")
        with pytest.raises(errors.SynthesisNotFound):
            await suite.client.syntheses.get("s2")
    assert ended.state == again.state == synthesizer_pb.SYNTHESIS_STATE_CANCELLED


async def test_syntheses_are_listed_over_pages_by_state_the_newest_first() -> None:
    async with serving() as suite:
        for number in range(5):
            suite.own.begin(f"s{number}")
        suite.own.kept["s1"].tell(registered())
        syntheses = suite.client.syntheses
        everything = [each.id for each in await syntheses.list()]
        running = [each.id for each in await syntheses.list(["running"])]
        newest = [each.id for each in await syntheses.list(limit=3)]
    assert everything == ["s4", "s3", "s2", "s1", "s0"]
    assert running == ["s4", "s3", "s2", "s0"]
    assert newest == ["s4", "s3", "s2"]


async def test_a_better_version_is_waited_for_though_the_stream_breaks_off() -> None:
    async with serving() as suite:
        suite.own.begin("evolution").tell(spoke("ALFRED", "def increment(self): ...", 1), registered())
        suite.own.break_after = 2
        seen: list[Event] = []
        method = await suite.client.syntheses.evolve(
            "counter/main", "increment", 2, intent="faster", examples=[Example(3)], on_event=seen.append
        )
        (asked,) = suite.own.asked
    assert (method.number, len(seen)) == (1, 3)
    assert (asked.message.receiver, asked.message.intent, len(asked.message.examples)) == ("counter/main", "faster", 1)


async def test_code_without_asyncio_has_the_same_syntheses() -> None:
    async with serving() as suite:
        suite.own.begin("s1").tell(registered())

        def ask() -> tuple[int, int]:
            with blocking.connect(synthesizer=suite.addresses.synthesizer) as client:
                return client.syntheses.watch("s1").number, client.syntheses.get("s1").state

        assert await asyncio.to_thread(ask) == (1, synthesizer_pb.SYNTHESIS_STATE_SUCCEEDED)


# --- batctl ---


async def test_send_async_is_pending_and_says_how_to_follow_it() -> None:
    async with serving() as suite:
        ran = await suite.batctl("send", "counter/main", "increment", "--async")
        waited = await suite.batctl("send", "counter/main", "increment", "--on-miss", "never")
    assert (ran.code, ran.stdout, ran.reason) == (8, "", "SYNTHESIS_PENDING")
    assert "`batctl synthesis watch s1`" in ran.stderr
    assert waited.code == 8


async def test_watch_shows_the_panel_as_send_does_and_the_version_on_stdout() -> None:
    async with serving() as suite:
        suite.own.begin("s1").tell(*panel()[1:])
        ran = await suite.batctl("synthesis", "watch", "s1")
        told = await suite.batctl("synthesis", "watch", "s1", "-o", "json", "-v")
    assert (ran.code, ran.stdout) == (0, "counter/main.increment version 1  E2\n")
    assert ran.stderr.splitlines()[0] == "the method is being written for counter/main (synthesis s1)"
    assert ran.stderr.splitlines()[-1] == "counter/main.increment version 1  E2  ababababab"
    assert "  draft 2  2 of 2 examples" in ran.stderr
    assert json.loads(told.stdout)["number"] == 1
    assert "    def increment(self):" in told.stderr


async def test_watch_fails_as_the_synthesis_did() -> None:
    async with serving() as suite:
        text = "drafts differ for [3]"
        suite.own.begin("s1").fail(Failure("EXAMPLES_NEEDED", code_pb2.FAILED_PRECONDITION, text))
        ran = await suite.batctl("synthesis", "watch", "s1")
        shown = await suite.batctl("synthesis", "get", "s1")
        told = json.loads((await suite.batctl("synthesis", "get", "s1", "-o", "json")).stdout)
    assert (ran.code, ran.reason) == (5, "EXAMPLES_NEEDED")
    assert shown.stdout.splitlines()[-1] == f"  EXAMPLES_NEEDED: {text}"
    assert (told["state"], told["failure"]["reason"], told["intent"]) == (
        "failed",
        "EXAMPLES_NEEDED",
        "raise the count",
    )


async def test_list_and_cancel_tell_where_each_synthesis_stands() -> None:
    async with serving() as suite:
        suite.own.begin("s1").tell(registered())
        suite.own.begin("s2", "wink")
        cancelled = await suite.batctl("synthesis", "cancel", "s2")
        listed = await suite.batctl("synthesis", "list")
        failed = await suite.batctl("synthesis", "list", "--state", "cancelled", "-o", "json")
        none = await suite.batctl("synthesis", "get", "s3")
    assert cancelled.stdout.startswith("s2  cancelled")
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [["s2", "cancelled"], ["s1", "succeeded"]]
    assert [each["id"] for each in json.loads(failed.stdout)] == ["s2"]
    assert (none.code, none.reason) == (4, "SYNTHESIS_NOT_FOUND")


async def test_evolve_streams_events_and_prints_the_version() -> None:
    compared = synthesizer_pb.CallsCompared(calls=3, alike=2, differences=["[0]: 1, before 0"])
    async with serving() as suite:
        suite.own.begin("evolution").tell(Event(compared=compared), registered())
        command = ["method", "evolve", "counter/main", "increment", "-2", "--intent", "refuse zero"]
        ran = await suite.batctl(*command, "--example", '{"args": [0], "result": 1}')
        (asked,) = suite.own.asked
    assert (ran.code, ran.stdout) == (0, "counter/main.increment version 1  E2\n")
    assert "  2 of 3 recorded calls are answered as before\n    [0]: 1, before 0\n" in ran.stderr
    assert (asked.message.arguments[0].int64_value, asked.message.intent) == (-2, "refuse zero")
    assert asked.message.examples[0].result.int64_value == 1
