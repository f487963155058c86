"""How etcd lets us in. Law: a login is kept until etcd refuses it, or is old; one login at a time.

etcd refuses a request whose token has expired before it proposes it, so that such a request may be sent again with a
new token, a transaction too. Tokens are renewed after a minute of use, while the old one still holds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from grpc.aio import AioRpcError

from kernel.errors import StoreUnavailable
from objectstore.etcd import failures

TOKEN_SECONDS: Final = 60.0  # etcd's own default lets one that is not used live for 300
LOGIN_SECONDS: Final = 4.0
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5

Metadata: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Access:
    """Certificates in PEM: the authority that etcd's are of (none: no TLS), and our own with its key; and a user."""

    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


class Tokens:
    """The token of a user, as the metadata of requests. `login` asks etcd for a new one; `clock` is in seconds."""

    def __init__(
        self, access: Access, login: Callable[[], Awaitable[Any]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._user = access.user
        self._login = login
        self._clock = clock
        self._logging_in = asyncio.Lock()
        self._current: Metadata | None = None if access.user else ()
        self._got = 0.0
        self._renewing: asyncio.Task[None] | None = None

    async def current(self) -> Metadata:
        """What goes with a request. StoreUnavailable where etcd gives none, NotLetIn where it never will."""
        if self._current is None:
            async with self._logging_in:
                if self._current is None:
                    await self._renew()
        elif self._user and self._clock() - self._got > TOKEN_SECONDS and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_beside())
        return self._current or ()

    def refused(self, token: Metadata) -> None:
        """Use it no more."""
        if self._current == token and self._user:
            self._current = None

    async def close(self) -> None:
        """Renew nothing more."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)

    async def _renew_beside(self) -> None:
        try:
            await self._renew()
        except StoreUnavailable:
            self._got = self._clock()  # the old one may still do; etcd says when it does not
        finally:
            self._renewing = None

    async def _renew(self) -> None:
        end, pause = time.monotonic() + LOGIN_SECONDS, _FIRST_PAUSE
        while True:
            try:
                answer = await self._login()
            except AioRpcError as error:
                if failures.is_without_users(error):
                    self._current = ()
                    return
                if failures.is_final(error):
                    raise failures.NotLetIn(f"etcd does not let {self._user} in: {error.details()}") from None
                if time.monotonic() + pause > end:
                    raise StoreUnavailable(f"etcd lets nobody in: {error.details()}; nothing was changed") from None
            else:
                self._current, self._got = (("token", str(answer.token)),), self._clock()
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
