"""A real clamd that knows one virus: EICAR's pattern, wherever it stands in a file."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "clamd.conf"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
OURS = {"User", "DatabaseDirectory", "TCPSocket", "TCPAddr", "LocalSocket", "LogTime"}
"""What a test sets for itself; the rest is as it is deployed."""
PROGRAM = "/usr/sbin/clamd"


def installed(program: str) -> str:
    """Its path. Where a Debian package is missing, a test is skipped; in CI that is a failure."""
    found = shutil.which(program)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"{program} is not installed")
    assert found, f"{program} is not installed"
    return found


def polyglot(picture: bytes) -> bytes:
    """A picture that every decoder takes, with a virus behind its end."""
    return picture + EICAR


class Clamd:
    def __init__(self, folder: Path, **changes: str) -> None:
        self.socket = str(folder / "clamd.sock")
        self._program = installed(PROGRAM)
        self._file = folder / "clamd.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._signatures = folder / "signatures"
        self._signatures.mkdir(parents=True)
        self._know("Eicar", EICAR)
        kept = [
            line
            for line in CONFIGURATION.read_text().splitlines()
            if line.split(" ")[0] not in OURS | set(changes)
        ]
        ours = {"DatabaseDirectory": str(self._signatures), "LocalSocket": self.socket} | changes
        lines = [*kept, "Foreground yes", *(f"{name} {value}" for name, value in ours.items())]
        self._file.write_text("\n".join(lines) + "\n")

    def learn(self, name: str, pattern: bytes) -> None:
        """A signature more, by a restart."""
        self._know(name, pattern)
        self.stop()
        self.start()

    def start(self) -> None:
        command = [self._program, f"--config-file={self._file}"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, "clamd does not take its configuration"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)
            self._process = None
            Path(self.socket).unlink(missing_ok=True)

    def hang(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def _know(self, name: str, pattern: bytes) -> None:
        file = self._signatures / f"{name}.ndb"
        file.write_text(f"Darkroom.Test.{name}:0:*:{pattern.hex()}\n")

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(2)
                probe.connect(self.socket)
                probe.sendall(b"zPING\0")
                return probe.recv(10) == b"PONG\0"
        except OSError:
            return False
