"""Certificates for tests, made by openssl: an authority of this moment, and what it signs for this machine."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_DAYS = "2"
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Signed:
    """The files of a certificate and its key, in PEM."""

    certificate: Path
    key: Path


class Authority:
    """An authority whose files lie in a folder; `ca` is its own certificate's."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.ca, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl("req", "-x509", "-days", _DAYS, *_CURVE, "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca)

    def sign(self, name: str) -> Signed:
        """A certificate for servers and clients on this machine."""
        made = Signed(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl("req", *_CURVE, "-subj", f"/CN={name}", "-keyout", made.key, "-out", request)
        signing = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-days", _DAYS, "-extfile", extensions)
        _openssl("x509", "-req", "-in", request, "-out", made.certificate, *signing)
        return made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
