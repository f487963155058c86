"""Messages that wait for their object. Law: messages to an object run in the order they came, on the newest state.

A mailbox exists while it holds messages or one of them runs. Whoever works on a mailbox has it to itself, takes from
its front what it can run together, and gives it back; then it stands behind all others that are ready, so that no
object starves another. What waits is bounded, for one object and for all: who finds no room is told to come back, so
that load costs its senders time and never the service its memory.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from kernel.errors import Overloaded
from kernel.messages import Message, Reply
from kernel.objects import Namespace, ObjectId, Selector

MAX_WAITING = 1024
MAX_WAITING_IN_ALL = 16_384
MAX_BYTES = 256 << 20

_NOBODY = Selector("nobody")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Clock (seconds since 1970) and randomness of a root send: the same in each of its runs by one dispatcher."""

    now: float
    seed: int


@dataclass(slots=True, eq=False)
class Letter:
    """A message under way, where its reply goes, and the bytes that it takes meanwhile."""

    message: Message
    reply: asyncio.Future[Reply]
    size: int = 0
    context: Context = field(default_factory=copy_context)
    recorded: bool = False
    """Whether its spans are recorded."""
    runs: int = 0
    """How often it was run and met a conflict."""
    fetched: bool = False
    """Whether what it needs was looked for in the store."""
    alone: bool = False
    """Whether it is to be run apart from others."""
    inputs: Inputs | None = None
    """Drawn when it is first run alone: what runs with others has no use for them."""
    held: "asyncio.Future[Mailbox] | None" = None
    """Of a letter that is no message but waits to have the mailbox: what to tell when it has."""

    def fail(self, error: BaseException) -> None:
        """Answer with a failure, if nothing was answered."""
        for answer in (self.reply, self.held):
            if answer is not None and not answer.done():
                answer.set_exception(error)


@dataclass(slots=True, eq=False)
class Mailbox:
    """The letters of one object that wait; `held` and `size` count those that are being worked on too."""

    namespace: Namespace
    object_id: ObjectId
    letters: deque[Letter] = field(default_factory=deque[Letter])
    held: int = 0
    size: int = 0
    taken: bool = False
    """Whether someone works on it."""


class Mailboxes:
    """The mailboxes of all objects that have messages now; `work` gets those that are ready, each until `done`."""

    def __init__(
        self,
        work: Callable[[Mailbox], None],
        *,
        most: int = MAX_WAITING,
        most_in_all: int = MAX_WAITING_IN_ALL,
        most_bytes: int = MAX_BYTES,
    ) -> None:
        self._work, self._most, self._most_in_all, self._most_bytes = work, most, most_in_all, most_bytes
        self._mailboxes: dict[tuple[Namespace, ObjectId], Mailbox] = {}
        self._ready: deque[Mailbox] = deque()
        self._turning = False
        self._size = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self.waiting = 0
        """Letters whose work has not ended, in all mailboxes."""

    def post(self, letter: Letter) -> None:
        """Put a letter behind those that came before. Raises Overloaded where there is no room."""
        message = letter.message
        key = (message.namespace, message.receiver)
        mailbox = self._mailboxes.get(key)
        if self.waiting >= self._most_in_all or self._size + letter.size > self._most_bytes:
            raise Overloaded(f"{self.waiting} messages of {self._size} bytes wait here already")
        if mailbox is not None and mailbox.held >= self._most:
            raise Overloaded(f"{mailbox.held} messages wait for {message.receiver} already")
        if mailbox is None:
            mailbox = self._mailboxes[key] = Mailbox(*key)
            self._empty.clear()
            self._stand(mailbox)
        mailbox.letters.append(letter)
        self._hold(mailbox, 1, letter.size)

    def done(self, mailbox: Mailbox) -> None:
        """Give a mailbox back; again, it does nothing."""
        if not mailbox.taken:
            return
        mailbox.taken = False
        letters = mailbox.letters
        while letters and letters[0].reply.done():
            letters.popleft()  # its sender has gone
        left = sum(letter.size for letter in letters) if mailbox.size else 0
        self._hold(mailbox, len(letters) - mailbox.held, left - mailbox.size)
        if letters:
            self._stand(mailbox)
            return
        del self._mailboxes[mailbox.namespace, mailbox.object_id]
        if not self._mailboxes:
            self._empty.set()

    async def hold(self, namespace: Namespace, object_id: ObjectId) -> Mailbox:
        """The mailbox, to oneself, when all before are done; to be given back as any other. Raises Overloaded."""
        loop = asyncio.get_running_loop()
        message = Message(object_id, _NOBODY, namespace=namespace)
        letter = Letter(message, loop.create_future(), alone=True, held=loop.create_future())
        self.post(letter)
        assert letter.held is not None
        try:
            return await letter.held
        except asyncio.CancelledError:
            letter.reply.cancel()
            self.left(letter)
            if letter.held.done() and not letter.held.cancelled():
                self.done(letter.held.result())
            raise

    def left(self, letter: Letter) -> None:
        """The letter's sender has gone: if it still waits, it takes no room any more."""
        mailbox = self._mailboxes.get((letter.message.namespace, letter.message.receiver))
        if mailbox is not None and letter in mailbox.letters:
            mailbox.letters.remove(letter)
            self._hold(mailbox, -1, -letter.size)

    async def empty(self) -> None:
        """Return when no mailbox is left."""
        await self._empty.wait()

    def _hold(self, mailbox: Mailbox, letters: int, size: int) -> None:
        mailbox.held += letters
        mailbox.size += size
        self.waiting += letters
        self._size += size

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
            mailbox.taken = True
            try:
                self._work(mailbox)
            except Exception as error:  # a bug of ours must cost its own letters, and nobody else's
                log.exception("the mailbox of %s failed", mailbox.object_id)
                while mailbox.letters:
                    mailbox.letters.popleft().fail(error)
                self.done(mailbox)
