"""The data folder of one installation: what of it has to survive, and who may work on it."""

import base64
import fcntl
import json
import os
import random
import socket
from pathlib import Path

import msgspec

WEED_PARTS = ("master", "volume", "filer", "s3", "admin")
PORTS = ("nats", *WEED_PARTS, *(f"{part}.grpc" for part in WEED_PARTS))
RANGE = range(20_000, 32_000)  # below what the kernel hands out to outgoing connections


class FolderBusy(Exception):
    """Another Darkroom runs on this data folder."""


class DataFolder:
    """Everything of one installation that has to survive: keys, data, logs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def lock(self) -> None:
        """Make this process the folder's only master. Raises FolderBusy."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("logs", "nats", "objects", "spool", "metrics"):
            (self.path / name).mkdir(exist_ok=True)
        self._lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderBusy(str(self.path)) from error

    @property
    def instance_key(self) -> str:
        """The key in base64, made on first use."""
        file = self.path / "instance.key"
        if not file.exists():
            write_durably(file, base64.b64encode(os.urandom(32)))
        return file.read_text().strip()

    @property
    def ports(self) -> dict[str, int]:
        """A port for each server: the same as last time, where it is free."""
        file = self.path / "ports.json"
        last = json.loads(file.read_text()) if file.exists() else {}
        ports = {name: last.get(name, 0) for name in PORTS}
        if not (len(set(ports.values())) == len(PORTS) and all(map(_free, ports.values()))):
            ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
            file.write_text(json.dumps(ports))
        return ports

    def publish(self, environment: dict[str, str]) -> None:
        """Leave word for other commands of how to reach this installation."""
        write_durably(self.path / "endpoints.json", msgspec.json.encode(environment))

    def endpoints(self) -> dict[str, str]:
        """What `publish` left. Raises FileNotFoundError."""
        return dict(json.loads((self.path / "endpoints.json").read_text()))


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return port > 0


def _free_ports(count: int) -> list[int]:
    return [port for port in random.sample(RANGE, 500) if _free(port)][:count]


def write_durably(file: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner only, on disk when it returns."""
    new = file.with_name(file.name + ".new")
    descriptor = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
