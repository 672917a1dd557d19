"""What became of which file, on disk: a run that was broken off goes on where it stood."""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path("darkroom") / "uploads.jsonl"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One state of one file, for one account of one server."""

    server: str
    account: str
    path: str
    size: int
    mtime: int
    """Nanoseconds."""

    @property
    def key(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`ticket`: what POST /v1/uploads answered; `image`: what POST /v1/images did."""

    key: str
    path: str
    sha256: str
    ticket: dict[str, Any] | None = None
    image: dict[str, str] | None = None


class Journal:
    """One line an entry, the last one counts. Several runs may write to one file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._entries: dict[str, Entry] = {}
        if file.exists():
            for line in file.read_bytes().splitlines():
                self._remember(line)
        # presigned URLs are as good as passwords
        self._out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def find(self, source: Source) -> Entry | None:
        return self._entries.get(source.key)

    def write(self, entry: Entry) -> None:
        """Kept when it returns, unless the machine itself dies."""
        self._entries[entry.key] = entry
        os.write(self._out, b"\n" + msgspec.json.encode(entry) + b"\n")

    def close(self) -> None:
        os.close(self._out)

    def _remember(self, line: bytes) -> None:
        """A line that was torn by a kill says nothing."""
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except msgspec.DecodeError:
            return
        self._entries[entry.key] = entry


def default_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / FOLDER
