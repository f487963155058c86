"""A batch: messages to one object that run and commit together. Law: each sees what the one before it left, no less.

    mailbox ▶ what memory can answer ▶ run with other objects' ▶ commit with other objects' ▶ replies

A batch takes letters from the front of the mailbox for as long as memory says which version answers and that version
may run together with others; the first that needs more ends it. What it cannot answer at once is first looked for in
the store; what needs a run of its own (`dispatcher.alone`) gets it when all before it are committed. A batch that meets
a conflict puts its letters back, and they run again on newer state. Nothing is answered before the commit it read from.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import time

from activation.batch import Chain, Outcome
from dispatcher.cache import Cache
from dispatcher.commits import MAX_RUNS, Commits, Unit
from dispatcher.mailbox import Letter, Mailbox, Mailboxes
from dispatcher.measures import Measures
from dispatcher.recorder import Call, Recorder
from dispatcher.resolution import Resolution
from dispatcher.running import Running
from dispatcher.spans import Span, Spans
from kernel.errors import BadArguments, Conflict, KernelError, LimitExceeded
from kernel.messages import Consistency, Message, Reply
from kernel.request_ids import check_request_id
from kernel.transactions import MAX_COMPARES, KeptReply, Key, Part, Token, parse_token, reply_name
from kernel.values import SlotValues, Value, pack

MAX_LETTERS = 100  # each may keep a reply, and all are one transaction

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Done:
    """A letter that ran."""

    letter: Letter
    resolution: Resolution
    result: Value
    wrote: bool


@dataclass(slots=True, eq=False)
class _Batch:
    """What has been run so far, on which state."""

    mailbox: Mailbox
    cache: Cache
    incarnation: str
    slots: SlotValues
    reads: dict[Key, int]
    done: list[_Done] = field(default_factory=list[_Done])
    letters: list[Letter] = field(default_factory=list[Letter])
    """Those of `done`."""
    wrote: bool = False
    ids: set[str] = field(default_factory=set[str])
    commits: Sequence[Span] = ()
    calls: list[Call] = field(default_factory=list[Call])
    """Those that are to be kept."""

    def take(self, done: _Done, slots: SlotValues | None) -> None:
        """A letter ran; with `slots`, it wrote."""
        self.done.append(done)
        self.letters.append(done.letter)
        if slots is not None:
            self.slots, self.wrote = slots, True

    def agrees(self, resolution: Resolution) -> bool:
        """Whether it rests on the same definitions as what ran before."""
        return all(self.reads.get(key, revision) == revision for key, revision in resolution.above.items())


class Batcher:
    """Works on mailboxes. What it cannot do is `fetch`ed first, or done `alone`; `confirm` answers what may be old."""

    def __init__(
        self,
        running: Running,
        commits: Commits,
        mailboxes: Mailboxes,
        spans: Spans,
        measures: Measures,
        *,
        recorder: Recorder,
        confirm: Callable[[Letter, Reply, Cache], None],
    ) -> None:
        self._running, self._commits, self._mailboxes, self._spans = running, commits, mailboxes, spans
        self._measures, self._recorder, self._confirm = measures, recorder, confirm

    def begin(self, mailbox: Mailbox, cache: Cache) -> bool:
        """Work on the front of the mailbox, and give it back when that is done. False where memory cannot answer it."""
        known = cache.known(mailbox.object_id)
        if known is None or known.definition is None or known.slots is None:
            return False
        reads = {
            Key(mailbox.object_id, Part.DEFINITION): known.definition_revision,
            Key(mailbox.object_id, Part.SLOTS): known.slots_revision,
        }
        return self._advance(_Batch(mailbox, cache, known.definition.incarnation, known.slots, reads))

    def _advance(self, batch: _Batch) -> bool:
        """Run what comes next; False where nothing does."""
        resolution, letters = self._next(batch)
        if resolution is None:
            return False
        try:
            self._run(batch, resolution, letters)
        except Exception as error:
            for letter in letters:
                letter.fail(error)
            raise
        return True

    def _run(self, batch: _Batch, resolution: Resolution, letters: Sequence[Letter]) -> None:
        batch.reads.update(resolution.above)
        calls = [(letter.message.arguments, letter.message.keywords) for letter in letters]
        spans = [
            span for letter in letters if letter.recorded for span in (self._spans.activation(letter, resolution),)
        ]
        chain = Chain(batch.mailbox.object_id, batch.slots, calls)
        ran = partial(self._ran, batch, resolution, letters, spans)
        sender = f"{batch.mailbox.namespace}/{letters[0].message.principal}"  # the same name may be another's elsewhere
        self._running.add(resolution.record.method, sender, chain, ran)

    def _next(self, batch: _Batch) -> tuple[Resolution | None, list[Letter]]:
        """The letters at the front that one version answers, taken out."""
        waiting, taken = batch.mailbox.letters, list[Letter]()
        first: Resolution | None = None
        while waiting and len(batch.done) + len(taken) < MAX_LETTERS:
            letter = waiting[0]
            if not letter.reply.done():  # else its sender has gone
                resolution = self._answers(batch, letter)
                if resolution is None or (first is not None and resolution is not first):
                    break
                if taken and letter.message.principal != taken[0].message.principal:
                    break
                if len(batch.reads) + len(resolution.above) + len(batch.ids) >= MAX_COMPARES:
                    break  # each id is one that the transaction compares
                first = resolution
                taken.append(letter)
                if letter.message.request_id:
                    batch.ids.add(letter.message.request_id)
            waiting.popleft()
        return first, taken

    def _answers(self, batch: _Batch, letter: Letter) -> Resolution | None:
        """The version that answers the letter, if memory says so and it may run together with others."""
        message = letter.message
        if letter.alone or message.examples or message.dry_run or not _new_enough(message, batch.cache):
            return None
        if message.request_id and (message.request_id in batch.ids or not _acceptable(message.request_id)):
            return None
        resolution = batch.cache.resolved(message.receiver, message.selector)
        if resolution is None or not resolution.together or not resolution.fits(message):
            return None
        return resolution if batch.agrees(resolution) else None

    def _ran(
        self,
        batch: _Batch,
        resolution: Resolution,
        letters: Sequence[Letter],
        spans: Sequence[Span],
        outcomes: Sequence[Outcome | None],
    ) -> None:
        for span in spans:
            span.end()
        self._measures.together.count += len(letters)
        gave = outcomes.index(None) if None in outcomes else len(outcomes)
        kept = self._recorder.due(batch.mailbox.namespace, resolution.record.method, gave)
        try:
            for place, (letter, outcome) in enumerate(zip(letters, outcomes, strict=True)):
                if outcome is None:
                    letter.alone = True
                    batch.mailbox.letters.extendleft(reversed(letters[place:]))
                    break
                before = batch.slots
                batch.take(_Done(letter, resolution, outcome.result, outcome.slots is not None), outcome.slots)
                if kept and place in kept:
                    call = Call(resolution.record.method, letter.message, before, batch.slots, outcome.result)
                    batch.calls.append(call)
            if not self._advance(batch):
                self._end(batch)
        except Exception as error:  # a bug of ours must cost its own letters, and nobody else's
            log.exception("a batch of %s failed", batch.mailbox.object_id)
            for letter in (*batch.letters, *letters):
                letter.fail(error)
            self._mailboxes.done(batch.mailbox)

    def _end(self, batch: _Batch) -> None:
        if not batch.done:
            self._mailboxes.done(batch.mailbox)
            return
        self._measures.batches.add(len(batch.done))
        newest = any(letter.message.consistency is Consistency.FULL for letter in batch.letters)
        if not batch.wrote and not newest and batch.cache.consistent(batch.reads):
            self._answer(batch, batch.cache.token(batch.reads))
            return
        receiver = batch.mailbox.object_id
        try:
            writes = {receiver: pack(batch.slots)} if batch.wrote else {}
            replies = [
                KeptReply.to(each.letter.message, batch.incarnation, each.result, each.resolution.ref)
                for each in batch.done
                if each.wrote and each.letter.message.request_id
            ]
        except LimitExceeded:
            self._apart(batch)
            return
        batch.commits, context = self._spans.commits(batch.letters, len(batch.reads), int(batch.wrote))
        settled = partial(self._settled, batch)
        self._commits.add(Unit(batch.mailbox.namespace, batch.reads, writes, settled, replies, context))

    def _settled(self, batch: _Batch, outcome: Token | KernelError) -> None:
        for span in batch.commits:
            span.end()
        if isinstance(outcome, Token):
            writes = {batch.mailbox.object_id: batch.slots} if batch.wrote else {}
            batch.cache.committed(batch.reads, writes, outcome.revision)
            self._answer(batch, outcome)
        elif isinstance(outcome, Conflict):
            self._again(batch, outcome)
        elif isinstance(outcome, LimitExceeded) and len(batch.done) > 1:
            self._apart(batch)
        else:
            for letter in batch.letters:
                letter.fail(outcome)
            self._mailboxes.done(batch.mailbox)

    def _apart(self, batch: _Batch) -> None:
        """Put the letters back, each to run by itself: together, or one of them, they are too large."""
        for letter in batch.letters:
            letter.alone = True
        batch.mailbox.letters.extendleft(reversed(batch.letters))
        self._mailboxes.done(batch.mailbox)

    def _again(self, batch: _Batch, conflict: Conflict) -> None:
        """Put the letters back, to run on newer state; those that came before under their request id, apart."""
        replied = [letter for letter in batch.letters if _kept_name(letter.message) in conflict.changed]
        old = batch.cache.forget(batch.reads, conflict.changed, all_unless=bool(replied))
        again: list[Letter] = []
        for letter in batch.letters:
            letter.alone = letter.alone or letter in replied
            letter.runs, letter.fetched = letter.runs + old, False
            if letter.runs < MAX_RUNS:
                again.append(letter)
                self._measures.repeated.count += 1
            else:
                text = f"{letter.message.receiver} kept changing: {MAX_RUNS} runs conflicted; send again"
                letter.fail(Conflict(text, conflict.changed))
        batch.mailbox.letters.extendleft(reversed(again))
        self._mailboxes.done(batch.mailbox)

    def _answer(self, batch: _Batch, token: Token) -> None:
        text = str(token)
        if batch.calls:
            self._recorder.keep(batch.calls)
        for each in batch.done:
            reply = Reply(each.result, each.resolution.ref, text)
            if each.letter.message.request_id and not each.wrote:
                # It changed nothing now: perhaps because it did so before.
                self._confirm(each.letter, reply, batch.cache)
            elif not each.letter.reply.done():
                each.letter.reply.set_result(reply)
        self._mailboxes.done(batch.mailbox)


def _new_enough(message: Message, cache: Cache) -> bool:
    """Whether memory is as new as the sender wants; what must be newest is validated by the commit."""
    if message.consistency is not Consistency.AT_LEAST:
        return True
    try:
        token = parse_token(message.token)
    except BadArguments:
        return False
    known = cache.horizon
    return known is not None and known.epoch == token.epoch and token.revision <= known.revision


def _acceptable(request_id: str) -> bool:
    try:
        check_request_id(request_id, time())
    except BadArguments:
        return False
    return True


def _kept_name(message: Message) -> str:
    return reply_name(message.receiver, message.principal, message.request_id)
