"""The local persona endpoint: llama.cpp's own HTTP server in this program. Law: one model, and no word of BatOS.

    python -m batos.local.model --model 0.5b --host 127.0.0.1 --port 0

It prints `ready HOST:PORT` when /health is well, serves `POST /v1/chat/completions` to whoever asks for whatever
`model`, and ends cleanly on SIGTERM or SIGINT. All four personas speak through it; an endpoint of one's own (TGI, or
any OpenAI-style server) takes its place by BATOS_PERSONA_URL.

Tuned for few cores and for this traffic: three short prompts at once, then a few drafts of one prompt.

- Eight slots share one memory of `CONTEXT` tokens. A slot keeps the prompt it had, and a request goes to the slot whose
  prompt begins most alike, so each persona's constant beginning is read once and then stays.
- It reads prompts with as many threads as there are cores, and writes with one less. Threads wait for each other at
  every step, spinning; where one of two loses its core for a moment both stand still, and writing has a step for every
  token. On two busy cores one thread wrote 20 tokens/s and two wrote 1; on two idle ones three drafts take 4 s so, and
  7 s with one thread for both.
"""

import http.client
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import click
import xllamacpp as untyped

from batos.errors import BatosError
from batos.local.errors import NoModel, NotStarted
from batos.local.weights import cache_folder, cache_option, find, model_option, say_on_stderr, stopped_by_signals, tell

xllamacpp: Any = untyped

SLOTS = 8
CONTEXT = 16384  # tokens, shared by the slots
HEALTH_SECONDS = 60.0
_PAUSE = 0.1
_QUIET = 2  # llama.cpp's warnings and errors only


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to serve; port 0 takes any that is free. `threads` 0 takes what suits this machine."""

    host: str = "127.0.0.1"
    port: int = 0
    threads: int = 0


class Endpoint:
    """A server that holds a model until it is closed."""

    def __init__(self, server: Any, host: str, port: int) -> None:
        self._server = server
        self.host, self.port = host, port

    @classmethod
    def start(cls, model: Path, listening: Listening) -> Self:
        """Load the model (seconds) and serve. Raises NotStarted where the port is taken, NoModel where it cannot."""
        _check_free(listening.host, listening.port)
        try:
            server = xllamacpp.Server(_parameters(model, listening))
        except RuntimeError as error:
            hint = "it may be no model for this llama.cpp, or there is not enough memory; try another --model"
            raise NoModel(f"llama.cpp cannot serve {model}", fields={"hint": hint}) from error
        port = int(str(server.listening_address).rpartition(":")[2])
        return cls(server, listening.host, port)

    def wait_until_well(self) -> None:
        """Return when /health says so. Raises NotStarted after `HEALTH_SECONDS`."""
        deadline = time.monotonic() + HEALTH_SECONDS
        while not self._is_well():
            if time.monotonic() > deadline:
                hint = "the lines above are llama.cpp's"
                text = f"the model at {self.host}:{self.port} is not well after {HEALTH_SECONDS:.0f} s"
                raise NotStarted(text, fields={"hint": hint})
            time.sleep(_PAUSE)

    def _is_well(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=HEALTH_SECONDS)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def close(self) -> None:
        """Stop serving and let the model go."""
        self._server = None  # the server ends with its last reference


def _parameters(model: Path, listening: Listening) -> Any:
    given = xllamacpp.CommonParams()
    given.model.path = str(model)
    given.model_alias = {model.stem}
    given.hostnames = [listening.host]
    given.port = listening.port
    given.cors_origins = f"http://{listening.host}"  # any web page, by default
    given.ui = False
    given.verbosity = _QUIET
    given.n_gpu_layers = 0
    given.n_ctx = CONTEXT
    given.n_parallel = SLOTS
    given.kv_unified = True
    given.cache_idle_slots = False  # by default a new request clears the slots that rest, and with them what they keep
    given.cache_ram_mib = 0
    cores = len(os.sched_getaffinity(0))
    given.cpuparams_batch.n_threads = listening.threads or cores
    given.cpuparams.n_threads = listening.threads or max(1, cores - 1)
    return given


def _check_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        hint = "give another --port (0 takes any), or stop what listens there"
        raise NotStarted(f"cannot listen on {host}:{port}: {_reason(error)}", fields={"hint": hint}) from error


def _reason(error: OSError) -> str:
    """Python adds the address to its own text."""
    return os.strerror(error.errno) if error.errno else str(error)


EXAMPLES = """\b
Examples:
  python -m batos.local.model
  python -m batos.local.model --model 1.5b --port 8080
  curl http://127.0.0.1:8080/v1/chat/completions -d '{"messages": [{"role": "user", "content": "Hello"}]}'
"""


@click.command(epilog=EXAMPLES)
@model_option
@cache_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; 0, the default, takes any.")
@click.option(
    "--threads", type=click.IntRange(0), default=0, help="[default: as many as there are cores, one less to write]"
)
def main(model: str, cache: str | None, host: str, port: int, threads: int) -> None:
    """Serve the local model to the personas until SIGTERM or Ctrl-C; it is fetched first where it is not there.

    Prints `ready HOST:PORT` on standard output. Exit status: 0 when it was told to stop, 1 with the reason on standard
    error where it cannot start.
    """
    try:
        with stopped_by_signals(0):
            serve(model, cache_folder(cache), Listening(host, port, threads))
    except BatosError as error:
        tell(error)
        sys.exit(1)


def serve(model: str, folder: Path, listening: Listening) -> None:
    """Fetch, serve, and stay until SystemExit. Raises NoModel, NotStarted."""
    endpoint = Endpoint.start(find(model, folder, say_on_stderr), listening)
    try:
        endpoint.wait_until_well()
        click.echo(f"ready {endpoint.host}:{endpoint.port}")
        sys.stdout.flush()
        while True:
            signal.pause()
    finally:
        endpoint.close()


if __name__ == "__main__":
    main()
