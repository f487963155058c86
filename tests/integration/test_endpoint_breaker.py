"""Endpoints that are ill for a while, over real HTTP: they are left alone, found again, and not asked too often."""

import asyncio
from dataclasses import replace

import pytest

from fakes import endpoint as fake
from fakes.children import until
from fakes.endpoint import Drop, Hang, Reply, Say, ScriptedEndpoint, Status
from fakes.speaking import ALFRED, always, reaching, refused, say
from synthesizer.breaker import Rule
from synthesizer.endpoints import Patience, Speaker


async def test_an_endpoint_that_fails_on_is_left_alone_and_found_again_when_it_is_well() -> None:
    async with ScriptedEndpoint(always(Status(500))) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            assert (await refused(endpoints)).fields["cause"] == "server_failed"
        told = await refused(endpoints)
        assert told.fields["cause"] == "breaker_open"
        assert "is left alone; it is tried again in" in told.text
        assert 0 < float(told.fields["retry_seconds"]) <= Rule().first_pause
        assert len(server.asked) == Rule().in_a_row
        server.script = always(Say("well"))
        await asyncio.sleep(float(told.fields["retry_seconds"]) + 0.01)
        assert (await say(endpoints)).text == "well"
        assert (await say(endpoints)).text == "well"


async def test_endpoints_with_one_address_are_one_server() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        robin = Speaker("ROBIN", "robin", "robin")
        assert (await refused(endpoints, robin)).fields["cause"] == "breaker_open"


@pytest.mark.parametrize("reply", [fake.BUSY, fake.INVALID, Status(401), Say("")], ids=["429", "422", "401", "empty"])
async def test_an_endpoint_that_answers_is_not_ill_whatever_it_says(reply: Reply) -> None:
    async with ScriptedEndpoint(always(reply)) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row + 1):
            assert (await refused(endpoints)).fields["cause"] != "breaker_open"


async def test_only_one_turn_probes_and_a_probe_that_nobody_waits_for_is_made_by_the_next() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        await asyncio.sleep(Rule().first_pause + 0.01)
        server.script = always(Hang())
        probe = asyncio.create_task(say(endpoints))
        assert await until(lambda: len(server.asked) == Rule().in_a_row + 1)
        next_ = asyncio.create_task(say(endpoints))
        await asyncio.sleep(0.05)
        assert len(server.asked) == Rule().in_a_row + 1
        server.script = always(Say("well"))
        probe.cancel()
        assert (await next_).text == "well"


async def test_a_probe_that_hangs_holds_the_others_up_no_longer_than_their_time() -> None:
    async with (
        ScriptedEndpoint(always(Drop())) as first,
        ScriptedEndpoint(always(Say("instead"))) as second,
        reaching(first, second) as endpoints,
    ):
        for _ in range(Rule().in_a_row):
            await say(endpoints)
        await asyncio.sleep(Rule().first_pause + 0.01)
        first.script = always(Hang())
        probe = asyncio.create_task(say(endpoints, replace(ALFRED, fallback="")))
        assert await until(lambda: len(first.asked) == Rule().in_a_row + 1)
        assert (await say(endpoints)).endpoint == "fallback"
        assert not probe.done()
        probe.cancel()


async def test_those_who_come_during_a_probe_wait_for_what_comes_of_it() -> None:
    async with ScriptedEndpoint(always(Drop())) as server, reaching(server) as endpoints:
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        await asyncio.sleep(Rule().first_pause + 0.01)
        server.script = always(Say("well", seconds=0.1))
        server.most = 0
        said = await asyncio.gather(*(say(endpoints) for _ in range(3)))
        assert [each.text for each in said] == ["well"] * 3
        assert server.most == 2  # the probe alone, then the two others


async def test_what_ends_late_is_not_told_as_a_change(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedEndpoint(always(Say("late", seconds=0.3))) as server, reaching(server) as endpoints:
        late = asyncio.create_task(say(endpoints))
        assert await until(lambda: len(server.asked) == 1)
        server.script = always(Drop())
        for _ in range(Rule().in_a_row):
            await refused(endpoints)
        caplog.clear()
        assert (await late).text == "late"
        assert "answers again" not in caplog.text
        assert "left alone" not in caplog.text


async def test_an_outage_is_not_multiplied_by_retries() -> None:
    patience = Patience(turn=5.0, attempts=3, first_pause=0.001)
    async with ScriptedEndpoint(always(fake.BUSY)) as server, reaching(server, patience=patience) as endpoints:
        told = [await refused(endpoints) for _ in range(30)]
        assert len(server.asked) == 30 + 10
    assert "it was not tried again" in told[-1].text
