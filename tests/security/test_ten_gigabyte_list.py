"""Takes all memory, at once or bit by bit; stopped by the guest's heap limit, then the worker's address space."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import LimitExceeded
from sandbox.host import Sandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")


HOARDS = [
    "[0] * (10 * 1024 ** 3 // 8)",
    "'x' * 10 ** 10",
    "bytes(10 ** 10)",
    "x = []\nwhile True: x.append('a' * 10 ** 5 + str(len(x)))",
    "x = [1]\nfor y in x: x.extend(x)",
    "x = {}\nwhile True: x[len(x)] = 'a' * 10 ** 4 + str(len(x))",
    "list(range(10 ** 9))",
    "import itertools\nlist(itertools.count())",
    "f'{1:1000000000d}'",
    "'%1000000000d' % 1",
    "'a'.ljust(10 ** 10)",
    "('a' * 10 ** 6).replace('a', 'b' * 100)",
    "10 ** 10 ** 9",
    "1 << 10 ** 11",
    "import random\nrandom.randbytes(10 ** 9)",
    "import decimal\ndecimal.getcontext().prec = 10 ** 9\ndecimal.Decimal(1) / 3",
    "try:\n  x = [0] * 10 ** 9\nexcept MemoryError:\n  x = 1\nx",
]


@pytest.mark.parametrize("code", HOARDS)
async def test_no_guest_takes_more_than_its_heap(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await sandbox.run(feed(code, limits=Limits(feed_seconds=5)), no_call)
    assert caught.value.kind == "memory"
    assert await sandbox.run(feed("1"), no_call) == 1
