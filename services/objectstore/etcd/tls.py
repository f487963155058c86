"""What is wrong with TLS. Law: nothing is decided here; it is only told, in words, why gRPC gets no connection.

gRPC says of a failed handshake little more than that it failed. Python's ssl tells the reason: of the certificates
before anything is sent, and of an etcd once nobody there has answered.
"""

import asyncio
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from chassis.address import Address
from objectstore.etcd.access import Access

PROBE_SECONDS: Final = 1.0
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # and empty SETTINGS
_FRAME: Final = 9  # bytes of the head of a frame; the fourth is its type
_SETTINGS: Final = 4


def mistake_of_pair(certificate: bytes, key: bytes) -> str | None:
    """Why a certificate and a key, in PEM, cannot be used together; None where they can."""
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the certificate and the key do not belong together"
        return f"the certificate or the key cannot be read: expected PEM, the key without a password ({error})"
    return None


def mistake_of_authority(ca: bytes) -> str | None:
    """Why an authority's file, in PEM, cannot be used; None where it can."""
    try:
        _trusting(ca)
    except ssl.SSLError:
        return "the file holds no certificate that can be read"
    return None


async def why(endpoint: Address, access: Access) -> str | None:
    """What keeps us from an etcd that is there; None where nobody is, or where it is not TLS. Takes a few seconds."""
    if access.ca is None:
        speaks = await _speaks_tls(endpoint)
        return f"etcd at {endpoint} speaks TLS, and no authority of its certificates is named" if speaks else None
    if await _speaks_plainly(endpoint):
        return f"etcd at {endpoint} does not speak TLS, and an authority of its certificates is named"
    try:
        await _answer(endpoint, _ours(access, access.ca))
    except ssl.SSLCertVerificationError as error:
        return f"the certificate of etcd at {endpoint} is not trusted: {error.verify_message}"
    except TimeoutError:
        return None
    except OSError:
        # It lets a client know with an alert, or by hanging up, that it does not take its certificate.
        return await _why_not_taken(endpoint, access)
    return None


async def _why_not_taken(endpoint: Address, access: Access) -> str | None:
    if not await _speaks_tls(endpoint):
        return None
    if access.certificate is None:
        return f"etcd at {endpoint} asks for a certificate, and none is named"
    return f"etcd at {endpoint} does not take our certificate: is it of an authority that etcd trusts?"


async def _speaks_tls(endpoint: Address) -> bool:
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        await _answer(endpoint, anyone)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except (TimeoutError, OSError):
        return False
    return True


async def _speaks_plainly(endpoint: Address) -> bool:
    try:
        answer = await _answer(endpoint, None)
    except (TimeoutError, OSError):
        return False
    return len(answer) == _FRAME and answer[3] == _SETTINGS


async def _answer(endpoint: Address, tls: ssl.SSLContext | None) -> bytes:
    """The first bytes that it says to one who begins as gRPC does; it refuses a certificate only there."""
    if tls is not None:
        tls.set_alpn_protocols(["h2"])
    async with asyncio.timeout(PROBE_SECONDS):
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=tls)
        try:
            writer.write(_PREFACE)
            return await reader.read(_FRAME)
        finally:
            writer.transport.abort()  # it need not agree to the end


def _ours(access: Access, ca: bytes) -> ssl.SSLContext:
    context = _trusting(ca)
    if access.certificate is not None and access.key is not None:
        _load(context, access.certificate, access.key)
    return context


def _trusting(ca: bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca.decode("ascii", "ignore"))


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # Python reads them from files alone; nobody else may read this folder.
    with TemporaryDirectory() as folder:
        files = Path(folder) / "certificate", Path(folder) / "key"
        for file, content in zip(files, (certificate, key), strict=True):
            file.write_bytes(content)
        context.load_cert_chain(*files, password="")  # else it would ask for one at the terminal
