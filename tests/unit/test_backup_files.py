"""A backup file: what was written is read again, for years, and what is damaged is refused."""

import gzip
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batos import backups
from batos.errors import BadArguments, StoreUnavailable
from batos.v1 import admin_pb2 as pb
from objectstore.backups import Pair, Tally

GOLDEN = Path(__file__).parent.parent / "golden" / "layout-1.backup"
HEADER = pb.ExportHeader(format=1, epoch="feedfacecafebeef", revision=42, version="0.1.0")
DATE = "2026-01-02T03:04:05Z"
PAIRS = [
    (b"/batos/default/d/a//", b"\x01\x80"),
    (b"/batos/default/d/\xff\xc3\xa4//", b"\0\xff" * 9),
    (b"/batos/x", b""),
]


def parts_of(pairs: Sequence[tuple[bytes, bytes]]) -> list[pb.ExportResponse]:
    tally = Tally()
    for pair in pairs:
        tally.add(Pair(*pair))
    entries = [pb.ExportEntry(key=key, value=value) for key, value in pairs]
    footer = tally.footer()
    return [
        pb.ExportResponse(header=HEADER),
        pb.ExportResponse(entries=pb.ExportEntries(entries=entries)),
        pb.ExportResponse(footer=pb.ExportFooter(entries=footer.entries, digest=footer.digest)),
    ]


async def written(parts: Sequence[pb.ExportResponse]) -> bytes:
    async def given() -> AsyncGenerator[pb.ExportResponse]:
        for part in parts:
            yield part

    out = BytesIO()
    await backups.write(given(), out, DATE)
    return out.getvalue()


def entries_of(parts: Sequence[pb.ExportResponse]) -> list[tuple[bytes, bytes]]:
    return [(entry.key, entry.value) for part in parts for entry in part.entries.entries]


@given(st.lists(st.tuples(st.binary(), st.binary()), max_size=30))
async def test_what_was_written_is_read(pairs: list[tuple[bytes, bytes]]) -> None:
    parts = list(backups.read(BytesIO(await written(parts_of(pairs)))))
    assert entries_of(parts) == pairs
    assert (parts[0].header, parts[-1].footer) == (HEADER, parts_of(pairs)[-1].footer)


async def test_the_parts_of_a_large_file_are_small() -> None:
    pairs = [(f"/batos/k{number:05}".encode(), b"x" * 10_000) for number in range(1500)]
    parts = list(backups.read(BytesIO(await written(parts_of(pairs)))))
    assert entries_of(parts) == pairs
    assert max(part.ByteSize() for part in parts) < 2 << 20


async def test_the_file_of_this_layout_is_read_and_written_for_ever() -> None:
    assert entries_of(list(backups.read(BytesIO(GOLDEN.read_bytes())))) == PAIRS
    lines = gzip.decompress(await written(parts_of(PAIRS))).splitlines()
    assert lines == gzip.decompress(GOLDEN.read_bytes()).splitlines()
    assert json.loads(lines[0]) == {
        "batos": "backup",
        "layout": 1,
        "format": 1,
        "epoch": "feedfacecafebeef",
        "revision": 42,
        "version": "0.1.0",
        "date": DATE,
    }


async def test_a_file_with_any_byte_changed_or_cut_anywhere_is_refused() -> None:
    whole = await written(parts_of(PAIRS))
    for position in range(len(whole)):
        for damaged in (whole[:position], whole[:position] + bytes([whole[position] ^ 0x41]) + whole[position + 1 :]):
            try:
                backups.verify(BytesIO(damaged))
            except BadArguments:
                continue
            # The head of gzip holds what says nothing of the content: a date, the system, flags.
            assert position < 10
            assert entries_of(list(backups.read(BytesIO(damaged)))) == PAIRS


def packed(*lines: object) -> BytesIO:
    return BytesIO(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))


HEAD = {"batos": "backup", "layout": 1, "format": 1, "epoch": "e", "revision": 1, "version": "1", "date": DATE}
FOOT = {"entries": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [HEAD],
        [FOOT],
        [["/batos/x", ""], FOOT],
        [{**HEAD, "batos": "other"}, FOOT],
        [{**HEAD, "layout": 2}, FOOT],
        [{**HEAD, "revision": "x"}, FOOT],
        [HEAD, {"entries": 0}],
        [HEAD, FOOT, FOOT],
        [HEAD, FOOT, ["/batos/x", ""]],
        [HEAD, ["/batos/x", ""], FOOT],
        [HEAD, ["/batos/x", "?"], FOOT],
        [HEAD, ["/batos/x"], FOOT],
        [HEAD, 7, FOOT],
        [HEAD, {**FOOT, "entries": 1}],
    ],
)
def test_what_is_no_whole_backup_is_refused(lines: list[object]) -> None:
    with pytest.raises(BadArguments):
        backups.verify(packed(*lines))


def test_a_backup_of_an_empty_store_is_one() -> None:
    assert backups.verify(packed(HEAD, FOOT)).epoch == "e"


def broken_off(parts: list[pb.ExportResponse]) -> list[pb.ExportResponse]:
    return parts[:-1]


def changed(parts: list[pb.ExportResponse]) -> list[pb.ExportResponse]:
    parts[1].entries.entries[0].value += b"!"
    return parts


@pytest.mark.parametrize("damage", [broken_off, changed])
async def test_an_export_that_breaks_off_is_written_without_an_end(
    damage: Callable[[list[pb.ExportResponse]], list[pb.ExportResponse]],
) -> None:
    with pytest.raises(StoreUnavailable, match="begin again"):
        await written(damage(parts_of(PAIRS)))
