"""A persona endpoint for tests only: a real HTTP server that says what a test wrote down, with TGI's shapes of errors.

It knows the persona by the model's name, and the selector by the last signature or message that it is shown. There is
no model in it and nothing is learned from it: whoever wants to know how well models write runs `make test-model`.

    async with ScriptedEndpoint(answering({"increment": [SOURCE]})) as endpoint:
        ... endpoint.url, endpoint.asked ...

As a process it says `ready HOST:PORT` on stdout and serves until it is stopped:

    python -m fakes.endpoint --port 0 --answers tests/fakes/answers --script script.json

where the script, which may be left out, maps a selector to ALFRED's answers in turn (the last one again and again), and
`"faults"` a persona to the replies that come before any answer, such as `{"alfred": [{"status": 429}]}`.
"""

import argparse
import ast
import asyncio
import json
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any, Self

from fakes.replies import (
    BUSY,
    FAILED,
    GARBAGE,
    HANG_SECONDS,
    INVALID,
    STREAM_ERROR,
    TRUNCATED,
    Drop,
    Hang,
    Raw,
    Reply,
    Say,
    Status,
    Trickle,
    completion,
)

__all__ = [
    "BUSY",
    "FAILED",
    "GARBAGE",
    "INVALID",
    "STREAM_ERROR",
    "TRUNCATED",
    "Asked",
    "Drop",
    "Hang",
    "Raw",
    "Reply",
    "Say",
    "Script",
    "ScriptedEndpoint",
    "Status",
    "Trickle",
    "answering",
    "fenced",
    "small_talk",
    "sources_in",
]


@dataclass(frozen=True)
class Asked:
    """What the endpoint was asked; `number` counts what this persona was asked about this selector, from 0."""

    persona: str
    selector: str
    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def prompt(self) -> str:
        """The last user turn."""
        return str(self.body["messages"][-1]["content"])


Script = Callable[[Asked], Reply]


def answering(
    sources: Mapping[str, Sequence[str | Reply]], faults: Mapping[str, Sequence[Reply]] | None = None
) -> Script:
    """ALFRED's answers by selector, each in turn and the last one for ever; a source is put into a fence.

    A text that is no source is said as it is. `faults` come first, by persona.
    """
    ahead = {persona: list(replies) for persona, replies in (faults or {}).items()}

    def reply(asked: Asked) -> Reply:
        if pending := ahead.get(asked.persona):
            return pending.pop(0)
        if asked.persona != "alfred":
            return Say(small_talk(asked))
        answers = sources.get(asked.selector, ("I am afraid I cannot oblige.",))
        answer = answers[min(asked.number, len(answers) - 1)]
        return Say(fenced(answer)) if isinstance(answer, str) else answer

    return reply


def fenced(answer: str) -> str:
    """A source as models give it; anything else as it is."""
    return f"```python\n{answer}```" if answer.startswith("def ") else answer


def small_talk(asked: Asked) -> str:
    """What BRICK, BABS and ROBIN say where the test does not care."""
    match asked.persona:
        case "brick":
            return "Does: what the mission says."
        case "babs":
            return "none"
        case _:
            return "Nobody is hurt."


def sources_in(folder: Path) -> dict[str, list[str]]:
    """Every function at the top of every module of a folder, by its name: honest answers."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.py")):
        text = path.read_text()
        for item in ast.parse(text).body:
            if isinstance(item, ast.FunctionDef):
                found.setdefault(item.name, []).append((ast.get_source_segment(text, item) or "") + "\n")
    return found


class ScriptedEndpoint:
    """The server. `asked` is every request, in order; `script` may be replaced between them.

    `left` is those whose asker closed the connection before the answer; `most` is how many it had at a time.
    """

    def __init__(self, script: Script, port: int = 0, tls: SSLContext | None = None) -> None:
        self.script, self.port, self._tls = script, port, tls
        self.asked: list[Asked] = []
        self.left: list[Asked] = []
        self.most = self._now = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What BATOS_PERSONA_URL is set to."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def by(self, persona: str) -> list[Asked]:
        """What one persona was asked."""
        return [each for each in self.asked if each.persona == persona]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen: at the same port as before, if there was one."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nothing listens any more, and who waits gets no answer."""
        if self._server is None:
            return
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = line.split()[1]
        if not path.endswith("/chat/completions"):
            known = path in {"/health", "/v1/models"}
            await _write(writer, Raw(b'{"status": "ok"}') if known else Raw(b'{"error": "no such path"}', status=404))
            return
        asked = self._read(json.loads(body), headers)
        self._now += 1
        self.most = max(self.most, self._now)
        saying = asyncio.ensure_future(_say(self.script(asked), asked.body, writer))
        watching = asyncio.ensure_future(reader.read(1))
        try:
            done, _ = await asyncio.wait({saying, watching}, return_when=asyncio.FIRST_COMPLETED)
            if saying in done:
                saying.result()
            else:
                self.left.append(asked)
        finally:
            self._now -= 1
            saying.cancel()
            watching.cancel()
            await asyncio.gather(saying, watching, return_exceptions=True)

    def _read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        persona = str(body["model"]).lower()
        told = [str(each["content"]) for each in body["messages"] if each["role"] == "user"]
        named = [name for each in told for name in re.findall(r"(?:\bdef |Message: )(\w+)\(", each)]
        selector = named[-1] if named else ""
        asked = Asked(persona, selector, self._counts[persona, selector], body, headers)
        self._counts[persona, selector] += 1
        self.asked.append(asked)
        return asked


async def _say(reply: Reply, body: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
    match reply:
        case Say():
            await asyncio.sleep(reply.seconds)
            await _write(writer, Raw(json.dumps(completion(reply, body)).encode()))
        case Status(status, error, error_type, more):
            told = json.dumps({"error": error, "error_type": error_type}).encode()
            await _write(writer, Raw(told, status=status), more)
        case Raw():
            await _write(writer, reply)
        case Trickle(seconds):
            await _write(writer, Raw(b"{", missing=1 << 20))
            while True:
                await asyncio.sleep(seconds)
                writer.write(b" ")
        case Hang():
            await asyncio.sleep(HANG_SECONDS)
        case Drop():
            pass


async def _write(writer: asyncio.StreamWriter, reply: Raw, more: Mapping[str, str] | None = None) -> None:
    lines = [
        f"HTTP/1.1 {reply.status} Scripted",
        f"content-type: {reply.content_type}",
        f"content-length: {len(reply.body) + reply.missing}",
        "connection: close",
        *(f"{name}: {value}" for name, value in (more or {}).items()),
    ]
    writer.write("\r\n".join((*lines, "", "")).encode() + reply.body)
    await writer.drain()


async def _serve(port: int, script: Script) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    async with ScriptedEndpoint(script, port) as endpoint:
        sys.stdout.write(f"ready 127.0.0.1:{endpoint.port}\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serve as a process."""
    parser = argparse.ArgumentParser(description="A scripted persona endpoint, for tests only.")
    parser.add_argument("--port", type=int, default=0, help="0: any")
    parser.add_argument("--answers", type=Path, help="a folder of honest methods")
    parser.add_argument("--script", type=Path, help="a JSON file of answers by selector, and `faults` by persona")
    given = parser.parse_args()
    answers: dict[str, Sequence[str | Reply]] = {}
    if given.answers:
        answers.update(sources_in(given.answers))
    script: dict[str, Any] = json.loads(given.script.read_text()) if given.script else {}
    told: dict[str, list[dict[str, Any]]] = script.pop("faults", {})
    faults = {persona: [Status(**each) for each in replies] for persona, replies in told.items()}
    answers.update(script)
    asyncio.run(_serve(given.port, answering(answers, faults)))


if __name__ == "__main__":
    main()
