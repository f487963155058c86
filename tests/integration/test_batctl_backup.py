"""`batctl backup`, `restore` and `check` as an operator runs them, from one etcd to another."""

import asyncio
import gzip
import json
import os
import socket
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from batos.addresses import Addresses
from batos.cli.exits import Exit
from batos.client import Client
from batos.errors import BadArguments
from batos.v1 import admin_pb2 as pb
from fakes.batctl import batctl
from fakes.etcd import Etcd
from fakes.filled import COUNTER, INCREMENT, LEAF, NS, PUMP, fill, put
from fakes.stores import Kept, in_etcd, in_memory, serving
from kernel.errors import ObjectNotFound, StaleToken
from kernel.objects import ROOT
from kernel.values import Reference
from objectstore.backups import Entries
from objectstore.export import export
from objectstore.keys import EdgeKey, VersionKey
from objectstore.ledger_store import LedgerStore
from objectstore.store import Update


@pytest.fixture
def other_etcd(tmp_path: Path) -> Generator[Etcd]:
    server = Etcd(tmp_path)
    server.start()
    yield server
    server.kill()


@asynccontextmanager
async def served(kept: Kept) -> AsyncGenerator[tuple[LedgerStore, Addresses]]:
    assert isinstance(kept.store, LedgerStore)
    async with serving(kept.store) as address:
        yield kept.store, Addresses(objectstore=str(address))


async def entries(store: LedgerStore) -> dict[bytes, bytes]:
    parts = [part async for part in export(store.ledger, "")]
    return {pair.key: pair.value for part in parts if isinstance(part, Entries) for pair in part.pairs}


async def test_a_store_is_saved_and_restored_in_another_etcd(
    etcd_endpoint: str, other_etcd: Etcd, tmp_path: Path
) -> None:
    file = tmp_path / "store.backup"
    async with in_etcd(etcd_endpoint) as first, served(first) as (full, at):
        await fill(full)
        before = await full.get(NS, PUMP)
        ran = await batctl("backup", str(file), addresses=at)
        assert (ran.code, ran.stdout) == (0, "")
        saved = await entries(full)
        assert ran.stderr.startswith(f"saved {len(saved)} entries of revision ")
    async with in_etcd(other_etcd.endpoint) as second, served(second) as (empty, at):
        ran = await batctl("restore", str(file), addresses=at)
        assert (ran.code, ran.stdout) == (0, "")
        assert ran.stderr.startswith(f"restored {len(saved)} entries of revision ")
        assert await entries(empty) == saved
        after = await empty.get(NS, PUMP)
        assert (after.definition, after.slots) == (before.definition, before.slots)
        assert (await empty.kept_reply(NS, PUMP, after.definition.incarnation, "local", "r1"))[0] is not None
        with pytest.raises(StaleToken):
            await anext(empty.watch(NS, before.token))
        ran = await batctl("check", addresses=at)
        assert (ran.code, ran.stdout) == (0, "")
        again = await batctl("restore", str(file), addresses=at)
        assert (again.code, again.reason) == (Exit.BAD_INPUT, "BAD_ARGUMENTS")
        assert "into an empty store" in again.stderr
        assert again.stderr.splitlines()[-1].startswith("hint: start an empty etcd")


async def test_a_damaged_file_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "store.backup"
    async with in_memory() as first, served(first) as (full, at):
        await fill(full)
        await batctl("backup", str(file), addresses=at)
    whole = gzip.decompress(file.read_bytes())
    middle = whole.index(b"\n", len(whole) // 2) - 6
    damaged = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    async with in_memory() as second, served(second) as (empty, at):
        epoch = empty.epoch
        for text in (damaged, whole[:-1].rsplit(b"\n", 1)[0] + b"\n"):
            file.write_bytes(gzip.compress(text))
            ran = await batctl("restore", str(file), addresses=at)
            assert (ran.code, ran.reason) == (Exit.BAD_INPUT, "BAD_ARGUMENTS")
            assert "no whole backup" in ran.stderr
        with pytest.raises(ObjectNotFound):
            await empty.get(NS, COUNTER)
        assert empty.epoch == epoch


async def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    file = tmp_path / "store.backup"
    file.write_text("mine")
    async with in_memory() as kept, served(kept) as (store, at):
        await fill(store)
        refused = await batctl("backup", str(file), addresses=at)
        assert (refused.code, refused.reason) == (Exit.REFUSED, "FILE_EXISTS")
        assert "--force" in refused.stderr
        assert file.read_text() == "mine"
        assert (await batctl("backup", "--force", str(file), addresses=at)).code == 0
    assert gzip.decompress(file.read_bytes()).startswith(b'{"batos": "backup"')
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_pipe_is_written_into_and_read_from_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    async with in_memory() as first, served(first) as (full, at):
        await fill(full)
        saved = await entries(full)
        ran, text = await asyncio.gather(
            batctl("backup", "--force", str(link), addresses=at), asyncio.to_thread(pipe.read_bytes)
        )
        assert (ran.code, pipe.is_fifo(), link.is_symlink()) == (0, True, True), ran.stderr
    async with in_memory() as second, served(second) as (empty, at):
        ran, _ = await asyncio.gather(
            batctl("restore", str(pipe), addresses=at), asyncio.to_thread(pipe.write_bytes, text)
        )
        assert ran.code == 0, ran.stderr
        assert await entries(empty) == saved


async def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    file, link = tmp_path / "elsewhere" / "store.backup", tmp_path / "link"
    file.write_text("mine")
    link.symlink_to(file)
    async with in_memory() as kept, served(kept) as (store, at):
        await fill(store)
        assert (await batctl("backup", str(link), addresses=at)).reason == "FILE_EXISTS"
        assert (await batctl("backup", "--force", str(link), addresses=at)).code == 0
    assert link.is_symlink()
    assert gzip.decompress(file.read_bytes()).startswith(b'{"batos": "backup"')


async def test_what_is_neither_a_file_nor_a_pipe_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        ran = await batctl("backup", "--force", str(tmp_path / "s"), addresses=Addresses(objectstore="127.0.0.1:1"))
        assert (ran.code, ran.reason) == (Exit.USAGE, "USAGE")
        assert (tmp_path / "s").is_socket()


async def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    nobody = Addresses(objectstore="127.0.0.1:1")
    ran = await batctl("backup", str(tmp_path / "store.backup"), addresses=nobody)
    assert (ran.code, ran.reason) == (Exit.UNAVAILABLE, "UNREACHABLE")
    ran = await batctl("backup", str(tmp_path / "no" / "store.backup"), addresses=nobody)
    assert (ran.code, ran.reason) == (Exit.USAGE, "USAGE")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a path must not be asked in a coroutine


async def test_a_file_that_cannot_be_read_is_told() -> None:
    ran = await batctl("restore", "/nonexistent/store.backup")
    assert (ran.code, ran.reason) == (Exit.USAGE, "USAGE")


async def test_a_backup_goes_through_a_pipe(tmp_path: Path) -> None:
    async with in_memory() as first, served(first) as (full, at):
        await fill(full)
        saved = await entries(full)
        text = await piped("backup", "-", at=at)
    async with in_memory() as second, served(second) as (empty, at):
        await piped("restore", "-", at=at, stdin=text)
        assert await entries(empty) == saved


async def piped(*arguments: str, at: Addresses, stdin: bytes = b"") -> bytes:
    """As batctl, with bytes."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batos.cli", *arguments, "--objectstore", at.objectstore),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "XDG_DATA_HOME": "/nonexistent"},
    )
    stdout, _ = await asyncio.wait_for(child.communicate(stdin), 30)
    assert child.returncode == 0
    return stdout


async def test_a_check_tells_people_and_programs_what_is_wrong() -> None:
    async with in_memory() as kept, served(kept) as (store, at):
        await fill(store)
        await store.update(NS, Update(LEAF, slots={"to": Reference("gone")}))
        known = await batctl("check", addresses=at)
        assert known.code == 0
        assert known.stdout.startswith("known  DANGLING_REFERENCE  /batos/default/o/pump/17/leaf//\n")
        assert known.stderr.endswith(": 0 errors\n")
        incarnation = (await store.get(NS, COUNTER)).definition.incarnation
        await put(store.ledger, VersionKey(NS, COUNTER, incarnation, INCREMENT, 1).encode(), b"\x01\xc1")
        await put(store.ledger, EdgeKey(NS, COUNTER, LEAF).encode(), b"\x01\xc0")
        people = await batctl("check", addresses=at)
        programs = await batctl("check", "-o", "json", addresses=at)
    assert people.code == programs.code == Exit.DAMAGED
    assert people.stderr.endswith(": 2 errors\n")
    report = json.loads(programs.stdout)
    assert {(each["kind"], each["error"]) for each in report["problems"]} == {
        ("DANGLING_REFERENCE", False),
        ("UNREADABLE_VALUE", True),
        ("EDGE_WITHOUT_PARENT", True),
    }
    assert report["keys"] > 30


async def test_a_server_refuses_a_stream_that_ends_early() -> None:
    async def early() -> AsyncGenerator[pb.ExportResponse]:
        yield pb.ExportResponse(header=pb.ExportHeader(format=1))

    async with in_memory() as kept, served(kept) as (store, at), Client(at) as client:
        with pytest.raises(BadArguments, match="its end is missing"):
            await client.administration.restore(early())
        await store.get(NS, ROOT)
