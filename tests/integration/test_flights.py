"""Flights and their traces: one synthesis for all who wait, who leaves, who comes late, and a stop in the middle."""

import asyncio
from collections import Counter
from contextlib import aclosing

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import vocabulary
from chassis.telemetry import in_memory
from fakes.endpoint import Asked, Hang, Reply, Say, small_talk
from fakes.synthesis import COUNTER, HONEST, INCREMENT, NS, WRONG, message, synthesizing
from kernel.errors import StoreUnavailable, SynthesisFailed
from kernel.messages import Example
from kernel.objects import Level
from kernel.synthesis import Registered, Started
from objectstore.store import Draft
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Gate:
    """A script that never lets one persona answer, and tells when it asked; all others are honest."""

    def __init__(self, persona: str = "", source: str = HONEST) -> None:
        self.persona, self.source = persona, source
        self.held = asyncio.Event()

    def __call__(self, asked: Asked) -> Reply:
        if asked.persona == self.persona:
            self.held.set()
            return Hang()
        return Say(self.source) if asked.persona == "alfred" else Say(small_talk(asked))


def slowly(asked: Asked) -> Reply:
    """Honest, and slow enough for others to join."""
    return Say(HONEST if asked.persona == "alfred" else small_talk(asked), seconds=0.2)


async def test_fifty_senders_of_one_unknown_message_start_one_synthesis(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, slowly) as rig:
        await rig.put()
        everyone = await asyncio.gather(*(rig.synthesize(message(by=5)) for _ in range(50)))
        assert Counter(asked.persona for asked in rig.endpoint.asked) == {
            "brick": 1,
            "babs": 1,
            "robin": 1,
            "alfred": 3,
        }
        started = [events[0] for events in everyone]
        assert all(isinstance(event, Started) for event in started)
        assert Counter(event.joined for event in started if isinstance(event, Started)) == {False: 1, True: 49}
        assert len({event.synthesis_id for event in started if isinstance(event, Started)}) == 1
        # Whoever joined saw all that the first one saw, from the start.
        assert len({tuple(map(str, events[1:])) for events in everyone}) == 1
        assert [record.method.number for record in await rig.versions()] == [1]


async def test_other_selectors_and_targets_are_other_flights(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, slowly) as rig:
        await rig.put()
        await rig.put("counter/other")
        both = await asyncio.gather(rig.synthesize(message(by=5)), rig.synthesize(message(by=5, to="counter/other")))
        assert {event.joined for events in both for event in events if isinstance(event, Started)} == {False}


async def test_who_leaves_does_not_end_the_flight(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, slowly) as rig:
        await rig.put()
        async with aclosing(rig.client.synthesize(message(by=5))) as events:
            async for event in events:
                assert isinstance(event, Started)
                break
        begun, *_, last = await rig.synthesize(message(by=5))
        assert isinstance(begun, Started)
        assert begun.joined
        assert isinstance(last, Registered)
        assert len(rig.endpoint.by("brick")) == 1


async def test_a_failure_is_told_to_all_who_wait_and_another_ask_is_tried_at_once(sandbox: Sandbox) -> None:
    script = Gate(source=WRONG)
    async with synthesizing(sandbox, script) as rig:
        await rig.put()
        everyone = await asyncio.gather(*(rig.synthesize(message(by=5)) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in everyone] == [SynthesisFailed] * 3
        script.source = HONEST
        assert (await rig.written(message(by=5, intent="adds up"))).method.number == 1


async def test_the_examples_of_those_who_join_before_drafting_gate_too(sandbox: Sandbox) -> None:
    """WRONG passes the first sender's example, and fails the one that the second brings in time."""

    def script(asked: Asked) -> Reply:
        return Say(WRONG) if asked.persona == "alfred" else Say(small_talk(asked), seconds=0.5)

    async with synthesizing(sandbox, script) as rig:
        await rig.put()
        lenient, strict = Example(2, {"count": 0}, (), {"by": 2}), Example(6, {"count": 4}, (), {"by": 2})
        first = asyncio.create_task(rig.synthesize(message(by=5, examples=[lenient])))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(rig.synthesize(message(by=5, examples=[strict, lenient])))
        for outcome in await asyncio.gather(first, second, return_exceptions=True):
            assert isinstance(outcome, SynthesisFailed)
            assert "on {'count': 4}: expected 6, got 2" in outcome.text


async def test_a_stop_in_the_middle_tells_who_waits_and_leaves_nothing_behind(sandbox: Sandbox) -> None:
    gate = Gate("alfred")
    async with synthesizing(sandbox, gate) as rig:
        await rig.put()
        before = await rig.store.get(NS, COUNTER)
        waiting = asyncio.create_task(rig.synthesize(message(by=5)))
        await asyncio.wait_for(gate.held.wait(), 5)
        await rig.flights.close()
        with pytest.raises(StoreUnavailable, match="stopping; send the message again"):
            await waiting
        after = await rig.store.get(NS, COUNTER)
        assert (after.definition, after.definition_revision) == (before.definition, before.definition_revision)
        with pytest.raises(StoreUnavailable, match="stopping"):
            await rig.synthesize(message(by=5))


async def test_a_version_that_another_process_registered_meanwhile_is_the_answer(sandbox: Sandbox) -> None:
    async with synthesizing(sandbox, slowly) as rig:
        await rig.put()
        waiting = asyncio.create_task(rig.synthesize(message(by=5)))
        await asyncio.sleep(0.1)
        theirs = HONEST.replace("by=1", "by=1, unit=None")
        await rig.store.register(NS, Draft(COUNTER, INCREMENT, theirs), activate=True)
        last = (await waiting)[-1]
        assert isinstance(last, Registered)
        assert last.record.method.source == theirs
        assert len(await rig.versions()) == 1


# --- Traces ----------------------------------------------------------------------------------------------------------
def tree(spans: InMemorySpanExporter, root: str) -> dict[str, list[str]]:
    """Parent's name to its children's, below the span of that name; chats by their persona."""
    finished = spans.get_finished_spans()
    names = {span.context.span_id: named(span) for span in finished if span.context}
    below: dict[str, list[str]] = {}
    for span in finished:
        if span.parent is not None:
            below.setdefault(names.get(span.parent.span_id, "?"), []).append(named(span))
    return {name: sorted(children) for name, children in below.items() if name == root or name in below.get(root, [])}


def named(span: ReadableSpan) -> str:
    return span.name


async def test_a_synthesis_is_one_trace(sandbox: Sandbox) -> None:
    telemetry, spans = in_memory()
    async with synthesizing(sandbox, Gate(), telemetry=telemetry) as rig:
        await rig.put()
        record = await rig.written(message(by=5))
    told = tree(spans, "synthesize")
    assert told["panel"] == ["chat babs", "chat brick", "chat robin"]
    assert told["synthesize"] == ["audit"] * 3 + ["chat alfred"] * 3 + ["panel", "register"] + ["trial"] * 3
    assert set(told["trial"]) == {"lookup", "activate"}
    (synthesis,) = [span for span in spans.get_finished_spans() if span.name == vocabulary.SPAN_SYNTHESIZE]
    assert synthesis.context is not None
    assert record.method.provenance.trace_id == f"{synthesis.context.trace_id:032x}"
    attributes = dict(synthesis.attributes or {})
    assert attributes[vocabulary.SYNTHESIS_ID] == record.method.provenance.synthesis_id
    traces = {span.context.trace_id for span in spans.get_finished_spans() if span.context and "chat" in span.name}
    assert traces == {synthesis.context.trace_id}


async def test_who_joins_links_to_the_synthesis_it_waits_for(sandbox: Sandbox) -> None:
    telemetry, spans = in_memory()
    async with synthesizing(sandbox, slowly, telemetry=telemetry) as rig:
        await rig.put()
        await asyncio.gather(*(rig.synthesize(message(by=5)) for _ in range(2)))
    both = [span for span in spans.get_finished_spans() if span.name == vocabulary.SPAN_SYNTHESIZE]
    (waiter,) = [span for span in both if (span.attributes or {}).get(vocabulary.FLIGHT_JOINED)]
    (flight,) = [span for span in both if span is not waiter]
    assert flight.context is not None
    assert waiter.context is not None
    assert [link.context.span_id for link in waiter.links] == [flight.context.span_id]
    assert waiter.context.trace_id != flight.context.trace_id


async def test_the_evidence_is_told_in_the_span_of_the_registration(sandbox: Sandbox) -> None:
    telemetry, spans = in_memory()
    async with synthesizing(sandbox, Gate(), telemetry=telemetry) as rig:
        await rig.put(COUNTER)
        assert (await rig.written(message(by=5))).level is Level.EXAMPLES
    (registered,) = [span for span in spans.get_finished_spans() if span.name == vocabulary.SPAN_REGISTER]
    assert dict(registered.attributes or {}) == {vocabulary.METHOD_VERSION: 1, vocabulary.EVIDENCE: "E2"}
