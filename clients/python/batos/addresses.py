"""Where the services are. Law: `batctl up` writes this file when all of them serve, and removes it when it stops."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self, cast

FILE = "addresses.json"


@dataclass(frozen=True, slots=True)
class Addresses:
    """`host:port` of each service; what nothing else says is where a service listens by default."""

    dispatcher: str = "127.0.0.1:7001"
    synthesizer: str = "127.0.0.1:7002"
    objectstore: str = "127.0.0.1:7003"

    @classmethod
    def read(cls, data: Path) -> Self:
        """The addresses kept in a data folder; the defaults for those it does not tell, or where there is no file."""
        try:
            text = (data / FILE).read_text()
        except OSError:
            return cls()
        try:
            kept = cast("object", json.loads(text))
        except ValueError:
            return cls()
        return cls().changed(cast("Mapping[str, object]", kept)) if isinstance(kept, dict) else cls()

    def changed(self, given: Mapping[str, object]) -> Self:
        """These addresses, those that are given and not empty in their place."""
        names = [field.name for field in fields(self)]
        new = {name: value for name in names if isinstance(value := given.get(name), str) and value}
        return type(self)(**{**cast("dict[str, str]", asdict(self)), **new})

    def write(self, data: Path) -> None:
        """Keep them in a data folder, for its owner; a reader finds the old file or the new one."""
        scratch = data / f".{FILE}"
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(asdict(self), indent=2) + "\n")
        scratch.replace(data / FILE)
