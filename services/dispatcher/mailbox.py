"""Messages that wait for their object. Law: messages to an object run in the order they came, on the newest state.

A mailbox exists while it holds messages or one of them runs. Whoever works on a mailbox has it to itself, takes from
its front what it can run together, and gives it back; then it stands behind all others that are ready, so that no
object starves another. What waits is bounded, for one object and for all: who finds no room is told to come back, so
that load costs its senders time and never the service its memory.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial

from kernel.errors import Overloaded
from kernel.messages import Message, Reply
from kernel.objects import Namespace, ObjectId

MAX_WAITING = 1024
MAX_WAITING_IN_ALL = 16_384


@dataclass(frozen=True, slots=True)
class Inputs:
    """Clock (seconds since 1970) and randomness of a root send: the same in each of its runs."""

    now: float
    seed: int


@dataclass(slots=True, eq=False)
class Letter:
    """A message under way, and where its reply goes."""

    message: Message
    inputs: Inputs
    reply: asyncio.Future[Reply]
    context: Context = field(default_factory=copy_context)
    recorded: bool = False
    """Whether its spans are recorded."""
    runs: int = 0
    """How often it was run and met a conflict."""
    fetched: bool = False
    """Whether what it needs was looked for in the store."""
    alone: bool = False
    """Whether it is to be run apart from others."""


@dataclass(slots=True, eq=False)
class Mailbox:
    """The letters of one object, those before them being worked on."""

    namespace: Namespace
    object_id: ObjectId
    letters: deque[Letter] = field(default_factory=deque[Letter])


class Mailboxes:
    """The mailboxes of all objects that have messages now; `work` gets those that are ready, each until `done`."""

    def __init__(
        self,
        work: Callable[[Mailbox], None],
        *,
        most: int = MAX_WAITING,
        most_in_all: int = MAX_WAITING_IN_ALL,
    ) -> None:
        self._work, self._most, self._most_in_all = work, most, most_in_all
        self._mailboxes: dict[tuple[Namespace, ObjectId], Mailbox] = {}
        self._ready: deque[Mailbox] = deque()
        self._turning = False
        self.waiting = 0
        """Letters that have no reply yet, in all mailboxes."""

    def post(self, letter: Letter) -> None:
        """Put a letter behind those that came before. Raises Overloaded where there is no room."""
        message = letter.message
        key = (message.namespace, message.receiver)
        mailbox = self._mailboxes.get(key)
        if self.waiting >= self._most_in_all:
            raise Overloaded(f"{self.waiting} messages wait here already")
        if mailbox is not None and len(mailbox.letters) >= self._most:
            raise Overloaded(f"{len(mailbox.letters)} messages wait for {message.receiver} already")
        self.waiting += 1
        letter.reply.add_done_callback(partial(self._answered, letter))
        if mailbox is None:
            mailbox = self._mailboxes[key] = Mailbox(*key)
            self._stand(mailbox)
        mailbox.letters.append(letter)

    def done(self, mailbox: Mailbox) -> None:
        """Give a mailbox back."""
        letters = mailbox.letters
        while letters and letters[0].reply.done():
            letters.popleft()  # its sender has gone
        if letters:
            self._stand(mailbox)
        else:
            del self._mailboxes[mailbox.namespace, mailbox.object_id]

    def _answered(self, letter: Letter, reply: asyncio.Future[Reply]) -> None:
        self.waiting -= 1
        mailbox = self._mailboxes.get((letter.message.namespace, letter.message.receiver))
        if reply.cancelled() and mailbox is not None and letter in mailbox.letters:
            mailbox.letters.remove(letter)  # it must take no room

    def _stand(self, mailbox: Mailbox) -> None:
        self._ready.append(mailbox)
        if not self._turning:
            # Not at once: what arrives in the same moment is worked on together.
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        ready, self._ready = self._ready, deque()
        for mailbox in ready:
            self._work(mailbox)
