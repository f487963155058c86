"""What is kept in a data folder. Law: its owner alone reads it, since messages and methods may be in it."""

import re
from pathlib import Path

UMASK = 0o077
_FOLDER, _FILE = 0o700, 0o600
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")


def private_folder(folder: Path) -> Path:
    """The folder, made where there is none (those above it as usual). Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=_FOLDER, exist_ok=True)
    return folder


def private_file(file: Path) -> Path:
    """The file, made empty where there is none. Raises OSError."""
    file.touch(mode=_FILE)
    return file


def without_credentials(text: str) -> str:
    """The text, `user:password@` of every URL masked."""
    return _CREDENTIALS.sub("***@", text)
