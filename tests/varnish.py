"""A real Varnish in front of a service, with the rules that are deployed."""

import re
import subprocess
import time
from pathlib import Path

import httpx
import psutil

from tests.clamd import installed
from tests.service import TRUST

RULES = Path(__file__).parents[1] / "deploy" / "varnish.vcl"


class Varnish:
    """Names are for compose.yaml's network: here the API is at a port, and we may ban."""

    def __init__(self, folder: Path, port: int, origin: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        rules = RULES.read_text().replace("import dynamic;\n", "")
        rules = re.sub(r"sub vcl_init \{.*?\n\}\n", "", rules, flags=re.S)
        rules = rules.replace("set beresp.transit_buffer = 1MB;", "")  # Debian's is older
        rules = rules.replace('set req.backend_hint = api.backend("api");', "")
        backend = f'backend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}'
        rules = re.sub(r"backend default none;.*", backend, rules)
        rules = rules.replace('"10.213.77.0"/24;', '"127.0.0.1";')
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rules.vcl").write_text(rules)

    def start(self) -> None:
        command = [
            *(
                installed("/usr/sbin/varnishd"),
                "-j",
                "none",
                "-F",
                "-f",
                str(self._folder / "rules.vcl"),
            ),
            *("-a", f"127.0.0.1:{self._port}", "-n", str(self._folder / "work")),
            *("-s", "malloc,64m"),
        ]
        log = (self._folder / "varnish.log").open("ab")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._answers():
            said = (self._folder / "varnish.log").read_text()
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def hang(self) -> None:
        for it in self._all():
            it.suspend()

    def go_on(self) -> None:
        for it in self._all():
            it.resume()

    def _all(self) -> list[psutil.Process]:
        assert self._process
        manager = psutil.Process(self._process.pid)
        return [manager, *manager.children(recursive=True)]

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def _answers(self) -> bool:
        try:
            httpx.get(f"{self.url}/health/live", timeout=2, verify=TRUST)
        except httpx.TransportError:
            return False
        return True
