"""A simulated month: what was metered is what the raw log says, to the byte, and stays so."""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from uuid import UUID, uuid4

import pytest

from adapters.event_store import EventSourcedStore
from adapters.metering import PostgresMeters
from adapters.usage_reports import PostgresReports
from commands.ports import Batch
from domain import image_events
from domain.access import Visibility
from domain.ids import NOBODY, AccountId, ImageId
from domain.media import Format
from domain.statement import NONE, Usage, UsageCorrected, UsageMetered
from projections.metering import CLOSING, HOUR, Meter, total
from tests.spec import ATTEMPT

MONTH = datetime(2026, 2, 1, tzinfo=UTC)
END = datetime(2026, 3, 1, tzinfo=UTC)


class Simulation:
    """An installation whose clock is ours."""

    def __init__(self, core):
        self.core = core
        self.now = MONTH + timedelta(minutes=5)
        self.store = EventSourcedStore(core.log, lambda: self.now)
        self.meters = PostgresMeters(core.log)
        self.meter = Meter(self.meters, store=self.store, now=lambda: self.now)
        self.reports = PostgresReports(core.database)
        self.counts: dict[tuple[UUID, datetime], Usage] = defaultdict(lambda: NONE)

    async def upload(self, owner: AccountId, size: int) -> ImageId:
        id = ImageId(uuid4())
        opened = image_events.UploadInitiated(
            owner_id=owner,
            size=size,
            content_type="image/png",
            expires_at=self.now + timedelta(days=1),
            personal=None,
        )
        final = image_events.ImageFinalized(
            attempt=ATTEMPT,
            format=Format.PNG,
            size=size,
            visibility=Visibility.PRIVATE,
            personal=None,
        )
        batch = Batch(stream_id=id, after=0, events=[opened, final])
        await self.store.append([batch], by=owner)
        return id

    async def purge(self, id: ImageId) -> None:
        purged = image_events.Purged(cause=image_events.Cause.OWNER)
        after = len(await self.store.load(id))
        await self.store.append([Batch(stream_id=id, after=after, events=[purged])], by=NOBODY)

    async def count(self, owner: AccountId, at: datetime, **usage: int) -> None:
        hour = at.replace(minute=0, second=0, microsecond=0)
        self.counts[owner, hour] += Usage(**usage)
        row = {"owner": owner, "hour": hour, "views": 0, "downloads": 0, "egress_bytes": 0}
        async with self.core.database.connection() as connection:
            await connection.execute(
                "insert into counting.hours as t values (%(owner)s, %(hour)s, %(views)s,"
                " %(downloads)s, %(egress_bytes)s, 0, 0, 0, 0, 0, 0)"
                " on conflict (owner_id, hour) do update set views = t.views + excluded.views,"
                " downloads = t.downloads + excluded.downloads,"
                " egress_bytes = t.egress_bytes + excluded.egress_bytes",
                row | usage,
            )

    async def report(self, since=MONTH, until=END, *, by_day=False):
        return await self.reports.usage(since, until, by_day=by_day, owners=None)

    async def raw(self):
        page = await self.core.log.recorder.page(0, 1_000_000)
        return await self.core.log.opened(page)

    async def recomputed(self, since=MONTH, until=END) -> dict[AccountId, Usage]:
        """By hand, from the raw log and what was counted; hour by hour makes no difference."""
        owners, kept, gone = {}, {}, {}
        for recorded in await self.raw():
            at = recorded.at.replace(microsecond=0)
            match recorded.event:
                case image_events.UploadInitiated(owner_id=owner_id):
                    owners[recorded.stream_id] = owner_id
                case image_events.ImageFinalized(size=size):
                    kept[recorded.stream_id] = (at, size)
                case image_events.Purged():
                    gone[recorded.stream_id] = at
        found: dict[AccountId, Usage] = defaultdict(lambda: NONE)
        for id, (at, size) in kept.items():
            stay = min(gone.get(id, until), until) - max(at, since)
            uploads = since <= at < until
            seconds = max(int(stay.total_seconds()), 0)
            found[owners[id]] += Usage(storage_byte_seconds=size * seconds, uploads=uploads)
        for (owner, hour), usage in self.counts.items():
            if since <= hour < until:
                found[owner] += usage
        return {owner: usage for owner, usage in found.items() if usage != NONE}


@pytest.fixture
def world(core):
    return Simulation(core)


def by_owner(lines):
    return {line.owner.id: line.usage for line in lines}


async def test_a_month_is_metered_to_the_byte(world):
    chosen = random.Random(2)  # noqa: S311 - no secret
    owners, images = [AccountId(uuid4()) for _ in range(4)], []
    await world.meter.work()
    await world.count(owners[0], MONTH, views=1)
    world.now = END - timedelta(days=2)
    while world.now < END + timedelta(hours=2):
        world.now += timedelta(minutes=chosen.choice([7, 25, 61, 100]))
        if chosen.random() < 0.7:
            images.append(await world.upload(chosen.choice(owners), chosen.randint(1, 10**9)))
        if images and chosen.random() < 0.2:
            await world.purge(images.pop(chosen.randrange(len(images))))
        usage = {"views": chosen.randint(0, 5), "egress_bytes": chosen.randint(0, 10**6)}
        await world.count(chosen.choice(owners), world.now, **usage)
        await world.meter.work()

    lines = await world.report()
    assert by_owner(lines) == await world.recomputed()
    days = await world.report(by_day=True)
    assert total(days) == total(lines)
    assert {line.period for line in days} == {"2026-02-01", "2026-02-27", "2026-02-28"}
    metered = [it.event for it in await world.raw() if isinstance(it.event, UsageMetered)]
    within = [it.usage for it in metered if MONTH <= it.hour < END]
    assert sum(within, NONE) == total(lines)


async def test_two_that_meter_at_once_meter_once(world):
    owner = AccountId(uuid4())
    await world.meter.work()
    await world.upload(owner, 1_000)
    await world.count(owner, world.now, views=3)
    world.now += timedelta(hours=3)
    rival = Meter(PostgresMeters(world.core.log), store=world.store, now=lambda: world.now)

    await asyncio.gather(*(it.work() for it in (world.meter, rival, world.meter, rival)))

    assert by_owner(await world.report()) == await world.recomputed(until=MONTH + 3 * HOUR)
    hours = [it.event.hour for it in await world.raw() if isinstance(it.event, UsageMetered)]
    assert len(hours) == len(set(hours)) == 3


async def test_what_is_counted_late_comes_on_top_of_its_hour(world):
    owner = AccountId(uuid4())
    world.now = datetime.now(UTC).replace(minute=5)
    began = world.now
    await world.count(owner, began, views=1)
    await world.meter.work()
    world.now += timedelta(hours=2)
    await world.meter.work()
    await world.count(owner, began, views=4, egress_bytes=77)
    for _ in range(2):
        await world.meter.work()

    (line,) = await world.reports.usage(
        began - HOUR, began + 2 * HOUR, by_day=False, owners=[owner]
    )
    assert line.usage == Usage(views=5, egress_bytes=77)


async def test_a_closed_month_is_changed_by_nothing(world):
    owner = AccountId(uuid4())
    world.now = END - timedelta(hours=6)
    await world.meter.work()
    image = await world.upload(owner, 1_000)
    world.now = END + CLOSING + timedelta(minutes=5)
    await world.meter.work()
    before = await world.report()
    assert by_owner(before) == await world.recomputed()

    hour = END - HOUR
    world.now = hour + timedelta(minutes=30)  # the clock of some machine is wrong
    await world.purge(image)
    await world.upload(owner, 500)
    world.now = END + CLOSING + timedelta(hours=5, minutes=5)
    for _ in range(2):
        await world.meter.work()

    assert await world.report() == before
    until = END + timedelta(days=31)
    lines = await world.reports.usage(END, until, by_day=False, owners=None)
    correction = next(it for it in lines if it.corrects)
    assert correction.corrects == "2026-02"
    assert correction.usage == Usage(storage_byte_seconds=1_800 * 500 - 1_800 * 1_000, uploads=1)
    noted = [it.event for it in await world.raw() if isinstance(it.event, UsageCorrected)]
    assert len(noted) == 1
    whole = await world.recomputed(until=world.now.replace(minute=0))
    assert total(lines) + total(before) == sum(whole.values(), NONE)


async def test_the_tables_can_be_made_again_from_the_log(world, core, settings):
    owner = AccountId(uuid4())
    await world.meter.work()
    await world.upload(owner, 1_000)
    world.now += timedelta(hours=30)
    await world.meter.work()
    before = await world.report()

    await core.database.run("drop schema metering cascade")
    async with core.database.connection() as connection:
        await connection.execute((files("adapters") / "metering.sql").read_bytes())
    await world.meter.work()
    assert await world.report() == before
    world.now += timedelta(hours=1)
    await world.meter.work()
    until = world.now.replace(minute=0)
    assert by_owner(await world.report()) == await world.recomputed(until=until)
