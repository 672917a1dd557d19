"""project: from the log into a read model, all of it at once."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta

from adapters.rebuild import PAGE, rebuild
from benchmarks.measure import Figure, medians, seconds
from benchmarks.rig import Rig
from bootstrap import Core, new_id, now
from commands.ports import Batch
from domain import image_events
from domain.access import Visibility
from domain.ids import AccountId
from domain.media import Content, Format
from domain.stream import Event
from projections.projection import PROJECTIONS

WHAT = "events/s of a rebuild beside SELECT and COPY of the same rows"
OWNERS, ROUNDS = 50, 3
TABLES = ("gallery.images", "gallery.usage", "gallery.tags")
IMAGES = int(os.environ.get("BENCH_IMAGES", "4000"))
"""Of all owners; each has a life of five events. 200000 of them are a million events."""


def run(rig: Rig) -> Iterator[Figure]:
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
    yield Figure(
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


async def _dumped(core: Core) -> dict[str, bytes]:
    """The rows that a rebuild makes, by table."""
    rows = {}
    async with core.database.connection() as connection, connection.cursor() as cursor:
        for table in TABLES:
            async with cursor.copy(f"copy {table} to stdout".encode()) as copy:
                rows[table] = b"".join([bytes(chunk) async for chunk in copy])
    return rows


async def _read_and_copied(core: Core, rows: dict[str, bytes]) -> None:
    """All events out of the log, and as many rows into tables with the same indexes."""
    position = 0
    while page := await core.database.rows(_PAGE, (position, PAGE)):
        position = page[-1][0]
    async with core.database.connection() as connection, connection.cursor() as cursor:
        for table, content in rows.items():
            await cursor.execute(_BARE.format(table).encode())
            async with cursor.copy(b"copy bare from stdin") as copy:
                await copy.write(content)
            await cursor.execute(b"drop table bare")


_PAGE = """
    select notification_id, originator_id, originator_version, topic, state
    from log.darkroom_events where notification_id > %s order by notification_id limit %s"""
_BARE = "create table bare (like {} including indexes including generated)"
