"""Has the local model's file fetched before anything is started. Law: Ctrl-C ends it, and what came is kept.

    python -m batos.local.fetch MODEL [CACHE_HOME]

A thread that fetches cannot be ended; so a child does it, which shows its progress on stderr and tells what came of it
as JSON on stdout.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from batos.errors import BatosError
from batos.local import leash
from batos.local.errors import NoModel
from batos.local.weights import KNOWN, cache_folder, find, say_on_stderr


async def fetch_model(command: Sequence[str], model: str, environment: Mapping[str, str]) -> None:
    """Have a known model in the cache, whole, or look at a file of one's own. Raises NoModel.

    `command` is what runs this module. A file that is in the cache is proved by it, so that one that is torn is fetched
    anew here, where its progress is seen, and not by who uses it.
    """
    home = environment.get("XDG_CACHE_HOME", "")
    if model.lower() not in KNOWN:
        find(model, cache_folder(home), say_on_stderr)
        return
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command, model, home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        answer, _ = await child.communicate()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # pip, too
        await child.wait()
    _check(answer, child.returncode or 0)


def _check(answer: bytes, code: int) -> None:
    if code == 0:
        return
    try:
        told = json.loads(answer)
        raise NoModel(told["error"], fields={"hint": told["hint"]})
    except (ValueError, KeyError, TypeError):
        raise NoModel(f"the model could not be fetched: exit status {code}") from None


def main(model: str, cache_home: str) -> int:
    """Fetch it; the exit status is 1 where that failed."""
    try:
        path: Path = find(model, cache_folder(cache_home), say_on_stderr)
    except BatosError as error:
        sys.stdout.write(json.dumps({"error": error.message, "hint": error.fields.get("hint", "")}))
        return 1
    sys.stdout.write(json.dumps({"path": str(path)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "".join(sys.argv[2:])))
