"""Which draft is registered, and when the caller is asked. Law: drafts that passed are compared by what they did.

Passing the examples is not being right: of the drafts of a small model that passed two examples one in seven was wrong.
What was right is mostly written again by another draft, and what is wrong is mostly wrong in its own way, so drafts are
written until enough of them agree. Drafts *agree* that did the same on every input; the largest group that agrees is
registered by its shortest member. One *dissents* that answers an input otherwise. One that only raises where another
answers, on an input that nobody vouches for, does neither: no caller said what must come of it.

Groups are counted in *opinions*. A small model writes the same source twice, right or wrong, so a source that comes
again is no second opinion, only the third time it is one.

Where no group has a clear majority nothing is registered, and the caller is told the smallest input on which the
drafts differ: an example of it decides.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kernel.errors import ExamplesNeeded
from kernel.messages import Example, Failure, Message
from kernel.objects import Level
from synthesizer import rendering
from synthesizer.bare import bare
from synthesizer.trial import Choice, Tried

# Every threshold of a selection; `make eval` judges them (docs/adr/0016-selection.md).
WAVES = 3  # of drafts at most: the first, and two of repair or of more opinions
ENOUGH = 2  # opinions: two that pass the examples and agree on all else were both right
ENOUGH_WITHOUT = 3  # drafts, without examples: nothing but agreement speaks for them then
LEAD = 2  # more opinions than dissent, to write no more drafts; a lead of one turns with the next
LEAST_AGAINST_DISSENT = 2  # one opinion against another is a guess
ALONE_NEEDS = 2  # examples, for a draft that nothing speaks for but them; one example is passed by chance too often
LEAST_SHARE = 0.5  # of all that passed: where less agree the message can be understood in many ways
LEAST_COMMON = 0.5  # of what one answers another must answer too, to speak for it though it raises elsewhere


@dataclass(frozen=True, slots=True)
class Group:
    """Drafts that did the same on every input, the one to register first.

    `opinions` is how many different sources agree, and those that come a third time or more once more for each.
    """

    members: tuple[Tried, ...]
    opinions: int

    @property
    def best(self) -> Tried:
        """Its shortest member, of those that touch least beyond BRICK's spec."""
        return self.members[0]

    @property
    def size(self) -> int:
        """How many agree."""
        return len(self.members)

    def rank(self) -> tuple[int, int, int, int, int, int]:
        """The smaller, the better: the largest, by ROBIN's properties, then that which answers most."""
        best = self.best
        return (
            -self.opinions,
            -best.held,
            best.behaviour.count(""),
            len(best.beyond),
            len(best.draft.source),
            best.draft.index,
        )

    def dissents(self, other: "Group") -> bool:
        """Whether the two answer an input otherwise."""
        pairs = zip(self.best.behaviour, other.best.behaviour, strict=True)
        return any(one and two and one != two for one, two in pairs)

    def supports(self, other: "Group") -> bool:
        """Whether it speaks for the other: it never answers otherwise, and answers most of what the other does."""
        answered = [index for index, seen in enumerate(other.best.behaviour) if seen]
        common = sum(bool(self.best.behaviour[index]) for index in answered)
        return not self.dissents(other) and common >= LEAST_COMMON * len(answered)


@dataclass(frozen=True, slots=True)
class Poll:
    """How the drafts that passed stand to each other: the leading group, and what speaks for it and against it."""

    leader: Group
    others: tuple[Group, ...]
    passed: int

    @property
    def support(self) -> int:
        """How many opinions speak for the leader, its own included."""
        return sum(each.opinions for each in self._supporters)

    @property
    def _supporters(self) -> tuple[Group, ...]:
        return (self.leader, *(each for each in self.others if each.supports(self.leader)))

    @property
    def against(self) -> tuple[Group, ...]:
        """The groups that dissent, the strongest first."""
        return tuple(each for each in self.others if each.dissents(self.leader))

    @property
    def is_enough(self) -> bool:
        """Whether no more drafts are needed."""
        if not self.leader.best.total and sum(each.size for each in self._supporters) < ENOUGH_WITHOUT:
            return False
        most_against = max((each.opinions for each in self.against), default=0)
        return self.is_clear and self.support >= ENOUGH and self.support - most_against >= LEAD

    @property
    def is_clear(self) -> bool:
        """Whether the leader has a clear majority. Between equals of two or more ROBIN's properties decide."""
        if not self.against:
            return True
        first, second = self.leader, self.against[0]
        leads = (first.opinions, first.best.held) > (second.opinions, second.best.held)
        every = first.opinions + sum(each.opinions for each in self.others)
        return leads and first.opinions >= LEAST_AGAINST_DISSENT and self.support >= LEAST_SHARE * every


def poll(tried: Sequence[Tried]) -> Poll | None:
    """The groups of those that passed; None where none did."""
    groups: dict[tuple[str, ...], list[Tried]] = {}
    for each in tried:
        if not each.failure:
            groups.setdefault(each.behaviour, []).append(each)
    if not groups:
        return None
    ranked = sorted((_group(members) for members in groups.values()), key=Group.rank)
    return Poll(ranked[0], tuple(ranked[1:]), sum(each.size for each in ranked))


def _group(members: Sequence[Tried]) -> Group:
    ranked = sorted(members, key=lambda each: (len(each.beyond), len(each.draft.source), each.draft.index))
    return Group(tuple(ranked), _opinions(Counter(each.draft.source for each in members)))


def _opinions(written: Mapping[str, int]) -> int:
    times: Counter[str] = Counter()
    for source, count in written.items():
        # A lone source is an opinion however it is spelled; and reading one takes a millisecond.
        times[" ".join(bare(source).split()) if len(written) > 1 else ""] += count
    return sum(max(1, each - 1) for each in times.values())


def enough(tried: Sequence[Tried]) -> bool:
    """Whether enough drafts agree to write no more."""
    found = poll(tried)
    return found is not None and found.is_enough


def choose(tried: Sequence[Tried], message: Message) -> Choice | None:
    """The draft to register; None where none passed. Raises ExamplesNeeded where they disagree."""
    found = poll(tried)
    if found is None:
        return None
    if not found.is_clear:
        raise _apart(message, found)
    if found.support == 1 and 0 < found.leader.best.total < ALONE_NEEDS:
        raise _alone(message, found.leader)
    leader, best = found.leader, found.leader.best
    levels = [Level.AUDITED]
    if leader.opinions > 1:
        levels.append(Level.AGREED)
    if best.total:
        levels.append(Level.EXAMPLES)
    return Choice(best, leader.size, tuple(levels), found.passed, len(found.against))


def _apart(message: Message, found: Poll) -> ExamplesNeeded:
    """Asks with the smallest input on which the two strongest differ, and what each makes of it."""
    first, second = found.leader, found.against[0]
    pairs = enumerate(zip(first.best.behaviour, second.best.behaviour, strict=True))
    apart = [index for index, (one, two) in pairs if one and two and one != two]
    at = min(apart, key=lambda index: (len(_send(message, first.best.inputs[index])), index))
    one, two = _result(first.best, at), _result(second.best, at)
    told = f"{first.size} give {one}, {second.size} give {two}"
    return _asked(message, f"{found.passed} drafts passed and disagree", told, first.best.inputs[at], one, two)


def _alone(message: Message, only: Group) -> ExamplesNeeded:
    """Asks whether what the only source makes of the smallest input is meant."""
    best = only.best
    vouched = best.total + 1
    others = [index for index, seen in enumerate(best.behaviour) if seen and index >= vouched] or [best.total]
    at = min(others, key=lambda index: (len(_send(message, best.inputs[index])), index))
    result = _result(best, at)
    why = "only one draft passed" if only.size == 1 else f"the {only.size} drafts that passed are the same"
    return _asked(message, why, f"it gives {result}", best.inputs[at], result, "")


def _asked(message: Message, why: str, told: str, given: Example, *results: str) -> ExamplesNeeded:
    state = rendering.value(given.before) if given.before else ""
    sent = rendering.send(message.selector, given.arguments, given.keywords)
    where = f"{sent} on {state}" if state else sent
    return ExamplesNeeded(
        f"{message.target}.{message.selector} is not certain: {why}: on {where}, {told}; "
        "send the message again with an example that says which is meant",
        object=message.target,
        selector=message.selector,
        send=sent,
        before=state,
        first=results[0],
        second=results[1],
    )


def _send(message: Message, given: Example) -> str:
    return rendering.example(message.selector, given)


def _result(tried: Tried, at: int) -> str:
    """What a draft made of an input: what it gave, and the slots after where they changed."""
    seen, before = tried.seen[at], tried.inputs[at].before
    failed = isinstance(seen.outcome, Failure)
    outcome = seen.outcome.exception or seen.outcome.reason if isinstance(seen.outcome, Failure) else seen.outcome
    told = f"{outcome} raised" if failed else rendering.value(outcome)
    changed = {name: value for name, value in seen.after.items() if name not in before or before[name] != value}
    return f"{told} and slots {rendering.value(changed)}" if changed else told
