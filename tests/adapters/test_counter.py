"""Counts are exact: over processes, over a database that was away, over batches sent twice."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import psycopg
import pytest
from msgspec.structs import replace

from adapters import counting
from adapters.counting import PostgresCounter
from adapters.popular import recount
from adapters.read_model import ReadModel
from adapters.tallies import Counted, PostgresTallies
from api.clients import recognized
from commands.counts import Sight, Visitor
from commands.erasure import Erasure, Kind
from domain.refusals import Unavailable
from projections.projection import PROJECTIONS
from tests.projections.test_gallery import accepted, opened
from tests.spec import IMAGE, NOW, OWNER, SHARE, TWIN, recorded

SOMEBODY, ROBOT = Visitor(account="somebody"), Visitor(peer="192.0.2.9", agent=b"Googlebot/2.1")
look = Sight(image_id=IMAGE, by=SOMEBODY, original=True, egress=10)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def counters(core, clock):
    """Three processes, as far as the database can tell; two images to look at."""
    events = [*recorded(opened, accepted), *recorded(opened, accepted, stream_id=TWIN)]
    events = [replace(event, position=at) for at, event in zip(count(1), events)]
    async with core.database.connection() as connection:
        await ReadModel(PROJECTIONS["gallery"]).apply(connection, events, after=0, upto=4)
    made = [
        PostgresCounter(core.database, clock, partial(recognized, proxies=())) for _ in range(3)
    ]
    for counter in made:
        await counter.load()
    return made


@pytest.fixture
def tallies(core):
    return PostgresTallies(core.database)


async def flush(counters):
    await asyncio.gather(*(counter.flush() for counter in counters))


async def test_three_processes_lose_and_double_nothing(counters, tallies):
    for number in range(30_000):
        image = (IMAGE, TWIN)[number % 2]
        sight = replace(look, image_id=image, by=Visitor(account=f"v{number}"))
        counters[number % 3].saw(sight)
        if number % 5_000 == 0:
            await flush(counters)
    await flush(counters)

    for image in (IMAGE, TWIN):
        stats = await tallies.stats(image)
        assert (stats.views, stats.originals, stats.egress_bytes) == (15_000, 15_000, 150_000)
    assert (await tallies.of_owner(OWNER, NOW)).views == 30_000


async def test_a_viewer_counts_once_an_hour_in_all_processes_together(counters, tallies, clock):
    for _ in range(2):
        for counter in counters:
            counter.saw(look)
            counter.saw(replace(look, original=False, shared=True))
        await flush(counters)
    clock.now += timedelta(hours=1)
    counters[0].saw(look)
    await flush(counters)

    stats = await tallies.stats(IMAGE)
    assert (stats.views, stats.originals, stats.variants, stats.shared) == (2, 7, 6, 6)


async def test_downloads_are_apart_from_views(counters, tallies):
    for _ in range(3):
        counters[0].saw(look)
        counters[0].saw(replace(look, download=True))
    await flush(counters)

    stats = await tallies.stats(IMAGE)
    assert (stats.views, stats.downloads, stats.egress_bytes) == (1, 1, 60)


async def test_robots_and_what_is_no_look_of_its_own_are_apart(counters, tallies):
    counters[0].saw(replace(look, by=ROBOT))
    counters[0].saw(replace(look, again=True, by=ROBOT, egress=0))
    counters[0].saw(replace(look, again=True))
    await flush(counters)

    stats = await tallies.stats(IMAGE)
    assert (stats.views, stats.robots, stats.repeats, stats.egress_bytes) == (0, 1, 2, 20)


async def test_what_is_popular_is_so_for_a_day_a_week_and_a_month(core, counters, clock):
    async def recent():
        rows = await core.database.rows("select period, image_id, views from counting.recent")
        return {(period, id): views for period, id, views in rows}

    every, week, month = {"day", "week", "month"}, {"week", "month"}, {"month"}
    assert await recount(core.database, clock.now.date())
    for number in range(3):
        counters[0].saw(replace(look, by=Visitor(account=f"v{number}")))
        counters[1].saw(replace(look, image_id=TWIN, by=Visitor(account="v")))
    await flush(counters)
    assert await recent() == {
        (period, image): views for period in every for image, views in ((IMAGE, 3), (TWIN, 1))
    }
    assert not await recount(core.database, clock.now.date()), "it is the same day"

    for days, left in ((1, week), (6, month), (22, month), (1, set())):
        clock.now += timedelta(days=days)
        assert await recount(core.database, clock.now.date())
        assert {period for period, id in await recent() if id == IMAGE} == left


async def test_days_add_up_to_the_whole(counters, tallies, clock):
    for _ in range(3):
        counters[0].saw(look)
        await counters[0].load()
        clock.now += timedelta(days=1)
    await flush(counters)

    stats = await tallies.stats(IMAGE)
    assert [day.day for day in stats.by_day] == [(NOW + timedelta(days=n)).date() for n in range(3)]
    assert [day.views for day in stats.by_day] == [1, 1, 1]
    assert stats.views == 3


async def test_a_batch_that_was_written_although_its_answer_was_lost_counts_once(
    counters, tallies, core, monkeypatch
):
    counter = counters[0]
    counter.saw(look)
    real = core.database.connection

    class Lost:
        """The commit is done when the connection breaks."""

        async def __aenter__(self):
            self._inner = real()
            return await self._inner.__aenter__()

        async def __aexit__(self, *_):
            await self._inner.__aexit__(None, None, None)
            raise Unavailable(dependency="database")

    monkeypatch.setattr(core.database, "connection", Lost)
    with pytest.raises(Unavailable):
        await counter.flush()
    monkeypatch.undo()
    counter.saw(replace(look, by=Visitor(account="another")))
    await counter.flush()
    await counter.flush()

    stats = await tallies.stats(IMAGE)
    assert (stats.views, stats.originals) == (2, 2)


async def test_counts_wait_for_a_database_that_is_away(counters, tallies, core):
    counters[0].saw(look)
    await core.database.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    for _ in range(3):
        try:
            await counters[0].flush()
        except Unavailable:
            continue

    assert (await tallies.stats(IMAGE)).views == 1


async def test_nothing_of_a_purged_image_comes_back(counters, tallies, core):
    counters[0].saw(look)
    await flush(counters)
    async with core.database.connection() as connection:
        await connection.execute("delete from gallery.images where id = %s", (IMAGE,))
    erasure = Erasure(
        subject=IMAGE,
        kind=Kind.IMAGE,
        receipt_id=SHARE,
        owner_id=OWNER,
        position=1,
        requested_at=NOW,
    )
    assert await Counted(core.database).clear(erasure) == 1
    counters[0].saw(look)
    await flush(counters)

    assert (await tallies.stats(IMAGE)).views == 0
    assert (await tallies.of_owner(OWNER, NOW)).views == 1


async def test_what_could_tell_who_was_here_is_gone_after_the_day(counters, core, clock):
    counters[0].saw(replace(look, by=Visitor(peer="192.0.2.7", agent=b"Firefox")))
    await flush(counters)
    everything = await core.database.rows("select * from counting.seen")
    assert len(everything) == 1
    assert {type(it) for it in everything[0]} == {int, datetime}
    assert "192.0.2.7" not in str(everything)

    await counting.sweep(core.database, clock.now + timedelta(days=1))

    assert await core.database.rows("select * from counting.seen") == []
    days = await core.database.rows("select day from counting.salts")
    assert days == [((NOW + timedelta(days=1)).date(),)]


async def test_salts_are_random_and_shared(counters, core):
    rows = await core.database.rows("select salt from counting.salts")

    assert len({bytes(salt) for (salt,) in rows}) == 2
    assert {len(salt) for (salt,) in rows} == {32}
    for counter in counters:
        counter.saw(look)
    await flush(counters)
    assert len(await core.database.rows("select * from counting.seen")) == 1


async def test_counts_are_in_the_database_when_flush_returns(counters, core):
    counters[0].saw(look)
    await counters[0].flush()

    with psycopg.connect(core.settings.database_url) as connection:
        assert connection.execute("select views from counting.images").fetchall() == [(1,)]
