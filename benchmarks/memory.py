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

WHAT = "peak memory while 8 clients send 60 MB each or resize 48 MP, or one takes 1 GB; as PSS"
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
    yield from _taking(rig, person, file)


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


def _taking(rig: Rig, person: Person, file: Path) -> Iterator[Figure]:
    """Of the account whose images came in forms."""
    rig.step("an archive of 1 GB")
    for _ in range(CLIENTS):
        _send(person, file)
    taken = list[int]()

    def take(_: int) -> None:
        with person.http.stream("GET", "/v1/me/export", timeout=300) as answer:
            taken.append(sum(map(len, answer.iter_raw())))
            assert taken[-1] == int(answer.headers["Content-Length"])

    api, _ = _peak(lambda: _resident(rig.service), take, clients=1)
    what = f"API processes, an archive of {taken[0] / MB:,.0f} MB"
    yield Figure(what=what, measured=api, unit="MB", most=300)


def _peak(
    measure: Callable[[], tuple[float, ...]],
    work: Callable[[int], None],
    clients: int = CLIENTS,
) -> tuple[float, ...]:
    """Of each figure the highest that was seen while all clients were at work."""
    done, seen = threading.Event(), [measure()]

    def watch() -> None:
        while not done.wait(TICK):
            seen.append(measure())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(work, range(clients)))
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
