"""A running Darkroom, seen from outside: its process, its command line, its HTTP."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil

TRUST = ssl.create_default_context()
"""Made once: httpx would make one for each client, at 25 ms each."""
DARKROOM = str(Path(sys.executable).with_name("darkroom"))
SERVERS = {"postgres": "postgres -D", "nats": "nats-server --config", "objects": "mini"}


class Service:
    """`darkroom up` on a data folder of its own."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.environment = {"DARKROOM_RATE_LIMITS": "off"} | environment
        self.url = ""
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._clients: list[httpx.Client] = []

    def start(self, within: float = 240.0, prefix: Sequence[str] = ()) -> float:
        """Returns the seconds until it was ready. The port stays: tokens name their issuer."""
        began = time.monotonic()
        self._process = subprocess.Popen(
            [*prefix, DARKROOM, "up", "--data", str(self.data), "--port", str(self.port)],
            env=inherited() | self.environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith("Darkroom is ready at "), (line, self.logs())
        self.url = line.removeprefix("Darkroom is ready at ").strip()
        assert time.monotonic() - began < within
        return time.monotonic() - began

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Returns the seconds until nothing of it was left."""
        assert self._process is not None
        began, family = time.monotonic(), self.family()
        self._process.send_signal(number)
        assert self._process.wait(20) == 0
        self._closed()
        _, alive = psutil.wait_procs(family, timeout=15)
        assert not alive, alive
        return time.monotonic() - began

    def kill_everything(self) -> None:
        """`kill -9` of the process group; what it started dies with it."""
        assert self._process is not None
        family = self.family()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)
        self._closed()
        _, alive = psutil.wait_procs(family, timeout=15)
        assert not alive, alive

    def kill(self, name: str) -> None:
        """`kill -9` of one server or role, by name."""
        found = [process for process in self.family() if self._is(process, name)]
        assert found, (name, self.family())
        for process in found:
            process.kill()

    def runs(self, name: str) -> bool:
        return any(self._is(process, name) for process in self.family())

    def family(self) -> list[psutil.Process]:
        assert self._process is not None
        me = psutil.Process(self._process.pid)
        return [me, *me.children(recursive=True)]

    def run(self, *arguments: str, within: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Another command on the same data folder."""
        command = [DARKROOM, *arguments, "--data", str(self.data)]
        return subprocess.run(
            command, env=inherited(), capture_output=True, text=True, timeout=within, check=False
        )

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url, timeout=60, headers=headers, verify=TRUST)
        self._clients.append(client)
        return client

    def logs(self) -> str:
        return "\n".join(
            f"== {file.name}\n{file.read_text(errors='replace')[-3000:]}"
            for file in sorted((self.data / "logs").glob("*.log"))
        )

    def await_ready(self, within: float = 30.0) -> dict[str, Any]:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(f"{self.url}/health/ready", timeout=5, verify=TRUST)
                if answer.status_code == 200:
                    return dict(answer.json())
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready again\n{self.logs()}")

    def _is(self, process: psutil.Process, name: str) -> bool:
        try:
            line = " ".join(process.cmdline())
        except psutil.NoSuchProcess:
            return False
        return SERVERS.get(name, f"-m cli {name}") in line

    def _closed(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.stdout.close()
        while self._clients:
            self._clients.pop().close()


def inherited() -> dict[str, str]:
    """What is in the environment but for Darkroom: the tests have settings of their own."""
    return {name: it for name, it in os.environ.items() if not name.startswith("DARKROOM_")}


def coming_from(service: Service, address: str, **headers: str) -> httpx.Client:
    """A client of its own address: the whole of 127.0.0.0/8 is this machine."""
    transport = httpx.HTTPTransport(local_address=address, verify=TRUST)
    return httpx.Client(base_url=service.url, transport=transport, headers=headers, timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
