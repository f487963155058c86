"""What ends by itself in etcd shares leases, so that they stay few however long it lasts."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from objectstore.etcd.connection import Connection
from objectstore.etcd.leases import Leases

DAY = 24 * 3600


class Granting:
    """Grants every lease, and tells for how long."""

    def __init__(self) -> None:
        self.seconds: list[int] = []

    async def grant(self, request: Any) -> Any:
        self.seconds.append(request.TTL)
        return SimpleNamespace(ID=len(self.seconds))


@pytest.mark.parametrize(("seconds", "shared"), [(900, 5), (3 * 3600, 5), (7 * DAY, 60), (30 * DAY, 60)])
async def test_what_lasts_long_shares_its_lease_for_longer_and_never_ends_too_early(seconds: int, shared: int) -> None:
    granting, now = Granting(), 0.0
    leases = Leases(cast("Connection", granting), lambda: now)
    ends = dict[int, float]()
    for _ in range(600):
        lease = await leases.lasting(seconds)
        ends.setdefault(lease, now + granting.seconds[lease - 1])
        assert now + seconds <= ends[lease] <= now + seconds + 60
        now += 1
    assert len(granting.seconds) == 600 // shared
