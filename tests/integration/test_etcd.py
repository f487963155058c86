"""The etcd that tests stand on keeps what it promises them."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aetcd
import pytest

from fakes.etcd import Etcd, EtcdFailed


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Etcd]:
    server = Etcd(tmp_path)
    yield server
    server.kill()


@pytest.fixture
async def client(etcd_server: Etcd) -> AsyncIterator[aetcd.Client]:
    async with aetcd.Client("127.0.0.1", etcd_server.client_port) as connected:
        yield connected


async def test_a_wiped_etcd_holds_no_key(client: aetcd.Client, etcd_server: Etcd) -> None:
    keys = (b"\0first", b"/batos/meta", b"\xff\xff last")
    for key in keys:
        await client.put(key, b"1")
    etcd_server.wipe()
    assert [await client.get(key) for key in keys] == [None, None, None]


async def test_a_killed_etcd_comes_back_on_the_same_endpoint_with_its_keys(own: Etcd) -> None:
    own.start()
    endpoint = own.endpoint
    async with aetcd.Client("127.0.0.1", own.client_port) as client:
        await client.put(b"kept", b"1")
    own.kill()
    own.start()
    async with aetcd.Client("127.0.0.1", own.client_port) as client:
        kept = await client.get(b"kept")
    assert kept is not None
    assert (own.endpoint, kept.value) == (endpoint, b"1")


def test_a_port_in_use_fails_at_once_with_the_reason_of_etcd(own: Etcd) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", own.client_port))
        taken.listen()
        with pytest.raises(EtcdFailed, match="address already in use"):
            own.start()


def test_a_stopped_etcd_has_no_pid_and_stops_twice(own: Etcd) -> None:
    own.start()
    assert own.pid > 0
    own.stop()
    own.stop()
    with pytest.raises(EtcdFailed, match="not running"):
        _ = own.pid
