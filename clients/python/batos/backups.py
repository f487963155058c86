"""What a backup file is. Law: any tool of any year reads it, and one that is not whole is never taken for one that is.

A gzip file of JSON, one line each, in ASCII:

    {"batos": "backup", "layout": 1, "format": 1, "epoch": "…", "revision": 42, "version": "0.1.0", "date": "…Z"}
    ["/batos/default/d/counter//", "AYSm…"]
    {"entries": 1, "sha256": "…"}

The first line says of which store, revision and version it is, and which format the values have. Each entry is a key
as text (what is no UTF-8 in it as lone surrogates, U+DC80 to U+DCFF, one a byte) and its value in base64. The digest of
the last line is over all keys and values, each preceded by its length as 8 bytes, the highest first.
"""

import gzip
import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import AsyncIterable, Callable, Iterator
from typing import Any, BinaryIO, Final, cast

from batos.errors import BadArguments, StoreUnavailable
from batos.v1 import admin_pb2 as pb

LAYOUT: Final = 1
_LEVEL: Final = 3  # twice as fast as the usual 6, and a tenth larger
_PART: Final = 500  # entries; they are parted by bytes too
_PART_BYTES: Final = 1 << 20
_LONGEST_LINE: Final = 8 << 20

Told = Callable[[int], None]


class _Tally:
    """Counts entries and digests them."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.entries = 0

    def add(self, key: bytes, value: bytes) -> None:
        self.entries += 1
        for part in (key, value):
            self._digest.update(len(part).to_bytes(8, "big"))
            self._digest.update(part)

    def footer(self) -> pb.ExportFooter:
        return pb.ExportFooter(entries=self.entries, digest=self._digest.hexdigest())


async def write(
    parts: AsyncIterable[pb.ExportResponse], out: BinaryIO, date: str, told: Told = lambda _: None
) -> tuple[pb.ExportHeader, int]:
    """Write the parts that Export gives; the header, and how many entries there are. `told` hears of progress.

    Raises StoreUnavailable where the parts break off or are not what their footer says: begin again.
    """
    tally = _Tally()
    header: pb.ExportHeader | None = None
    footer: pb.ExportFooter | None = None
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=out, mtime=0) as packed:
        async for part in parts:
            if part.HasField("header"):
                header = part.header
                packed.write(_line(_head(header, date)))
            elif part.HasField("footer"):
                footer = part.footer
            else:
                packed.write(b"".join(map(_entry_line, part.entries.entries)))
                for entry in part.entries.entries:
                    tally.add(entry.key, entry.value)
                told(tally.entries)
        if header is None or footer is None or footer != tally.footer():
            raise StoreUnavailable("the backup broke off: begin again")
        packed.write(_line({"entries": footer.entries, "sha256": footer.digest}))
    return header, tally.entries


def read(source: BinaryIO, told: Told = lambda _: None) -> Iterator[pb.ExportResponse]:
    """The parts that Import takes. Raises BadArguments where the file is no backup, or no whole one.

    What is damaged may be noticed at the end alone: read to it before you use any part.
    """
    tally = _Tally()
    footer: pb.ExportFooter | None = None
    lines = _lines(source)
    yield pb.ExportResponse(header=_header(next(lines, None)))
    part: list[pb.ExportEntry] = []
    size = 0
    for line in lines:
        if footer is not None:
            raise _damaged("it goes on after its end")
        if isinstance(line, dict):
            footer = _footer(cast("dict[str, Any]", line))
            continue
        entry = _entry(line)
        tally.add(entry.key, entry.value)
        part.append(entry)
        size += len(entry.key) + len(entry.value)
        if len(part) >= _PART or size > _PART_BYTES:
            yield pb.ExportResponse(entries=pb.ExportEntries(entries=part))
            told(tally.entries)
            part, size = [], 0
    if footer is None:
        raise _damaged("its end is missing")
    if footer != tally.footer():
        raise _damaged("its digest is of other entries")
    yield pb.ExportResponse(entries=pb.ExportEntries(entries=part))
    yield pb.ExportResponse(footer=footer)


def verify(source: BinaryIO, told: Told = lambda _: None) -> pb.ExportHeader:
    """Read a file to its end and rewind it; its header. Raises BadArguments where it is no whole backup."""
    parts = read(source, told)
    header = next(parts).header
    for _ in parts:
        pass
    source.seek(0)
    return header


def _head(header: pb.ExportHeader, date: str) -> dict[str, object]:
    store = {"format": header.format, "epoch": header.epoch, "revision": header.revision, "version": header.version}
    return {"batos": "backup", "layout": LAYOUT, **store, "date": date}


def _line(document: object) -> bytes:
    return json.dumps(document).encode() + b"\n"


def _entry_line(entry: pb.ExportEntry) -> bytes:
    return _line([entry.key.decode(errors="surrogateescape"), b64encode(entry.value).decode()])


def _lines(source: BinaryIO) -> Iterator[Any]:
    """The documents of the file, one a line."""
    try:
        with gzip.GzipFile(mode="rb", fileobj=source) as packed:
            while line := packed.readline(_LONGEST_LINE):
                yield json.loads(line)
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise _damaged(str(error)) from None


def _header(line: Any) -> pb.ExportHeader:
    if not isinstance(line, dict):
        raise _damaged("it does not begin as one")
    head = cast("dict[str, Any]", line)
    if head.get("batos") != "backup":
        raise _damaged("it does not begin as one")
    if head.get("layout") != LAYOUT:
        raise BadArguments(
            f"the file has layout {head.get('layout')}, batctl reads layout {LAYOUT}: use a newer batctl"
        )
    try:
        return pb.ExportHeader(
            format=head["format"], epoch=head["epoch"], revision=head["revision"], version=head["version"]
        )
    except (KeyError, TypeError, ValueError):
        raise _damaged("it does not begin as one") from None


def _footer(line: dict[str, Any]) -> pb.ExportFooter:
    try:
        return pb.ExportFooter(entries=line["entries"], digest=line["sha256"])
    except (KeyError, TypeError, ValueError):
        raise _damaged("it holds what is neither an entry nor an end") from None


def _entry(line: Any) -> pb.ExportEntry:
    try:
        key, value = line
        return pb.ExportEntry(key=key.encode(errors="surrogateescape"), value=b64decode(value, validate=True))
    except (AttributeError, TypeError, ValueError, NotBase64):
        raise _damaged("it holds what is neither an entry nor an end") from None


def _damaged(why: str) -> BadArguments:
    return BadArguments(
        f"the file is no whole backup: {why}; nothing was restored", fields={"hint": "take another backup file"}
    )
