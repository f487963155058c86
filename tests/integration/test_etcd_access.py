"""How etcd lets the objectstore in: certificates, users, tokens that expire; and what it says where it does not."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from chassis.address import Address
from fakes.certificates import Authority
from fakes.etcd import Etcd, free_ports
from fakes.stores import writing
from kernel.objects import DEFAULT_NAMESPACE, ObjectId
from kernel.transactions import Lane
from objectstore.etcd.access import Access
from objectstore.etcd.failures import NotLetIn, NotTrusted
from objectstore.etcd.ledger import EtcdLedger
from objectstore.keys import META
from objectstore.ledger import Span, Step
from objectstore.ledger_store import LedgerStore
from objectstore.store import NewObject

NS = DEFAULT_NAMESPACE
A = ObjectId("a")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Etcd]:
    """An etcd that speaks TLS and asks for certificates."""
    server = Etcd(tmp_path_factory.mktemp("secured"), authority=authority)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """An etcd with users, whose tokens expire after 2 s without use."""
    server = Etcd(tmp_path_factory.mktemp("guarded"), flags=["--auth-token-ttl=2"])
    server.start()
    server.make_users("batos", "secret")
    yield server
    server.kill()


def access_by(authority: Authority, trusted: Authority | None = None) -> Access:
    ours = authority.sign("objectstore")
    return Access((trusted or authority).ca.read_bytes(), ours.certificate.read_bytes(), ours.key.read_bytes())


async def opened(server: Etcd, access: Access | None, seconds: float = 10.0) -> EtcdLedger:
    return await EtcdLedger.open([Address.parse(server.endpoint)], access=access, ready_seconds=seconds)


async def test_a_store_behind_tls_and_client_certificates_is_read_written_and_watched(
    secured: Etcd, authority: Authority
) -> None:
    ledger = await opened(secured, access_by(authority))
    store = await LedgerStore.open(ledger)
    made = await store.create(NS, NewObject(A, slots={"n": 0}))
    token = await store.commit(writing(made, slots={"n": 1}), Lane("l", 1))
    async with asyncio.timeout(10), aclosing(store.watch(NS, made.token)) as watch:
        async for changes in watch:
            if changes.token.revision >= token.revision:
                break
    await ledger.close()


async def test_the_name_of_an_endpoint_is_what_its_certificate_must_be_of(secured: Etcd, authority: Authority) -> None:
    ledger = await EtcdLedger.open([Address("localhost", secured.client_port)], access=access_by(authority))
    await ledger.read(Span.key(META))
    await ledger.close()


async def test_an_etcd_of_another_authority_is_not_trusted(secured: Etcd, authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(NotTrusted, match=f"certificate of etcd at {secured.endpoint} is not trusted"):
        await opened(secured, access_by(authority, Authority(tmp_path, "another")), 1.0)


async def objectstore(**environment: str) -> tuple[int, str]:
    """The exit code of an objectstore that cannot start, and the last line that it says."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BATOS_", "OTEL_"))}
    given = {"BATOS_LISTEN": "127.0.0.1:0", "BATOS_ETCD_WAIT": "1s", **environment}
    program = (sys.executable, "-m", "objectstore")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*program, env={**inherited, **given}, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    return process.returncode or 0, said.decode().strip()


async def test_an_objectstore_that_is_not_let_in_says_why_and_where_to_look(
    secured: Etcd, guarded: Etcd, tmp_path: Path
) -> None:
    another = Authority(tmp_path, "another")
    code, said = await objectstore(BATOS_ETCD_ENDPOINTS=secured.endpoint, BATOS_ETCD_CA=str(another.ca))
    assert code == 1
    assert "see BATOS_ETCD_CA" in said.splitlines()[-1]
    code, said = await objectstore(BATOS_ETCD_ENDPOINTS=guarded.endpoint)
    assert code == 1
    assert "see BATOS_ETCD_USER" in said.splitlines()[-1]
    wrong = tmp_path / "password"
    wrong.write_text("guess\n")
    code, said = await objectstore(
        BATOS_ETCD_ENDPOINTS=guarded.endpoint, BATOS_ETCD_USER="batos", BATOS_ETCD_PASSWORD_FILE=str(wrong)
    )
    assert code == 1
    assert "invalid user ID or password" in said.splitlines()[-1]
    assert "guess" not in said


async def test_files_that_are_missing_or_not_in_pem_are_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not a certificate")
    code, said = await objectstore(
        BATOS_ETCD_CA=str(tmp_path / "missing"), BATOS_ETCD_CERT=str(tmp_path / "x"), BATOS_ETCD_PASSWORD_FILE="/none"
    )
    assert code == 2
    assert "BATOS_ETCD_CA" in said
    assert "No such file" in said
    assert "BATOS_ETCD_CERT" in said
    assert "PEM" in said
    assert "BATOS_ETCD_PASSWORD_FILE" in said


@pytest.mark.parametrize(
    "given",
    [
        {"BATOS_ETCD_CERT": "cert"},
        {"BATOS_ETCD_CERT": "cert", "BATOS_ETCD_KEY": "key"},
        {"BATOS_ETCD_USER": "batos"},
        {"BATOS_ETCD_PASSWORD": "x"},
        {"BATOS_ETCD_PASSWORD": "x", "BATOS_ETCD_PASSWORD_FILE": "cert", "BATOS_ETCD_USER": "batos"},
    ],
)
async def test_settings_that_go_together_are_asked_for_together(authority: Authority, given: dict[str, str]) -> None:
    ours = authority.sign("alone")
    files = {"cert": str(ours.certificate), "key": str(ours.key)}
    code, said = await objectstore(**{name: files.get(value, value) for name, value in given.items()})
    assert code == 2
    (mistake,) = said.splitlines()[1:-1]  # between how many there are and where help is: nothing was started
    assert next(iter(given)) in mistake


def files(ca: Authority, certificate: Path | None = None, key: Path | None = None) -> dict[str, str]:
    given = {"BATOS_ETCD_CA": ca.ca, "BATOS_ETCD_CERT": certificate, "BATOS_ETCD_KEY": key}
    return {name: str(path) for name, path in given.items() if path is not None}


async def test_a_key_of_another_certificate_and_an_authority_that_is_none_are_told_before_anything_is_sent(
    authority: Authority,
) -> None:
    one, other = authority.sign("one"), authority.sign("other")
    code, said = await objectstore(**files(authority, one.certificate, other.key))
    assert code == 2
    assert "BATOS_ETCD_CERT: with BATOS_ETCD_KEY, the certificate and the key do not belong together" in said
    code, said = await objectstore(
        BATOS_ETCD_CA=str(one.key), BATOS_ETCD_CERT=str(one.key), BATOS_ETCD_KEY=str(one.key)
    )
    assert code == 2
    assert "BATOS_ETCD_CA: the file holds no certificate" in said
    assert "BATOS_ETCD_CERT: with BATOS_ETCD_KEY, the certificate or the key cannot be read" in said
    assert "PRIVATE" not in said


async def told(where: str, **given: str) -> str:
    """What an objectstore says last that does not come to speak with etcd; it says nothing else but that it waits."""
    code, said = await objectstore(BATOS_ETCD_ENDPOINTS=where, **given)
    assert code == 1
    assert said.count("\n") == 1, said
    waiting, last = said.splitlines()
    assert waiting.endswith(f"waiting for etcd at {where}")
    return last


async def test_each_way_in_which_tls_does_not_come_about_is_told_in_words(
    secured: Etcd, etcd_server: Etcd, authority: Authority, tmp_path: Path
) -> None:
    another = Authority(tmp_path, "another")
    foreign = another.sign("objectstore")
    tls, plain = secured.endpoint, etcd_server.endpoint
    see = ": see BATOS_ETCD_CA, BATOS_ETCD_CERT and BATOS_ETCD_KEY"
    speaks = f"objectstore: etcd at {tls} speaks TLS, and no authority of its certificates is named{see}"
    assert await told(tls) == speaks
    refuses = f"objectstore: etcd at {plain} does not speak TLS, and an authority of its certificates is named{see}"
    assert await told(plain, **files(authority)) == refuses
    assert f"{tls} asks for a certificate, and none is named{see}" in await told(tls, **files(authority))
    assert "does not take our certificate" in await told(tls, **files(authority, foreign.certificate, foreign.key))
    assert f"{tls} is not trusted: unable to get local issuer" in await told(tls, **files(another))
    dead = f"127.0.0.1:{free_ports(1)[0]}"
    assert "start one there" in await told(dead, **files(authority))
    assert "start one there" in await told(dead)


BATOS = Access(user="batos", password="secret")


async def test_a_token_that_has_expired_is_replaced_and_no_one_notices(guarded: Etcd) -> None:
    ledger = await opened(guarded, BATOS)
    store = await LedgerStore.open(ledger)
    found = await store.create(NS, NewObject(A, slots={"n": 0}))
    for n in range(1, 4):
        await asyncio.sleep(4)  # etcd looks for expired ones every second
        await store.commit(writing(found, slots={"n": n}), Lane("l", n))
        found = await store.get(NS, A)
        assert found.slots is not None
    await store.delete(NS, A)
    await ledger.close()


async def test_a_watch_that_begins_with_an_expired_token_and_one_that_outlives_it_tell_all(guarded: Etcd) -> None:
    ledger = await opened(guarded, BATOS)
    key = b"/batos/x"
    start = await ledger.transact(Step(puts={key: b"0"}))
    assert start is not None
    async with asyncio.timeout(30), aclosing(ledger.watch(Span.key(key), start)) as early:
        first = asyncio.create_task(anext(early))
        await asyncio.sleep(4)
        await ledger.transact(Step(puts={key: b"1"}))
        assert [event.value for event in (await first).events] == [b"1"]
        await asyncio.sleep(4)
        async with aclosing(ledger.watch(Span.key(key), start)) as late:
            assert [event.value for event in (await anext(late)).events] == [b"1"]
    await ledger.close()


async def test_a_lease_is_kept_alive_over_expired_tokens(guarded: Etcd) -> None:
    ledger = await opened(guarded, BATOS)
    lease = await ledger.grant(10)
    await ledger.post(lease, b"/batos/leased", b"1")
    await asyncio.sleep(4)
    assert await ledger.renew(lease)
    await asyncio.sleep(4)
    await ledger.revoke(lease)
    assert (await ledger.read(Span.key(b"/batos/leased"))).only(0) is None
    await ledger.close()


async def test_a_user_goes_on_after_etcd_was_restarted(tmp_path: Path) -> None:
    server = Etcd(tmp_path)
    server.start()
    try:
        server.make_users("batos", "secret")
        ledger = await opened(server, BATOS)
        await ledger.transact(Step(puts={b"/batos/x": b"1"}))
        server.kill()
        server.start()
        assert (await ledger.read(Span.key(b"/batos/x"))).only(0) is not None
        assert await ledger.transact(Step(puts={b"/batos/x": b"2"}))
        await ledger.close()
    finally:
        server.kill()


async def test_a_user_who_may_not_is_told_so(guarded: Etcd) -> None:
    ledger = await opened(guarded, BATOS)
    with pytest.raises(NotLetIn, match="below /batos/"):
        await ledger.read(Span.key(b"/elsewhere"))
    with pytest.raises(NotLetIn, match="below /batos/"):
        await ledger.transact(Step(puts={b"/elsewhere": b"1"}))
    await ledger.close()


async def test_a_user_is_no_harm_where_etcd_asks_for_none(etcd_server: Etcd) -> None:
    ledger = await opened(etcd_server, BATOS)
    assert await ledger.transact(Step(puts={b"/batos/x": b"1"}))
    await ledger.close()
