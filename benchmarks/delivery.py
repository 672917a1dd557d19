"""delivery: pictures to many readers, beside a bare route and beside the object store itself."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median
from typing import NamedTuple

import httpx
import psutil

from benchmarks import bare
from benchmarks.load import Load, load
from benchmarks.measure import Figure, turns
from benchmarks.rig import Bucket, Rig
from tests.people import Person, expect
from tests.service import free_port

WHAT = "reads of a small rendering beside a bare Litestar route, of 5 MB beside the object store"
CONNECTIONS, EACH, ROUNDS = 64, 75, 7
P95 = 200
"""Milliseconds that a read may take."""


class Spent(NamedTuple):
    load: Load
    cpu: float
    """Microseconds a request, of all processes that served it."""


def run(rig: Rig) -> Iterator[Figure]:
    person = Person(rig.service)
    public = person.developed(person.upload(rig.photo().read_bytes(), visibility="public"), 60)
    private = person.developed(person.upload(rig.photo().read_bytes()), 60)
    thumb, signed = public["variants"]["thumb"], _signed(person, private)
    with _bare_route(rig, httpx.get(thumb).content) as url:
        beside = f"{url}/thumb.webp"
        yield from _race(rig, "cached thumb.webp", thumb, beside, least=0.5)
        etags = httpx.get(thumb).headers["ETag"], bare.ETAG
        yield from _race(rig, "304", thumb, f"{url}/unchanged.webp", least=0.5, etags=etags)
        yield from _race(rig, "private, by signed URL", signed, beside, least=0.4)
    yield from _original(rig, person)


def _race(
    rig: Rig,
    what: str,
    ours: str,
    theirs: str,
    *,
    least: float,
    etags: tuple[str, str] | None = None,
) -> Iterator[Figure]:
    rig.step(what)
    mine, other = etags or (None, None)
    families = psutil.Process().children()
    _read(ours, mine), _read(theirs, other)  # so that every process has it at hand
    us, them = turns(
        ROUNDS,
        lambda: _spent(families, ours, mine),
        lambda: _spent(families, theirs, other),
    )
    rate, peer = (median(it.load.rate for it in found) for found in (us, them))
    yield Figure(
        what=what,
        measured=rate,
        unit="requests/s",
        beside=peer,
        peer="bare route",
        least_ratio=least,
    )
    yield Figure(
        what=f"{what}, CPU of all servers",
        measured=median(it.cpu for it in us),
        unit="µs a request",
        beside=median(it.cpu for it in them),
        peer="bare route",
    )
    yield Figure(
        what=f"{what}, p95", measured=median(it.load.p95 for it in us), unit="ms", most=P95
    )


def _spent(families: list[psutil.Process], url: str, etag: str | None) -> Spent:
    began = _cpu(families)
    found = _read(url, etag)
    return Spent(found, 1e6 * (_cpu(families) - began) / (CONNECTIONS * EACH))


def _read(url: str, etag: str | None) -> Load:
    return load(url, connections=CONNECTIONS, each=EACH, etag=etag)


def _cpu(families: list[psutil.Process]) -> float:
    """Seconds that everything we started has used so far; who asks is not among it."""
    used = 0.0
    for process in {it for family in families for it in (family, *family.children(recursive=True))}:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def _signed(person: Person, image: dict[str, str]) -> str:
    asked = {"variant": "thumb.webp", "expiresIn": 3600}
    path = f"/v1/images/{image['imageId']}/signed-url"
    return str(expect(person.http.post(path, json=asked), 200)["url"])


@contextmanager
def _bare_route(rig: Rig, content: bytes) -> Iterator[str]:
    """As many workers as the API has."""
    file, port = rig.folder / "bare.webp", free_port()
    file.write_bytes(content)
    workers = rig.settings.api_workers
    command = [sys.executable, "-m", "benchmarks.bare", str(port), str(workers)]
    with subprocess.Popen(command, env=os.environ | {"BARE": str(file)}) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _await(f"{url}/thumb.webp")
            yield url
        finally:
            process.terminate()


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")


def _original(rig: Rig, person: Person) -> Iterator[Figure]:
    rig.step("original, 5 MB")
    image = person.upload(rig.noise(5).read_bytes(), visibility="public")
    person.developed(image, within=60)
    bucket, key = Bucket(rig.settings), "bench/original"
    content = httpx.get(image["url"]).content
    httpx.put(bucket.url("put_object", key), content=content).raise_for_status()
    copy = bucket.url("get_object", key)
    us, them = turns(
        ROUNDS,
        lambda: load(image["url"], connections=8, each=12),
        lambda: load(copy, connections=8, each=12),
    )
    rate, peer = (median(it.rate for it in found) for found in (us, them))
    yield Figure(
        what="original, 5 MB", measured=rate, unit="requests/s", beside=peer, peer="object store"
    )
    yield Figure(what="original, p95", measured=median(it.p95 for it in us), unit="ms", most=P95)
