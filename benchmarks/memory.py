"""memory: what the API takes while large files stream through it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.measure import Figure
from benchmarks.rig import Rig
from tests.people import Person
from tests.service import Service

WHAT = "the API's peak memory while 8 clients send a form of 60 MB each"
CLIENTS, TICK, MB = 8, 0.2, 1e6


def run(rig: Rig) -> Iterator[Figure]:
    person, file = Person(rig.service), rig.noise(60)
    rig.step("idle")
    idle, _ = _resident(rig.service)
    rig.step(f"{CLIENTS} clients")
    api, lab = _peak(person, file)
    yield Figure(what="API processes, idle", measured=idle, unit="MB")
    yield Figure(what=f"API processes, {CLIENTS} forms of 60 MB", measured=api, unit="MB", most=300)
    yield Figure(what="their decoding children", measured=lab, unit="MB")


def _peak(person: Person, file: Path) -> tuple[float, float]:
    """Of the API's processes together, and of the children that decode, each at its highest."""
    done, seen = threading.Event(), [(0.0, 0.0)]

    def watch() -> None:
        while not done.wait(TICK):
            seen.append(_resident(person.service))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda _: _send(person, file), range(CLIENTS)))
    finally:
        done.set()
        watcher.join()
    apis, labs = zip(*seen, strict=True)
    return max(apis), max(labs)


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


def _sum(processes: list[psutil.Process]) -> float:
    """Workers are forked: a page that several of them share counts once, as in PSS."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / MB
