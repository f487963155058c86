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

from faults.cluster import DISPATCHERS, LINKS, STORES

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
    """A number, the members of etcd, how many senders, and what is done meanwhile."""

    seed: int
    number: int
    members: int
    senders: int
    faults: tuple[Fault, ...]

    @property
    def name(self) -> str:
        """For people: number, members, faults."""
        return f"{self.number:03d}-of-{self.members}-" + "-and-".join(
            f"{each.kind}-{each.target}" for each in self.faults
        )

    @property
    def needs_sound_etcd(self) -> bool:
        """Whether etcd must survive being killed."""
        return any(each.needs_sound_etcd for each in self.faults)


def _kinds(members: int) -> list[tuple[str, str]]:
    """All that can be done, each as often as it should come, in a fixed order."""
    etcd = ["etcd-0"] if members == 1 else ["leader", "follower"]
    found = [(kind, target) for target in etcd for kind in ("kill", "kill", "pause")]
    found += [(kind, target) for target in _SERVICES for kind in ("kill", "drain")]
    found += [("kill", "store-0"), ("pause", "store-0"), ("pause", "dispatcher-0"), ("visit", "dispatcher-3")]
    found += [(kind, link) for link in LINKS for kind in ("cut", "hold", "swallow")]
    return [*found, ("compact", "etcd"), ("crash", "everything"), ("restart", "everything")]


def schedule(seed: int, number: int) -> Schedule:
    """The schedule of a number: two in three with one etcd; the first fault of each goes through all kinds in turn."""
    members = 3 if number % 3 == 2 else 1
    choice = random.Random(f"{seed}/{number}")
    kinds = _kinds(members)
    random.Random(f"{seed}/{members}").shuffle(kinds)
    turn = number // 3 if members == 3 else number - (number + 1) // 3
    picked = [kinds[turn % len(kinds)]]
    if choice.random() < 0.6:
        picked.append(choice.choice([kind for kind in kinds if kind[1] != picked[0][1]]))
    faults = [
        Fault(kind, target, round(choice.uniform(0.8, 3.0), 2), round(choice.uniform(0.1, 2.2), 2))
        for kind, target in picked
    ]
    return Schedule(seed, number, members, choice.choice([5, 8, 12]), tuple(sorted(faults, key=lambda each: each.at)))
