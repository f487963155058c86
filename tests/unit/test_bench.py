"""What the benchmark computes: frames, ratios, trends, profiles."""

from dataclasses import replace

import pytest

from batos.v1 import dispatcher_pb2 as pb
from batos.v1 import object_pb2 as obj
from bench.clusters import together
from bench.content import messages, requests
from bench.drive import Figure
from bench.goals import GOALS, Goal
from bench.jobs import shares
from bench.profile import summary
from bench.roads import pipelined, varint
from bench.rows import ROWS, chosen
from bench.soak import HOUR, trend
from bench.subjects import sends


def figure(rate: float, p50: float = 0.001, p99: float = 0.01) -> Figure:
    return Figure(rate, p50, p99, count=int(rate), cpu={}, share={}, others=0.0, failures={})


def goal(name: str) -> Goal:
    return next(each for each in GOALS if each.name.startswith(name))


def test_a_frame_put_together_from_bytes_is_the_frame_of_the_contract() -> None:
    sent = [obj.Message(receiver=f"a/{number}", selector="x" * number) for number in (0, 1, 127, 128, 300)]
    frame = b"".join(pipelined(number, message.SerializeToString()) for number, message in enumerate(sent, 126))

    read = pb.PipelineRequest.FromString(frame)

    assert [each.id for each in read.sends] == [126, 127, 128, 129, 130]
    assert [each.message for each in read.sends] == sent


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16_384, 2**63])
def test_numbers_are_written_as_protobuf_writes_them(number: int) -> None:
    assert pb.PipelinedSend.FromString(b"\x08" + varint(number)).id == number


def test_a_ratio_is_of_rows_that_were_measured_in_the_same_round() -> None:
    rounds = {"read-unary": [figure(50), figure(500), figure(9)], "echo-unary": [figure(100), figure(1000), figure(10)]}

    assert goal("read-only").of(rounds) == [0.5, 0.5, 0.9]
    assert goal("read-only").verdict(0.9) == "at least reached"


def test_a_ratio_needs_answers_on_both_sides() -> None:
    assert goal("read-only").of({"read-unary": [figure(50)]}) == []
    assert goal("read-only").of({"read-unary": [figure(50)], "echo-unary": [figure(0)]}) == []


def test_the_stream_is_compared_with_the_most_that_etcd_gave() -> None:
    rounds = {"durable-stream-64": [figure(120)], "etcd-cas": [figure(80)], "etcd-cas-3": [figure(100)]}

    assert goal("durable, batched stream").of(rounds) == [1.2]


def test_one_message_at_a_time_is_compared_with_an_echo_and_a_cas_after_one_another() -> None:
    rounds = {
        "durable-unary-1": [figure(1, p50=0.006)],
        "echo-unary-1": [figure(1, p50=0.001)],
        "etcd-cas-1": [figure(1, p50=0.002)],
    }

    assert goal("durable p50").of(rounds) == [pytest.approx(2)]
    assert [goal("durable p50").verdict(value) for value in (1.4, 2, 2.1)] == [
        "aim reached",
        "at least reached",
        "NOT REACHED",
    ]


def test_the_cost_of_tracing_is_what_is_lost_by_it() -> None:
    rounds = {"traced-unary-64": [figure(98)], "durable-unary-64": [figure(100)]}

    assert goal("cost of tracing at 1 %, % of the rate").of(rounds) == [pytest.approx(2)]


@pytest.mark.parametrize(("whole", "parts"), [(64, 3), (64, 16), (2, 3), (1, 1)])
def test_what_is_in_flight_is_divided_so_that_nothing_is_lost(whole: int, parts: int) -> None:
    assert len(shares(whole, parts)) == parts
    assert sum(shares(whole, parts)) == whole
    assert max(shares(whole, parts)) - min(shares(whole, parts)) <= 1


def test_connections_are_spread_over_the_addresses_and_each_address_has_one() -> None:
    (row,) = chosen(("hot-stream-3",), quick=False)

    load = sends(row, "a:1", "b:2")
    assert (load.target, load.beside) == ("a:1", ("b:2", "a:1"))
    assert sends(replace(row, connections=1), "a:1", "b:2").beside == ("b:2",)


def test_dispatchers_are_together_once_each_knows_all_and_no_others() -> None:
    logs = {"a": "the members are x, y; this is x", "b": "the members are x; this is y"}
    assert together(logs.values()) is None
    logs["b"] += "\nthe members are x, y, z; this is y"
    assert together(logs.values()) is None
    logs["b"] += "\nthe members are x, y; this is y"
    assert together(logs.values()) == ["x", "y"]


def test_every_goal_is_between_rows_that_there_are() -> None:
    assert {row for goal in GOALS for row in goal.rows} <= {row.name for row in ROWS}
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_mix_sends_twenty_selectors_and_each_message_has_room_for_a_request_id() -> None:
    (mix,) = chosen(("mix-unary",), quick=False)

    assert len({message.selector for message in messages(mix)}) == 20
    assert all(pb.SendRequest.FromString(each).message.request_id for each in requests(mix))


def test_a_size_that_grows_steadily_is_found_and_noise_is_not() -> None:
    steady = [(second, 1e6 + second * 100) for second in range(0, 300, 10)]
    noisy = [(second, 1e6 + (second * 7919 % 101) * 1000) for second in range(0, 300, 10)]

    assert trend(steady).slope == pytest.approx(100 * HOUR)
    assert trend(steady).grows
    assert not trend(noisy).grows


def test_a_profile_tells_the_time_in_a_function_apart_from_that_in_what_it_runs() -> None:
    told = summary("main (a.py:1);work (a.py:7) 30\nmain (a.py:2);work (a.py:9) 60\nmain (a.py:3) 10\n")

    itself, below = told.split("\n\n")
    assert itself.splitlines()[1:] == [" 90.0%  work (a.py)", " 10.0%  main (a.py)"]
    assert below.splitlines()[1:] == ["100.0%  main (a.py)", " 90.0%  work (a.py)"]
