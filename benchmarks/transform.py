"""transform: sizes on demand that nobody asked for before, beside thumbor and ipx."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from benchmarks.measure import Figure, turns
from benchmarks.rig import Rig
from tests.people import Person
from tests.service import free_port

WHAT = "cold 640 and 600 px of a 12 MP photo to 4 clients, beside thumbor and ipx (of sharp)"
THUMBOR, IPX = "thumbor==7.8.0", "ipx@3.1.1"
CLIENTS, ROUNDS, EACH = 4, 3, 8
"""In every round each contestant is asked for so many pictures, each for the first time."""
QUALITY = {"jpeg": 82, "webp": 80}
ASKED = [(side, kind) for side in (640, 600) for kind in QUALITY]


def run(rig: Rig) -> Iterator[Figure]:
    photo = rig.photo().read_bytes()
    with ExitStack() as stack:
        rig.step("installing thumbor and ipx")
        peers = {
            "thumbor": stack.enter_context(_thumbor(rig.folder, photo)),
            "ipx": stack.enter_context(_ipx(rig.folder, photo)),
        }
        person, images = Person(rig.service), list[str]()
        for number in range(ROUNDS * EACH):
            rig.step(f"uploading {number + 1}")
            image = person.upload(photo, visibility="public")
            images.append(person.developed(image, within=60)["url"])
        for side, kind in ASKED:
            rig.step(f"{side} px {kind}")
            rounds = iter([images[at : at + EACH] for at in range(0, len(images), EACH)])
            extension = {"jpeg": "jpg"}.get(kind, kind)
            ours, *theirs = turns(
                ROUNDS,
                lambda: _rate([f"{url}/t/w_{side}.{extension}" for url in next(rounds)]),  # noqa: B023 - called here
                *(partial(_rate, peer(side, kind)) for peer in peers.values()),
            )
            rates = dict(zip(peers, map(median, theirs), strict=True))
            best = max(rates, key=lambda it: rates[it])
            for name, rate in rates.items():
                yield Figure(
                    what=f"{side} px {kind}, cold, {CLIENTS} clients",
                    measured=median(ours),
                    unit="pictures/s",
                    beside=rate,
                    peer=name,
                    least_ratio=2.5 if name == best else None,
                )


def _rate(urls: Sequence[str]) -> float:
    """Pictures a second, the first of which every client waits for on a connection that is open."""
    with httpx.Client(timeout=60) as http, ThreadPoolExecutor(CLIENTS) as clients:
        began = time.perf_counter()
        for answer in clients.map(http.get, urls):
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith("image/"), answer.headers
        return len(urls) / (time.perf_counter() - began)


@contextmanager
def _thumbor(folder: Path, photo: bytes) -> Iterator[partial[list[str]]]:
    """Two processes, as many as Darkroom's API has; it keeps no results, so all are cold."""
    venv, files, port = folder / "thumbor", folder / "thumbor-files", free_port()
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, THUMBOR, "setuptools"], check=True)
    _copies(files, photo)
    settings = folder / "thumbor.conf"
    settings.write_text(
        "LOADER = 'thumbor.loaders.file_loader'\n"
        f"FILE_LOADER_ROOT_PATH = {str(files)!r}\n"
        "STORAGE = 'thumbor.storages.no_storage'\n"
    )
    command = [str(venv / "bin/thumbor"), "-p", str(port), "-i", "127.0.0.1"]
    with _running([*command, "-c", str(settings), "--processes", "2"], port):
        yield partial(_thumbor_urls, port)


def _thumbor_urls(port: int, side: int, kind: str) -> list[str]:
    filters = f"filters:format({kind}):quality({QUALITY[kind]})"
    base = f"http://127.0.0.1:{port}/unsafe/fit-in/{side}x{side}/{filters}"
    return [f"{base}/{number}.jpg" for number in range(EACH)]


@contextmanager
def _ipx(folder: Path, photo: bytes) -> Iterator[partial[list[str]]]:
    """One process with the threads of its own that it brings; it keeps no results either."""
    place, port = folder / "ipx", free_port()
    _copies(place / "files", photo)
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", IPX]
    subprocess.run(npm, cwd=place, check=True)
    program = str(place / "node_modules/.bin/ipx")
    options = ["--dir", str(place / "files"), "--port", str(port), "--host", "127.0.0.1"]
    with _running([program, "serve", *options], port):
        yield partial(_ipx_urls, port)


def _ipx_urls(port: int, side: int, kind: str) -> list[str]:
    base = f"http://127.0.0.1:{port}/w_{side},f_{kind},q_{QUALITY[kind]}"
    return [f"{base}/{number}.jpg" for number in range(EACH)]


def _copies(folder: Path, photo: bytes) -> None:
    folder.mkdir(parents=True)
    for number in range(EACH):
        (folder / f"{number}.jpg").write_bytes(photo)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            for _ in range(300):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/", timeout=2)
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            else:
                raise AssertionError(f"{command[0]} does not answer")
            yield
        finally:
            process.terminate()
