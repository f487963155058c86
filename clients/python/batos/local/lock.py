"""One `batctl up` a data folder. Law: the lock ends with who holds it, and leaves no empty folder."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from batos.errors import BatosError
from batos.local.errors import DataInUse
from batos.local.private import private_folder

_LOCK = "lock"


class DataLock:
    """The lock of a data folder; the folder is made where there is none."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file: int | None = None
        self._made: list[Path] = []

    def take(self) -> None:
        """Hold it. Raises DataInUse where another does, BatosError where the folder cannot be used."""
        self._made = [folder for folder in (self._data, *self._data.parents) if not folder.exists()]
        try:
            private_folder(self._data)
            file = os.open(self._data / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            hint = "take another folder with --data DIR"
            text = f"cannot use {self._data}: {error.strerror}"
            raise BatosError(text, reason="NOT_STARTED", fields={"hint": hint}) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 32).decode(errors="replace").strip()
            os.close(file)
            raise DataInUse(self._data, owner) from None
        os.truncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Let it go, with the folders that were made for it where nothing is in them. Safe to repeat."""
        if self._file is not None:
            if self._made and [item.name for item in self._data.iterdir()] == [_LOCK]:
                (self._data / _LOCK).unlink()
                with suppress(OSError):  # another put something there meanwhile
                    for folder in self._made:
                        folder.rmdir()
            os.close(self._file)
            self._file = None
