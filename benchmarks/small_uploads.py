"""small-uploads: many small files from many clients, beside what storing them costs alone."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from benchmarks.measure import Figure, medians, seconds
from benchmarks.rig import Rig
from bootstrap import Core, new_id, now
from commands.ports import Batch, ObjectKey
from domain import image_events
from domain.access import Visibility
from domain.ids import AccountId
from domain.media import Content, Format
from tests.people import Person, expect

WHAT = "small files as forms from 8 clients, beside the PUTs and appends behind them"
FILES, CLIENTS, ROUNDS, MEGABYTES = 100, 8, 5, 0.1


def run(rig: Rig) -> Iterator[Figure]:
    person, content = Person(rig.service), rig.noise(MEGABYTES).read_bytes()
    _uploads(person, content)  # warms up every process
    with rig.core(rig.new_settings()) as (core, wait):
        rig.step(f"{FILES} files")
        ours, limit = medians(
            ROUNDS,
            lambda: _uploads(person, content),
            lambda: seconds(lambda: wait(_stored(core, content))),
        )
    yield Figure(
        what=f"{FILES} files of {len(content) // 1000} kB, {CLIENTS} clients",
        measured=FILES / ours,
        unit="images/s",
        beside=FILES / limit,
        peer="PUT, append twice",
        least_ratio=0.25,
    )


def _uploads(person: Person, content: bytes) -> float:
    """Seconds until the last answer. Returns when nothing is left to be done for the images."""
    client = person.service.client(person.tokens["accessToken"])

    def upload(_: int) -> dict[str, object]:
        return expect(client.post("/v1/images", files={"file": ("a.jpg", content)}), 201)

    with ThreadPoolExecutor(CLIENTS) as clients:
        began = time.perf_counter()
        images = list(clients.map(upload, range(FILES)))
        took = time.perf_counter() - began
    for made in images:
        person.developed(made, within=120)
    return took


async def _stored(core: Core, content: bytes) -> None:
    """The same bytes and the same events, and nothing else."""
    waiting, owner = iter(range(FILES)), AccountId(new_id())

    async def client() -> None:
        for _ in waiting:
            id = new_id()
            begun, ended = ([_begun(owner)], _ended())
            await core.store.append([Batch(stream_id=id, after=0, events=begun)], by=owner)
            key = ObjectKey(f"bench/{id.hex}")
            await core.objects.put(key, content, content_type="image/jpeg")
            await core.store.append([Batch(stream_id=id, after=1, events=ended)], by=owner)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


def _begun(owner: AccountId) -> image_events.UploadInitiated:
    return image_events.UploadInitiated(
        owner_id=owner,
        size=1,
        content_type="image/jpeg",
        expires_at=now() + timedelta(minutes=15),
        personal=image_events.Promised(filename="a.jpg"),
    )


def _ended() -> list[image_events.ImageEvent]:
    content = Content(checksum="0" * 64, width=1, height=1)
    finalized = image_events.ImageFinalized(
        attempt=new_id(),
        format=Format.JPEG,
        size=1,
        visibility=Visibility.PRIVATE,
        personal=content,
    )
    return [finalized, image_events.ImageCleared(scanner="decode")]
