"""An own does_not_understand: what no object on the path has a method for, tried before anything is spent."""

import asyncio

import pytest

from fakes.request_ids import request_id
from fakes.rig import INCREMENT, NS, PUMP, Rig
from kernel.errors import (
    BadArguments,
    ExamplesDisagree,
    LimitExceeded,
    MethodRaised,
    NotUnderstood,
    RequestIdReused,
    SynthesisFailed,
)
from kernel.messages import Example, OnMiss
from kernel.objects import Selector
from kernel.values import Reference
from objectstore.store import Draft

pytestmark = pytest.mark.asyncio(loop_scope="module")

ECHO = """def does_not_understand(self, selector, arguments, keywords):
    self.heard = getattr(self, "heard", 0) + 1
    self._p_changed = True
    return [selector, arguments, keywords]
"""
ONLY_GET = """def does_not_understand(self, selector, arguments, keywords):
    self.heard = getattr(self, "heard", 0) + 1
    self._p_changed = True
    if not selector.startswith("get_"):
        raise LookupError(selector)
    return getattr(self, "count", None)
"""
PROXY = """def does_not_understand(self, selector, arguments, keywords):
    self._p_changed = True
    return self.send(self.to, selector, *arguments, **keywords)
"""


async def test_it_is_given_the_selector_the_arguments_and_the_keywords(rig: Rig) -> None:
    await rig.put(PUMP, ECHO)
    reply = await rig.send("spin", 1, [2], keywords={"by": "x"})
    assert reply.result == ["spin", [1, [2]], {"by": "x"}]
    assert (reply.method.selector, reply.method.holder, reply.synthesized) == ("does_not_understand", PUMP, False)
    assert await rig.slots(PUMP) == {"heard": 1}
    assert rig.synthesizer.asked == []


async def test_it_answers_though_no_method_may_be_written_and_in_a_dry_run(rig: Rig) -> None:
    await rig.put(PUMP, ECHO)
    assert (await rig.send("spin", on_miss=OnMiss.NEVER)).result == ["spin", [], {}]
    reply = await rig.send("spin", dry_run=True)
    assert reply.writes == {PUMP: {"heard": 2}}
    assert await rig.slots(PUMP) == {"heard": 1}


async def test_it_is_inherited_and_a_method_of_the_selector_goes_first(rig: Rig) -> None:
    await rig.put("pump", ECHO)
    await rig.put(PUMP, INCREMENT, parents=["pump"])
    assert (await rig.send("increment")).result == 1
    assert (await rig.send("spin")).method.holder == "pump"


async def test_one_that_declines_leaves_nothing_and_the_method_is_written(rig: Rig) -> None:
    await rig.put(PUMP, ONLY_GET, count=3)
    rig.synthesizer.sources["increment"] = INCREMENT
    assert (await rig.send("get_it")).result == 3
    reply = await rig.send("increment")
    assert (reply.result, reply.synthesized, reply.method.selector) == (4, True, "increment")
    assert await rig.slots(PUMP) == {"count": 4, "heard": 1}
    with pytest.raises(NotUnderstood, match="near selectors: increment"):
        await rig.send("incremet", on_miss=OnMiss.NEVER)


async def test_a_mistake_of_its_own_is_told_and_nothing_is_spent(rig: Rig) -> None:
    await rig.put(PUMP, "def does_not_understand(self, selector, arguments, keywords):\n    return {}[selector]\n")
    with pytest.raises(MethodRaised) as raised:
        await rig.send("spin")
    assert (raised.value.exception, raised.value.selector) == ("KeyError", "does_not_understand")
    assert rig.synthesizer.asked == []


async def test_one_of_another_signature_is_a_failure_that_names_it(rig: Rig) -> None:
    await rig.put(PUMP, "def does_not_understand(self, selector):\n    return selector\n")
    with pytest.raises(BadArguments, match="does_not_understand"):
        await rig.send("spin")
    assert rig.synthesizer.asked == []


async def test_it_may_pass_the_message_on_and_all_commits_together(rig: Rig) -> None:
    await rig.put("tank", INCREMENT, count=1)
    await rig.put(PUMP, PROXY, to=Reference("tank"))
    assert (await rig.send("increment", 4)).result == 5
    assert await rig.slots("tank") == {"count": 5}
    with pytest.raises(SynthesisFailed):
        await rig.send("spin")
    assert rig.synthesizer.asked[0].receiver == "tank"  # whose method is missing


async def test_a_nested_send_is_answered_by_it_and_a_decline_misses_the_nested_message(rig: Rig) -> None:
    ask = "def ask(self, to, what):\n    self._p_changed = True\n    return to.send(what)\n"
    await rig.put("tank", ONLY_GET, count=7)
    await rig.put(PUMP, ask)
    assert (await rig.send("ask", Reference("tank"), "get_count")).result == 7
    assert await rig.slots("tank") == {"count": 7, "heard": 1}
    with pytest.raises(SynthesisFailed):
        await rig.send("ask", Reference("tank"), "increment")
    assert (rig.synthesizer.asked[0].receiver, rig.synthesizer.asked[0].selector) == ("tank", "increment")


async def test_the_next_holders_is_asked_by_resend_and_where_there_is_none_it_declines(rig: Rig) -> None:
    above = ECHO.replace("return [", "return ['above', ").replace("heard", "above")
    mine = (
        "def does_not_understand(self, selector, arguments, keywords):\n"
        "    self._p_changed = True\n    return self.resend(selector, arguments, keywords)\n"
    )
    await rig.put("pump", above)
    await rig.put(PUMP, mine, parents=["pump"])
    await rig.put("tank", mine)
    assert (await rig.send("spin", 1)).result == ["above", "spin", [1], {}]
    with pytest.raises(NotUnderstood):
        await rig.send("spin", to="tank", on_miss=OnMiss.NEVER)


async def test_one_that_sends_what_it_does_not_understand_itself_ends_at_the_limit(rig: Rig) -> None:
    await rig.put(
        PUMP,
        "def does_not_understand(self, selector, arguments, keywords):\n"
        "    self._p_changed = True\n    return self.more(selector)\n",
    )
    with pytest.raises(LimitExceeded):
        await rig.send("spin")
    assert rig.synthesizer.asked == []


async def test_it_never_answers_by_an_old_absence(rig: Rig) -> None:
    await rig.put(PUMP, ECHO, count=0)
    assert (await rig.send("increment")).result == ["increment", [], {}]
    await rig.store.register(NS, Draft(PUMP, Selector("increment"), INCREMENT), activate=True)
    assert (await rig.send("increment")).result == 1


async def test_it_takes_effect_once_for_a_request(rig: Rig) -> None:
    await rig.put(PUMP, ECHO)
    name = request_id()
    replies = [await rig.send("spin", request_id=name) for _ in range(2)]
    assert [reply.replayed for reply in replies] == [False, True]
    assert await rig.slots(PUMP) == {"heard": 1}


async def test_a_request_that_it_answered_is_not_answered_again_by_a_method_that_came_later(rig: Rig) -> None:
    await rig.put(PUMP, ECHO, count=0)
    name = request_id()
    first = await rig.send("increment", request_id=name)
    await rig.store.register(NS, Draft(PUMP, Selector("increment"), INCREMENT), activate=True)
    again = await rig.send("increment", request_id=name)
    assert (again.result, again.replayed) == (first.result, True)
    assert await rig.slots(PUMP) == {"count": 0, "heard": 1}
    with pytest.raises(RequestIdReused):
        await rig.send("increment", 2, request_id=name)


async def test_one_that_sends_to_its_own_object_again_sees_what_that_left(rig: Rig) -> None:
    await rig.put(
        PUMP,
        "def does_not_understand(self, selector, arguments, keywords):\n"
        "    self.n = getattr(self, 'n', 0) + 1\n    self._p_changed = True\n"
        "    return [self.n, self.inner(), self.n] if selector == 'outer' else self.n\n",
    )
    assert (await rig.send("outer")).result == [1, 2, 2]
    assert await rig.slots(PUMP) == {"n": 2}


async def test_messages_that_it_answers_and_others_to_the_same_object_all_take_effect(rig: Rig) -> None:
    await rig.put(PUMP, ECHO, INCREMENT, count=0)
    await asyncio.gather(*(rig.send("spin" if number % 2 else "increment") for number in range(40)))
    assert await rig.slots(PUMP) == {"count": 20, "heard": 20}
    assert rig.synthesizer.asked == []


async def test_examples_of_the_message_are_checked_on_its_answer(rig: Rig) -> None:
    await rig.put(PUMP, ONLY_GET, count=3)
    fits, differs = Example(5, before={"count": 5}), Example(6, before={"count": 5})
    assert (await rig.send("get_it", examples=(fits,))).result == 3
    with pytest.raises(ExamplesDisagree, match="expected 6, got 5"):
        await rig.send("get_it", examples=(differs,))
    assert await rig.slots(PUMP) == {"count": 3, "heard": 1}


async def test_an_example_of_one_selector_says_nothing_of_another(rig: Rig) -> None:
    await rig.put(PUMP, ECHO)
    example = Example(["one", [], {}])
    assert (await rig.send("one", examples=(example,))).result == ["one", [], {}]
    with pytest.raises(ExamplesDisagree):
        await rig.send("two", examples=(example,))
