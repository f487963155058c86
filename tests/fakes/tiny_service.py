"""A child for `batctl up` that serves nothing: it listens, says ready, and behaves as TINY_<NAME> says.

    python tiny_service.py NAME [--model M --port N]

`fails` ends at once, `explains` ends with an `error:` and a `hint:`, `silent` never says ready, `stubborn` ignores
SIGTERM, `dies` ends 0.5 s after it was ready, `parent` leaves a grandchild in its session, `repeats` ends with an
address that it was given.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(name: str, arguments: list[str]) -> None:
    behaviour = os.environ.get(f"TINY_{name.upper()}", "")
    if behaviour == "fails":
        sys.exit(f"{name}: the script says that it cannot start")
    if behaviour == "repeats":
        sys.exit(f"{name}: cannot reach {os.environ['OTEL_EXPORTER_OTLP_ENDPOINT']}")
    if behaviour == "explains":
        sys.exit(f"error: {name} says why\nhint: {name} says what to do")
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if behaviour == "parent":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", name])
    listen = os.environ.get("BATOS_LISTEN", f"127.0.0.1:{arguments[-1] if arguments else 0}")
    host, _, port = listen.rpartition(":")
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, int(port)))
        server.listen()
        if journal := os.environ.get("TINY_JOURNAL"):
            with Path(journal).open("a") as file:
                wanted = ("BATOS_ETCD_ENDPOINTS", "BATOS_OBJECTSTORE", "BATOS_SYNTHESIZER", "BATOS_PERSONA_URL")
                file.write(f"{name} {' '.join(sorted(key for key in wanted if key in os.environ))}\n")
        if behaviour != "silent":
            say(f"ready 127.0.0.1:{server.getsockname()[1]}")
        if behaviour == "dies":
            time.sleep(0.5)
            say(f"{name} says its last words")
            sys.exit(3)
        signal.pause()
        while behaviour == "stubborn":
            signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
