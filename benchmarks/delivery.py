"""delivery: pictures to many readers, beside the same bytes from the object store itself."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import aiohttp
import httpx

from benchmarks.measure import Figure, percentile, turns
from benchmarks.rig import Bucket, Rig
from tests.people import Person

WHAT = "reads of a thumbnail and of 5 MB over 8 connections, beside the object store alone"
CONNECTIONS, ROUNDS = 8, 5
P95 = 200
"""Milliseconds that a read may take."""


class Load(NamedTuple):
    rate: float
    p50: float
    p95: float


def run(rig: Rig) -> Iterator[Figure]:
    person, bucket = Person(rig.service), Bucket(rig.settings)
    image = person.upload(rig.noise(5).read_bytes(), visibility="public")
    person.developed(image, within=60)
    whole = f"{rig.service.url}/images/{image['imageId']}"
    thumb = f"{whole}/thumb.webp"
    yield from _beside(rig, bucket, "thumb.webp", thumb, 200)
    yield from _beside(rig, bucket, "original, 5 MB", whole, 12)
    yield from _unchanged(rig, bucket, thumb)


def _beside(rig: Rig, bucket: Bucket, what: str, url: str, each: int) -> Iterator[Figure]:
    rig.step(what)
    copy = _stored(bucket, httpx.get(url).content)
    yield from _figures(what, *turns(ROUNDS, lambda: _load(url, each), lambda: _load(copy, each)))


def _unchanged(rig: Rig, bucket: Bucket, url: str) -> Iterator[Figure]:
    rig.step("304")
    answer = httpx.get(url)
    copy = _stored(bucket, answer.content)
    tags = {address: httpx.get(address).headers["ETag"] for address in (url, copy)}
    ours, theirs = turns(
        ROUNDS, lambda: _load(url, 200, tags[url]), lambda: _load(copy, 200, tags[copy])
    )
    yield from _figures("304 of thumb.webp", ours, theirs)


def _figures(what: str, ours: list[Load], theirs: list[Load]) -> Iterator[Figure]:
    for field, label, unit, most in (
        ("rate", what, "requests/s", None),
        ("p50", f"{what}, p50", "ms", None),
        ("p95", f"{what}, p95", "ms", P95),
    ):
        mine, beside = (median(getattr(load, field) for load in loads) for loads in (ours, theirs))
        yield Figure(
            what=label, measured=mine, unit=unit, beside=beside, peer="object store", most=most
        )


def _stored(bucket: Bucket, content: bytes) -> str:
    """A URL of the same bytes in the object store."""
    key = f"bench/{len(content)}"
    httpx.put(bucket.url("put_object", key), content=content).raise_for_status()
    return bucket.url("get_object", key)


def _load(url: str, each: int, etag: str | None = None) -> Load:
    return asyncio.run(_loaded(url, each, etag))


async def _loaded(url: str, each: int, etag: str | None) -> Load:
    headers, expected = ({"If-None-Match": etag}, 304) if etag else ({}, 200)
    times: list[float] = []

    async def reader(client: aiohttp.ClientSession) -> None:
        for _ in range(each):
            began = time.perf_counter()
            async with client.get(url, headers=headers) as answer:
                async for _ in answer.content.iter_any():
                    pass
                assert answer.status == expected
            times.append(1000 * (time.perf_counter() - began))

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as client:
        began = time.perf_counter()
        await asyncio.gather(*(reader(client) for _ in range(CONNECTIONS)))
        rate = len(times) / (time.perf_counter() - began)
    return Load(rate, median(times), percentile(times, 95))
