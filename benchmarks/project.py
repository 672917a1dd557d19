"""project: from the log into a read model, all of it at once and event by event."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median

from adapters.positions import HeardPositions
from adapters.rebuild import PAGE, rebuild
from benchmarks.measure import Figure, medians, percentile, seconds
from benchmarks.rig import Rig
from bootstrap import PROJECTIONS, Core, new_id, now
from commands.ports import Batch
from domain import image_events
from domain.access import Visibility
from domain.ids import AccountId
from domain.media import Content, Format
from domain.stream import Event

WHAT = "events/s of a rebuild beside SELECT and COPY of the same rows, and how late a read model is"
OWNERS, ROUNDS = 50, 3
IMAGES = int(os.environ.get("BENCH_IMAGES", "4000"))
"""Of all owners; each has a life of five events. 200000 of them are a million events."""
WRITES, A_SECOND = 500, 100


def run(rig: Rig) -> Iterator[Figure]:
    yield _rebuilt(rig)
    rig.step("lag")
    with rig.core(rig.settings) as (core, wait):
        lags = wait(_lags(core))
    what = f"append to readable, {A_SECOND} writes/s"
    yield Figure(what=f"{what}, p50", measured=median(lags), unit="ms", most=5)
    yield Figure(what=f"{what}, p99", measured=percentile(lags, 99), unit="ms", most=25)


def _rebuilt(rig: Rig) -> Figure:
    gallery = PROJECTIONS["gallery"]
    with rig.core(rig.new_settings()) as (core, wait):
        rig.step("writing a log")
        events = wait(_written(core))
        rig.step("rebuilding")
        wait(rebuild(gallery, core.log, lambda *_: None))
        rows = wait(_dumped(core))
        again, raw = medians(
            ROUNDS,
            lambda: seconds(lambda: wait(rebuild(gallery, core.log, lambda *_: None))),
            lambda: seconds(lambda: wait(_read_and_copied(core, rows))),
        )
    return Figure(
        what=f"rebuild of the gallery, {events:,} events",
        measured=events / again,
        unit="events/s",
        beside=events / raw,
        peer="SELECT + COPY",
        least_ratio=0.25,
    )


async def _written(core: Core) -> int:
    async def images(owner: AccountId) -> int:
        count = 0
        for number in range(IMAGES // OWNERS):
            life = _life(owner, number)
            batch = Batch(stream_id=new_id(), after=0, events=life)
            await core.store.append([batch], by=owner)
            count += len(life)
        return count

    owners = [AccountId(new_id()) for _ in range(OWNERS)]
    return sum(await asyncio.gather(*map(images, owners)))


def _life(owner: AccountId, number: int) -> Sequence[Event]:
    content = Content(checksum=f"{number:064x}", width=4_000, height=3_000)
    details = image_events.Details(title=f"Holiday {number}", tags=("sea", f"day-{number}"))
    return [
        _initiated(owner, number),
        image_events.ImageFinalized(
            attempt=new_id(),
            format=Format.JPEG,
            size=1_000,
            visibility=Visibility.PRIVATE,
            personal=content,
        ),
        image_events.ImageCleared(scanner="decode"),
        image_events.DetailsChanged(personal=details),
        image_events.VisibilityChanged(visibility=Visibility.PUBLIC),
    ]


def _initiated(owner: AccountId, number: int) -> image_events.UploadInitiated:
    return image_events.UploadInitiated(
        owner_id=owner,
        size=1_000,
        content_type="image/jpeg",
        expires_at=now() + timedelta(minutes=15),
        personal=image_events.Promised(filename=f"DSC_{number}.jpg"),
    )


async def _dumped(core: Core) -> bytes:
    """The rows that a rebuild makes."""
    out = "copy gallery.images to stdout"
    async with (
        core.database.connection() as connection,
        connection.cursor() as cursor,
        cursor.copy(out) as copy,
    ):
        return b"".join([bytes(chunk) async for chunk in copy])


async def _read_and_copied(core: Core, rows: bytes) -> None:
    """All events out of the log, and as many rows into a table with the same indexes."""
    position = 0
    while page := await core.log.recorder.page(position, PAGE):
        position = page[-1].id
    async with core.database.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(_BARE)
        async with cursor.copy("copy bare from stdin") as copy:
            await copy.write(rows)
        await cursor.execute("drop table bare")


_BARE = "create table bare (like gallery.images including indexes including generated)"


async def _lags(core: Core) -> list[float]:
    """Milliseconds from the append's return until every core read model has told of it."""
    positions = HeardPositions(core.database, core.names)
    await positions.listen(core.nats)
    owner = AccountId(new_id())

    async def lag(number: int) -> float:
        await asyncio.sleep(number / A_SECOND)
        batch = Batch(stream_id=new_id(), after=0, events=[_initiated(owner, number)])
        position = await core.store.append([batch], by=owner)
        began = time.perf_counter()
        assert await positions.reached(position)
        return 1000 * (time.perf_counter() - began)

    return list(await asyncio.gather(*map(lag, range(WRITES))))
