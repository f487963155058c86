"""One message is one trace over all services. The tree is asserted as names, indented by depth, children in order."""

import asyncio
from collections.abc import Sequence

import pytest

from batos.client import Client
from batos.examples import Example
from batos.local.spans import Span, TraceFolder
from batos.local.suite import Suite
from fakes.endpoint import ScriptedEndpoint, answering

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT = "def count(self):\n    self.n = getattr(self, 'n', 0) + 1\n    self._p_changed = True\n    return self.n\n"
# What the tree of a message is about; other reads of the store may come and go.
TOLD = {"lookup", "synthesize", "panel", "audit", "trial", "register", "activate", "commit", "Txn"}


async def trace_of(suite: Suite, trace_id: str) -> Sequence[Span]:
    trace = await asyncio.to_thread(TraceFolder(suite.data).find, trace_id, wait=15.0)
    assert trace is not None
    return trace.spans


def tree(spans: Sequence[Span]) -> list[str]:
    """The told spans by name, indented by how deep they are among the told ones."""
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.start):
        children.setdefault(span.parent_id, []).append(span)
    ids = {span.span_id for span in spans}
    roots = [span for span in spans if span.parent_id not in ids]
    lines: list[str] = []

    def walk(span: Span, depth: int) -> None:
        told = span.name in TOLD or span.name.startswith(("chat ", "batos.v1.Dispatcher/", "batos.v1.Synthesizer/"))
        told = told or span.name in {"batos.v1.ObjectStore/Commit", "batos.v1.ObjectStore/RegisterMethod"}
        if told:
            lines.append("  " * depth + f"{span.service} {span.name}")
        for child in children.get(span.span_id, []):
            walk(child, depth + told)

    for root in roots:
        walk(root, 0)
    return lines


async def test_a_miss_is_one_trace_over_all_services(suite: Suite, endpoint: ScriptedEndpoint, client: Client) -> None:
    endpoint.script = answering({"count": [COUNT]})
    await client.objects.create("miss/trace")
    examples = [Example(1), Example(3, before={"n": 2})]
    reply = await client.send("miss/trace", "count", intent="Count.", examples=examples)
    lines = tree(await trace_of(suite, reply.trace_id))
    assert lines[0] == "dispatcher batos.v1.Dispatcher/Send"
    where = {line.strip(): len(line) - len(line.lstrip()) for line in reversed(lines)}
    synthesize = where["synthesizer synthesize"]
    assert where["dispatcher lookup"] < synthesize
    assert where["synthesizer panel"] == synthesize + 2
    for persona in ("brick", "babs", "robin"):
        assert where[f"synthesizer chat {persona}"] == synthesize + 4
    assert where["synthesizer chat alfred"] == synthesize + 2
    assert where["synthesizer audit"] == where["synthesizer trial"] == where["synthesizer register"] == synthesize + 2
    assert where["objectstore batos.v1.ObjectStore/RegisterMethod"] > where["synthesizer register"]
    assert lines.count("  dispatcher activate") == 1
    assert lines.index("  dispatcher activate") > lines.index(next(line for line in lines if "register" in line))
    assert where["dispatcher commit"] == 2
    commit = lines.index("    dispatcher batos.v1.ObjectStore/Commit")
    assert lines[commit : commit + 3] == [
        "    dispatcher batos.v1.ObjectStore/Commit",
        "      objectstore batos.v1.ObjectStore/Commit",
        "        objectstore Txn",
    ]


async def test_the_first_three_personas_speak_at_the_same_time(
    suite: Suite, endpoint: ScriptedEndpoint, client: Client
) -> None:
    endpoint.script = answering({"count": [COUNT]})
    await client.objects.create("panel/trace")
    reply = await client.send("panel/trace", "count", intent="Count.", examples=[Example(1)])
    spans = {span.name: span for span in await trace_of(suite, reply.trace_id)}
    three = [spans[f"chat {persona}"] for persona in ("brick", "babs", "robin")]
    assert max(span.start for span in three) < min(span.end for span in three)
    assert spans["chat alfred"].start > max(span.end for span in three)


async def test_a_hit_has_neither_a_synthesis_nor_a_chat(
    suite: Suite, endpoint: ScriptedEndpoint, client: Client
) -> None:
    endpoint.script = answering({"count": [COUNT]})
    await client.objects.create("hit/trace")
    await client.send("hit/trace", "count", intent="Count.", examples=[Example(1)])
    reply = await client.send("hit/trace", "count")
    lines = tree(await trace_of(suite, reply.trace_id))
    assert lines == [
        "dispatcher batos.v1.Dispatcher/Send",
        "  dispatcher lookup",
        "  dispatcher activate",
        "  dispatcher commit",
        "    dispatcher batos.v1.ObjectStore/Commit",
        "      objectstore batos.v1.ObjectStore/Commit",
        "        objectstore Txn",
    ]


async def test_a_prompt_a_source_or_an_argument_is_in_no_span(
    suite: Suite, endpoint: ScriptedEndpoint, client: Client
) -> None:
    secret = "hunter2-in-the-intent"
    source = f"def keep(self, x):\n    y = '{secret}'\n    self._p_changed = True\n    return x\n"
    endpoint.script = answering({"keep": [source]})
    await client.objects.create("secret/trace", slots={"token": secret})
    reply = await client.send("secret/trace", "keep", secret, intent=secret, examples=[Example("a", arguments=["a"])])
    assert secret not in repr(await trace_of(suite, reply.trace_id))


async def test_the_endpoint_is_told_the_trace(suite: Suite, endpoint: ScriptedEndpoint, client: Client) -> None:
    endpoint.script = answering({"count": [COUNT]})
    await client.objects.create("told/trace")
    endpoint.asked.clear()
    reply = await client.send("told/trace", "count", intent="Count.", examples=[Example(1)])
    assert endpoint.asked
    assert {asked.headers["traceparent"].split("-")[1] for asked in endpoint.asked} == {reply.trace_id}
