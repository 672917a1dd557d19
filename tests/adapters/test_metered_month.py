"""A month of many users, metered hour by hour: the report is what the raw log says, to the byte."""

import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from commands.ports import Batch
from domain import image_events
from domain.access import Visibility
from domain.ids import NOBODY, AccountId, ImageId
from domain.media import Format
from domain.statement import NONE, Usage
from projections.metering import CLOSING, HOUR
from tests.adapters.test_metering import END, MONTH, Simulation, by_owner
from tests.spec import ATTEMPT

OWNERS = int(os.environ.get("DARKROOM_TEST_OWNERS", "150"))
EACH, LOYAL, PAGE = 3, 0.01, 10_000
"""Images of each; who keeps them to the end; events that are read at once."""


async def test_the_report_of_a_month_is_what_the_raw_log_says(core):
    world, chosen = Simulation(core), random.Random(7)  # noqa: S311 - no secret
    owners = [AccountId(uuid4()) for _ in range(OWNERS)]
    await world.meter.work()
    await lived(world, owners, chosen)
    counts = await looked_at(world, owners, chosen)

    world.now = END + CLOSING + timedelta(minutes=5)
    lines = 0
    while more := await world.meter.work():
        lines += more

    report = by_owner(await world.report())
    assert len(report) == OWNERS
    assert report == await recomputed(world, counts)
    assert lines > 10 * OWNERS
    open_ones = "select count(*) from metering.statements where not closed and month = '2026-02'"
    assert await core.database.rows(open_ones) == [(0,)]


async def lived(world: Simulation, owners: Sequence[AccountId], chosen: random.Random) -> None:
    """Uploads and purges, in the order in which they happened, by the log's bulk path."""
    births, deaths = defaultdict(list), defaultdict(list)
    hours = int((END - MONTH) / HOUR) - 8
    for owner in owners:
        loyal = chosen.random() < LOYAL
        for _ in range(EACH):
            born, id = chosen.randrange(1, hours), ImageId(uuid4())
            births[born].append((owner, id, chosen.randint(1, 10**8)))
            if not loyal:
                deaths[born + chosen.randint(1, 6)].append(id)
    for hour in range(1, hours + 8):
        now = MONTH + hour * HOUR
        for second, batches in (
            (0, [uploaded(*it) for it in births[hour]]),
            (1800, [purged(id) for id in deaths[hour]]),
        ):
            world.now = now + timedelta(seconds=second + chosen.randrange(1_800))
            for first in range(0, len(batches), 200):
                await world.store.append(batches[first : first + 200], by=NOBODY)


def uploaded(owner: AccountId, id: ImageId, size: int) -> Batch:
    opened = image_events.UploadInitiated(
        owner_id=owner, size=size, content_type="image/png", expires_at=END, personal=None
    )
    final = image_events.ImageFinalized(
        attempt=ATTEMPT,
        format=Format.PNG,
        size=size,
        visibility=Visibility.PRIVATE,
        personal=None,
    )
    return Batch(stream_id=id, after=0, events=[opened, final])


def purged(id: ImageId) -> Batch:
    events = [image_events.Purged(cause=image_events.Cause.OWNER)]
    return Batch(stream_id=id, after=2, events=events)


async def looked_at(
    world: Simulation, owners: Sequence[AccountId], chosen: random.Random
) -> dict[AccountId, Usage]:
    """Counts of some hours of each owner; what they add up to."""
    rows, sums = dict[tuple[Any, ...], Usage](), dict.fromkeys(owners, NONE)
    hours = [MONTH + number * HOUR for number in range(int((END - MONTH) / HOUR))]
    for owner in owners:
        for hour in chosen.sample(hours, 8):
            figures = [chosen.randint(0, 10**6) for _ in ("views", "downloads", "egress_bytes")]
            rows[owner, hour] = usage = Usage(
                views=figures[0], downloads=figures[1], egress_bytes=figures[2], transforms=1
            )
            sums[owner] += usage
    async with (
        world.core.database.connection() as connection,
        connection.cursor() as cursor,
        cursor.copy(_COUNTS) as copy,
    ):
        for key, usage in rows.items():
            counted = (usage.views, usage.downloads, usage.egress_bytes, usage.transforms)
            await copy.write_row((*key, *counted, 0, 0, 0, 0, 0))
    return sums


async def recomputed(world: Simulation, counts: dict[AccountId, Usage]) -> dict[AccountId, Usage]:
    """By hand: each image's bytes, for as many seconds as it was kept."""
    owners, kept = dict[UUID, AccountId](), dict[UUID, tuple[datetime, int]]()
    found = dict(counts)

    def count(id: UUID, until: datetime) -> None:
        at, size = kept.pop(id)
        seconds = int((until - at).total_seconds())
        found[owners[id]] += Usage(storage_byte_seconds=size * seconds, uploads=1)

    async for recorded in raw(world):
        match recorded.event:
            case image_events.UploadInitiated(owner_id=owner):
                owners[recorded.stream_id] = owner
            case image_events.ImageFinalized(size=size):
                kept[recorded.stream_id] = (recorded.at, size)
            case image_events.Purged():
                count(recorded.stream_id, recorded.at)
    for id in list(kept):
        count(id, END)
    return found


async def raw(world: Simulation) -> AsyncIterator[Any]:
    after = 0
    while page := await world.core.log.recorder.page(after, PAGE):
        for recorded in await world.core.log.opened(page):
            yield recorded
        after = page[-1].id


_COUNTS = """
    copy counting.hours (owner_id, hour, views, downloads, egress_bytes, transforms, originals,
        variants, shared, robots, repeats) from stdin"""
