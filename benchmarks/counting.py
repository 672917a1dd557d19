"""counting: what it costs those who look, and whether it is exact over many processes."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx

from benchmarks.load import load
from benchmarks.measure import Figure, paired, turns
from benchmarks.rig import Rig
from tests.people import Person, expect
from tests.service import Service

VIEWS = int(os.environ.get("DARKROOM_BENCH_VIEWS", "40000"))
CONNECTIONS, EACH, ROUNDS, PROCESSES = 64, 400, 5, "3"
PAIRS = 4
SERVED = {
    "thumb, one viewer": ("thumb", False),
    "thumb, each by another viewer": ("thumb", True),
    "large, each by another viewer": ("large", True),
}
WRITTEN = 30
"""Seconds at most until every process has written down what it counted."""
WHAT = f"serving with views counted beside not; {VIEWS:,} views over {PROCESSES} processes, exactly"


def run(rig: Rig) -> Iterator[Figure]:
    """Two processes are never equally fast, whatever they do: so there are several pairs.

    A round takes over a second: what was counted is written down within it.
    """
    rates: dict[str, list[list[float]]] = {what: [[], []] for what in SERVED}
    for number in range(PAIRS):
        rig.step("starting one that counts, and one that does not")
        with _pair(rig, number) as services:
            for what, found in _beside(rig, services):
                for all_rounds, rounds in zip(rates[what], found, strict=True):
                    all_rounds += rounds[1:]  # the first warms up
            if number == PAIRS - 1:
                yield from _exactly(rig, services[0])
    for what, (counted, uncounted) in rates.items():
        ours, theirs = paired(counted, uncounted)
        yield Figure(
            what=f"cached {what}",
            measured=ours,
            unit="requests/s",
            beside=theirs,
            peer="not counted",
            least_ratio=0.95,
        )


@contextmanager
def _pair(rig: Rig, number: int) -> Iterator[list[Service]]:
    """One that counts, one that does not; which of them is started first changes."""
    with ExitStack() as stack:
        services = [
            rig.new_service(
                f"counting-{it}-{number}",
                DARKROOM_API_WORKERS=PROCESSES,
                DARKROOM_COUNTING=it,
                DARKROOM_TRUSTED_PROXIES="127.0.0.1",
            )
            for it in ("on", "off")
        ]
        for service in services if number % 2 == 0 else reversed(services):
            stack.callback(service.stop)  # first, for one that does not get ready, too
            service.start()
        yield services


def _beside(rig: Rig, services: Sequence[Service]) -> Iterator[tuple[str, list[list[float]]]]:
    variants = [_shown(rig, it)[1]["variants"] for it in services]
    for what, (rung, strangers) in SERVED.items():
        rig.step(what)
        reads = [partial(_read, it[rung], strangers=strangers) for it in variants]
        yield what, turns(ROUNDS + 1, *reads)


def _read(url: str, *, strangers: bool) -> float:
    return load(url, connections=CONNECTIONS, each=EACH, strangers=strangers).rate


def _exactly(rig: Rig, counted: Service) -> Iterator[Figure]:
    """Every answer is counted once, and every viewer."""
    rig.step(f"{VIEWS:,} views")
    person, image = _shown(rig, counted)
    each, thumb = VIEWS // CONNECTIONS, image["variants"]["thumb"]
    load(thumb, connections=CONNECTIONS, each=each, strangers=True)
    began, wanted, stats = time.monotonic(), each * CONNECTIONS, {"views": 0, "variants": 0}
    wanted += 1  # the one that saw it first
    while stats["views"] < wanted and time.monotonic() < began + WRITTEN:
        time.sleep(0.1)
        stats = expect(person.http.get(f"/v1/images/{image['imageId']}/stats"), 200)
    for kind in ("views", "variants"):
        wrong = abs(stats[kind] - wanted)
        yield Figure(what=f"{wanted:,} {kind} counted", measured=wrong, unit="wrong", most=0)


def _shown(rig: Rig, service: Service) -> tuple[Person, dict[str, Any]]:
    person = Person(service)
    image = person.upload(rig.photo().read_bytes(), visibility="public")
    image = person.developed(image, 60)
    httpx.get(image["variants"]["thumb"]).raise_for_status()
    return person, image
