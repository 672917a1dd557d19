"""memory: what it all takes while large files stream through it, and large pictures are resized."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from benchmarks.measure import Figure
from benchmarks.rig import Rig
from tests.people import Person, eventually
from tests.service import Service

WHAT = "peak memory while 8 clients send 60 MB each, or resize 48 MP; counted as PSS"
CLIENTS, TICK, MB = 8, 0.2, 1e6
RESIZED, SIDES = 3, (1080, 1200, 1600, 1920)
"""Pictures that each client asks for, as no rendering can stand in for, each for the first time."""


def run(rig: Rig) -> Iterator[Figure]:
    person, file = Person(rig.service), rig.noise(60)
    rig.step("idle")
    everything = _everything(rig.service)
    idle, _ = _resident(rig.service)
    yield Figure(what="all processes, idle", measured=everything, unit="MB")
    yield from _resizing(rig, person)
    rig.step(f"{CLIENTS} clients")
    api, lab = _peak(lambda: _resident(rig.service), lambda _: _send(person, file))
    yield Figure(what="API processes, idle", measured=idle, unit="MB")
    yield Figure(what=f"API processes, {CLIENTS} forms of 60 MB", measured=api, unit="MB", most=300)
    yield Figure(what="their decoding children", measured=lab, unit="MB")


def _resizing(rig: Rig, person: Person) -> Iterator[Figure]:
    rig.step("uploading 48 MP")
    photo = rig.large_photo().read_bytes()
    urls = [
        person.developed(person.upload(photo, visibility="public"), within=120)["url"]
        for _ in range(RESIZED)
    ]
    for url in urls:  # what is made in the background, and nobody waits for, is no resizing
        path = url.replace("/images/", "/v1/images/") + "/versions"
        eventually(lambda: '"avif"' in person.http.get(path).text, within=300)  # noqa: B023 - called here
    rig.step(f"{CLIENTS} clients resize 48 MP")

    def resize(client: int) -> None:
        for number, url in enumerate(urls):
            ops = f"w_{SIDES[client % len(SIDES)]},q_{90 + number + client // len(SIDES)}"
            answer = httpx.get(f"{url}/t/{ops}.jpg", timeout=120)
            assert answer.status_code == 200, answer.text

    (most,) = _peak(lambda: (_everything(rig.service),), resize)
    what = f"all processes, {CLIENTS} clients resizing 48 MP"
    yield Figure(what=what, measured=most, unit="MB", most=1000)


def _peak(
    measure: Callable[[], tuple[float, ...]], work: Callable[[int], None]
) -> tuple[float, ...]:
    """Of each figure the highest that was seen while all clients were at work."""
    done, seen = threading.Event(), [measure()]

    def watch() -> None:
        while not done.wait(TICK):
            seen.append(measure())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(work, range(CLIENTS)))
    finally:
        done.set()
        watcher.join()
    return tuple(map(max, zip(*seen, strict=True)))


def _send(person: Person, file: Path) -> None:
    with file.open("rb") as body:
        answer = person.http.post("/v1/images", files={"file": ("a.jpg", body)}, timeout=120)
    assert answer.status_code == 201, answer.text


def _resident(service: Service) -> tuple[float, float]:
    """Megabytes of the API's server and its workers, and of the children of those."""
    server = next(process for process in service.family() if process.cmdline()[-1:] == ["api"])
    workers = server.children()
    children = [child for worker in workers for child in worker.children(recursive=True)]
    return _sum([server, *workers]), _sum(children)


def _everything(service: Service) -> float:
    """Megabytes of every process of the installation: servers, roles, decoders."""
    return _sum(service.family())


def _sum(processes: list[psutil.Process]) -> float:
    """Workers are forked: a page that several of them share counts once, as in PSS."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / MB
