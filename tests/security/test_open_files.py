"""Opens, lists, writes and removes files in every way; stopped by the host, which serves none, then Landlock."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


PATHS = ["/etc/passwd", "/proc/self/environ", "/proc/self/mem", "/dev/mem", "feed", "../../etc/shadow", "\\0"]
WAYS = [
    "open('{}').read()",
    "open('{}', 'rb').read()",
    "open('{}', 'w').write('x')",
    "open('{}', 'a')",
    "with open('{}') as f:\n  r = f.read()\nr",
    "import pathlib\npathlib.Path('{}').read_text()",
    "import pathlib\npathlib.Path('{}').write_bytes(b'x')",
    "import pathlib\nlist(pathlib.Path('{}').iterdir())",
    "import pathlib\npathlib.Path('{}').stat()",
    "import os\nos.remove('{}')",
    "import os\nos.rename('{}', '/tmp/y')",
    "import os\nos.scandir('{}')",
    "import tomllib\ntomllib.load(open('{}', 'rb'))",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", WAYS)
async def test_no_file_opens(sandbox: Sandbox, way: str, path: str) -> None:
    with pytest.raises(GuestRaised) as caught:
        await sandbox.run(feed(way.format(path)), no_call)
    assert caught.value.type_name in {"PermissionError", "RuntimeError", "ValueError", "AttributeError", "TypeError"}


async def test_no_working_directory_makes_a_file_open(sandbox: Sandbox) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed("import os\nos.chdir('/etc')\nopen('passwd').read()"), no_call)
