"""finalize: an upload over a presigned URL, beside what the object store needs for it alone."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from uuid import uuid4

import httpx
import pyvips

from benchmarks.measure import Figure, medians, seconds, turns
from benchmarks.rig import Bucket, Rig
from tests.people import Person, expect

WHAT = "PUT and finalize of 1, 10 and 60 MB, beside PUT, copy and read in the object store"
ROUNDS = {1: 9, 10: 5, 60: 3}
"""Megabytes: rounds."""


def run(rig: Rig) -> Iterator[Figure]:
    person, bucket = Person(rig.service), Bucket(rig.settings)
    for megabytes, rounds in ROUNDS.items():
        file = rig.noise(megabytes)
        rig.step(f"{megabytes} MB")
        yield from _figures(person, bucket, file, rounds, f"{megabytes} MB")


def _figures(
    person: Person, bucket: Bucket, file: Path, rounds: int, label: str
) -> Iterator[Figure]:
    content = file.read_bytes()
    _upload(person, content)  # the first of its kind warms up children and connections
    ours, limit = turns(rounds, lambda: _upload(person, content), lambda: _raw(bucket, content))
    put, finalize = (median(times) for times in zip(*ours, strict=True))
    raw_put, raw_rest = (median(times) for times in zip(*limit, strict=True))
    yield Figure(
        what=f"PUT and finalize of {label}",
        measured=len(content) / 1e6 / (put + finalize),
        unit="MB/s",
        beside=len(content) / 1e6 / (raw_put + raw_rest),
        peer="PUT, copy, read",
        least_ratio=0.5,
    )
    yield Figure(
        what=f"finalize alone, {label}",
        measured=1000 * finalize,
        unit="ms",
        beside=1000 * raw_rest,
        peer="copy, read",
    )
    (decode,) = medians(3, lambda: seconds(lambda: _decode(str(file))))
    yield Figure(what=f"decoding {label} once, in full", measured=1000 * decode, unit="ms")


def _upload(person: Person, content: bytes) -> tuple[float, float]:
    """Seconds of the PUT, and of finalizing. Returns when nothing is left to be done for it."""
    ticket = person.initiate(content)
    began = time.perf_counter()
    assert person.put(ticket, content).status_code == 200
    put = time.perf_counter()
    answer = person.finalize(ticket)
    done = time.perf_counter()
    person.developed(expect(answer, 201), within=60)
    return put - began, done - put


def _raw(bucket: Bucket, content: bytes) -> tuple[float, float]:
    """Seconds of the PUT, and of copying and reading."""
    key = f"bench/{uuid4().hex}"
    began = time.perf_counter()
    httpx.put(bucket.url("put_object", key), content=content, timeout=60).raise_for_status()
    put = time.perf_counter()
    bucket.copy(key, f"{key}.copy")
    with urllib.request.urlopen(bucket.url("get_object", f"{key}.copy")) as answer:  # noqa: S310 - our own URL
        assert len(answer.read()) == len(content)
    return put - began, time.perf_counter() - put


def _decode(file: str) -> None:
    pyvips.Image.new_from_file(file, access="sequential", fail_on="error").avg()
