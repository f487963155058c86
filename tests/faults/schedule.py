"""What is done to a cluster, and when. Law: a schedule follows from its seed and number alone.

| kind    | to                        | what                                                                        |
|---------|---------------------------|-----------------------------------------------------------------------------|
| kill    | anything, leader, follower | kill -9, and a new start after a while                                     |
| pause   | anything, leader, follower | SIGSTOP, and SIGCONT after a while                                         |
| drain   | a service                 | a graceful stop, and a new start at once                                    |
| visit   | a fourth dispatcher       | it joins, works for a while and leaves                                      |
| compact | etcd                      | everything before now is forgotten                                          |
| cut     | a link                    | its connections break, again and again                                      |
| hold    | a link                    | requests are held and arrive when the connection is gone, again and again   |
| swallow | a link                    | answers are lost, then the connections, again and again                     |
| crash   | everything                | all of it is killed at once and starts again                                |
| restart | everything                | all of it stops in order and starts again                                   |
"""

import random
from dataclasses import dataclass
from typing import Final

from faults.cluster import DISPATCHERS, LINKS, STORES, Shape

KILLS_ETCD: Final = frozenset({"etcd-0", "leader", "follower", "everything"})
_SERVICES: Final = (*STORES, *DISPATCHERS)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is done: at which second of the load, and for how many seconds."""

    kind: str
    target: str
    at: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:.2f} s: {self.kind} {self.target} for {self.seconds:.2f} s"

    @property
    def needs_sound_etcd(self) -> bool:
        """Whether etcd must survive being killed."""
        return self.kind in {"kill", "crash"} and self.target in KILLS_ETCD


@dataclass(frozen=True, slots=True)
class Schedule:
    """A number, the shape of the cluster, how many senders, and what is done meanwhile."""

    seed: int
    number: int
    shape: Shape
    senders: int
    faults: tuple[Fault, ...]

    @property
    def name(self) -> str:
        """For people: number, etcd, faults."""
        etcd = "guarded" if self.shape.guarded else f"of-{self.shape.members}"
        return f"{self.number:03d}-{etcd}-" + "-and-".join(f"{each.kind}-{each.target}" for each in self.faults)

    @property
    def needs_sound_etcd(self) -> bool:
        """Whether etcd must survive being killed."""
        return any(each.needs_sound_etcd for each in self.faults)


# One etcd, one of three members, one that asks for logins: how often each comes in six schedules.
SHAPES: Final = (Shape(), Shape(), Shape(3), Shape(), Shape(guarded=True), Shape(3))


def _kinds(shape: Shape) -> list[tuple[str, str]]:
    """All that can be done, each as often as it should come, in a fixed order."""
    etcd = ["etcd-0"] if shape.members == 1 else ["leader", "follower"]
    found = [(kind, target) for target in etcd for kind in ("kill", "kill", "pause")]
    found += [(kind, target) for target in _SERVICES for kind in ("kill", "drain")]
    found += [("kill", "store-0"), ("pause", "store-0"), ("pause", "dispatcher-0"), ("visit", "dispatcher-3")]
    found += [(kind, link) for link in LINKS for kind in ("cut", "hold", "swallow")]
    found += [("crash", "everything"), ("restart", "everything")]
    return found if shape.guarded else [*found, ("compact", "etcd"), ("compact", "etcd")]


def schedule(seed: int, number: int) -> Schedule:
    """The schedule of a number. Over the schedules of one shape, the first fault goes through all kinds in turn."""
    shape = SHAPES[number % len(SHAPES)]
    choice = random.Random(f"{seed}/{number}")
    kinds = _kinds(shape)
    random.Random(f"{seed}/{shape}").shuffle(kinds)
    turn = sum(SHAPES[each % len(SHAPES)] == shape for each in range(number))
    picked = [kinds[turn % len(kinds)]]
    if choice.random() < 0.6:
        picked.append(choice.choice([kind for kind in kinds if kind[1] != picked[0][1]]))
    faults = [
        Fault(kind, target, round(choice.uniform(0.8, 3.0), 2), round(choice.uniform(0.1, 2.2), 2))
        for kind, target in picked
    ]
    ordered = tuple(sorted(faults, key=lambda each: each.at))
    return Schedule(seed, number, shape, choice.choice([8, 16, 24]), ordered)
