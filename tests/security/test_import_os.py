"""Imports what reaches the system; stopped by Monty, which has no such module, or none of its functions."""

import pytest

from fakes.guests import feed, no_call
from sandbox.errors import GuestRaised
from sandbox.host import Sandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")


IMPORTS = [
    *[
        f"import {name}"
        for name in (
            "subprocess",
            "socket",
            "ctypes",
            "importlib",
            "builtins",
            "posix",
            "shutil",
            "signal",
            "threading",
            "pickle",
            "multiprocessing",
            "ssl",
            "urllib.request",
            "http.client",
            "mmap",
            "fcntl",
            "resource",
            "pty",
            "code",
            "ast",
            "_ctypes",
            "_posixsubprocess",
            "marshal",
            "types",
            "tempfile",
            "sandbox",
            "pydantic_monty",
        )
    ],
    "import os\nos.environ['HOME']",
    "import os\nos.getenv('HOME')",
    "import os\nos.system('id')",
    "import os\nos.popen('id')",
    "import os\nos.fork()",
    "import os\nos.execv('/bin/sh', ['sh'])",
    "import os\nos.kill(1, 9)",
    "import os\nos.listdir('/')",
    "import os\nos.stat('/etc/passwd')",
    "import os\nos.mkdir('/tmp/x')",
    "import os\nlist(os.walk('/proc'))[0]",
    "import os\nos.open('/etc/passwd', 0)",
    "import os.path\nos.path.exists('/etc/passwd')",
    "from os import system",
    "import asyncio\nasyncio.create_subprocess_shell('id')",
    "import asyncio\nasyncio.open_connection('127.0.0.1', 1)",
    "__import__('os')",
    "import sys\nsys.path.append('/')\nimport antigravity",
]


@pytest.mark.parametrize("code", IMPORTS)
async def test_no_module_reaches_the_system(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(GuestRaised):
        await sandbox.run(feed(code), no_call)


async def test_the_interpreter_tells_nothing_of_the_machine(sandbox: Sandbox) -> None:
    code = "import sys, os\n[sys.argv, sys.executable, sys.prefix, os.getcwd(), __file__, os.name]"
    assert await sandbox.run(feed(code), no_call) == [["feed"], "", "", "/", "/feed", "posix"]
