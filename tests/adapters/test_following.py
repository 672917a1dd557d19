"""From the log to read models: whatever happens on the way, every event counts exactly once."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace
from nats.js.api import AckPolicy, ConsumerConfig

from adapters import jetstream, metrics
from adapters.feeding import passing_over
from adapters.hearing import Hearing
from adapters.positions import Announcement, HeardPositions
from adapters.projector import Projector
from adapters.read_model import PositionMoved, ReadModel, slowest
from adapters.rebuild import rebuild
from adapters.relay import Relay
from commands.execute import Stream, execute
from commands.ports import Batch
from domain import upkeep
from domain.album import AlbumDeleted
from domain.ids import AccountId
from domain.image_events import ImageCleared, UploadInitiated
from domain.stream import Recorded
from projections.projection import Projection
from tests.spec import LATER, OWNER

POISON = "poison"


class Count(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    events: int = 0


class Counting(Projection[Count], frozen=True, kw_only=True):
    most: int = 1_000_000

    @property
    def ddl(self) -> str:
        return f"""
            create table counts (
                id uuid primary key, events int not null check (events <= {self.most})
            );
            create index on counts (events);"""


def project(count: Count | None, recorded: Recorded[Any]) -> Count:
    if getattr(recorded.event, "scanner", "") == POISON:
        raise ValueError("bad event")
    count = count or Count(id=recorded.stream_id)
    return replace(count, events=count.events + 1)


COUNTS = Counting(
    name="counts",
    streams=frozenset({"image"}),
    table="counts",
    document=Count,
    project=project,
)


@pytest.fixture
async def model(core):
    model = ReadModel(COUNTS)
    async with core.database.connection() as connection:
        await model.create(connection)
    return model


def opened(owner: AccountId = OWNER) -> UploadInitiated:
    return UploadInitiated(
        owner_id=owner, size=1, content_type="image/png", expires_at=LATER, personal=None
    )


def cleared(scanner: str = "decode") -> ImageCleared:
    return ImageCleared(scanner=scanner)


async def write(core, stream: UUID, *events, after: int = 0) -> int:
    return await core.store.append([Batch(stream_id=stream, after=after, events=events)], by=OWNER)


async def write_many(core, count: int) -> list[UUID]:
    streams = [uuid4() for _ in range(count)]
    await asyncio.gather(*(write(core, stream, opened(), cleared()) for stream in streams))
    return streams


async def counts(core) -> dict[UUID, int]:
    return dict(await core.database.rows("select id, events from counts.counts"))


async def caught_up(core, within: float = 15.0) -> None:
    async def reached() -> int:
        return (await core.database.rows("select position from counts.position"))[0][0]

    await _at_the_head(core, reached, within)


async def published(core, within: float = 15.0) -> None:
    """The projector may be there first: it reads the log itself where NATS is silent."""

    async def reached() -> int | None:
        return (await jetstream.cursor(core.nats.jetstream(), core.names))[0]

    await _at_the_head(core, reached, within)


async def _at_the_head(core, reached, within: float) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if await reached() == await core.log.head():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("does not catch up")


@asynccontextmanager
async def running(*work):
    tasks = [asyncio.create_task(it.run()) for it in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def relay(core) -> Relay:
    async def floor() -> int:
        return await slowest(core.database)

    return Relay(core.log, core.nats, core.names, floor)


def projector(core, model) -> Projector:
    nats = Hearing(core.nats, core.names), Announcement(core.nats, core.names)
    return Projector(model, core.log, *nats)


async def messages(core) -> list[int]:
    """Positions in the stream, in its order."""
    js = core.nats.jetstream()
    info = await js.stream_info(core.names.stream)
    found = []
    for sequence in range(info.state.first_seq, info.state.last_seq + 1):
        message = await js.get_msg(core.names.stream, sequence)
        found.append(int(message.headers["Es-Pos"]))
    return found


async def test_it_follows(core, model):
    async with running(relay(core), projector(core, model)):
        streams = await write_many(core, 50)
        await caught_up(core)

    assert await counts(core) == dict.fromkeys(streams, 2)


async def test_what_changes_nothing_is_told_at_once_and_written_down_later(
    core, model, monkeypatch
):
    """Who waits for it is told by message; the table follows with the next change."""
    monkeypatch.setattr("adapters.projector.LAZY", 60.0)
    positions, counted = HeardPositions(core.database, core.names), frozenset({"counts"})
    await positions.listen(core.nats)
    query = "select position from counts.position"
    async with running(relay(core), projector(core, model)):
        first = await write_many(core, 1)
        await caught_up(core)
        before = await core.database.rows(query)
        last = [await write(core, uuid4(), AlbumDeleted()) for _ in range(3)][-1]

        assert await positions.reached(last, counted, within=10.0)
        assert await core.database.rows(query) == before
        second = await write_many(core, 1)
        await caught_up(core)

    assert await counts(core) == dict.fromkeys(first + second, 2)


async def test_two_relays_publish_each_event_once_and_in_order(core, model):
    async with running(relay(core), relay(core), projector(core, model)):
        await write_many(core, 100)
        await caught_up(core)
        await published(core)

    log = [event.id for event in await core.log.recorder.page(0, 1_000)]
    assert await messages(core) == log


async def test_a_relay_that_takes_over_leaves_nothing_out(core, model):
    for _ in range(3):
        async with running(relay(core)):
            await write_many(core, 10)
            await asyncio.sleep(0.05)
    async with running(relay(core), projector(core, model)):
        await write_many(core, 10)
        await caught_up(core)
        await published(core)
        await asyncio.sleep(0.3)

    assert await messages(core) == [event.id for event in await core.log.recorder.page(0, 1_000)]


async def test_a_wiped_stream_is_filled_again_and_followed_again(core, model):
    async with running(relay(core), projector(core, model)):
        first = await write_many(core, 20)
        await caught_up(core)

        await core.nats.jetstream().delete_stream(core.names.stream)
        second = await write_many(core, 20)
        await caught_up(core)
        await asyncio.sleep(3.0)  # the projector's idle look finds its consumer gone
        third = await write_many(core, 1)
        began = time.monotonic()
        await caught_up(core)
        latency = time.monotonic() - began

    assert await counts(core) == dict.fromkeys(first + second + third, 2)
    assert latency < 0.5, "by message again, not by the idle look at the log"


async def test_consumers_of_older_releases_go_once_nobody_asks_at_them(core, monkeypatch):
    """One of a process that still runs stays, and misses nothing."""
    monkeypatch.setattr("adapters.jetstream.UNUSED", 1.0)
    js, stream, got = core.nats.jetstream(), core.names.stream, list[Any]()
    older = ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=5_000, ack_wait=30)
    used, _ = [
        await js.pull_subscribe(core.names.subjects, durable=name, stream=stream, config=older)
        for name in ("used", "unused")
    ]

    async def ask() -> None:
        with suppress(TimeoutError):
            got.extend(await used.fetch(10, timeout=0.3))

    async with running(relay(core)), asyncio.timeout(20):
        await write_many(core, 1)
        while [it.name for it in await js.consumers_info(stream)] != ["used"]:
            await ask()
        await write_many(core, 1)
        await published(core)
        await ask()

    assert [int(it.headers["Es-Pos"]) for it in got] == [1, 2, 3, 4]


async def test_lost_doubled_and_reordered_messages_do_not_matter(core, model):
    """A relay that lies: holes, repeats, backwards. The chain of positions shows each."""
    gaps = metrics.GAPS.labels(model.schema)._value
    before = gaps.get()
    async with running(projector(core, model)):
        await asyncio.sleep(0.2)  # it listens
        streams = await write_many(core, 30)
        events = await core.log.recorder.page(0, 1_000)
        previous = dict(zip([e.id for e in events], [0, *(e.id for e in events)], strict=False))
        lies = [*events[5:9], *events[2:4], *events[5:9], events[30], events[29], events[-1]]
        for event in lies:
            subject = core.names.subject(event)
            headers = jetstream._headers(event, previous[event.id]) | {"Nats-Msg-Id": uuid4().hex}
            await core.nats.jetstream().publish(subject, event.state, headers=headers)
        await caught_up(core)

    assert await counts(core) == dict.fromkeys(streams, 2)
    assert gaps.get() > before, "and sends it to the log"


async def test_it_follows_while_nats_is_silent(core, model):
    """Without a relay nobody tells it anything: it looks at the log by itself."""
    async with running(projector(core, model)):
        await asyncio.sleep(0.2)
        streams = await write_many(core, 5)
        await caught_up(core)

    assert await counts(core) == dict.fromkeys(streams, 2)


async def test_a_standby_takes_over(core, model):
    first, second = projector(core, model), projector(core, model)
    async with running(relay(core), second):
        async with running(first):
            before = await write_many(core, 10)
            await caught_up(core)
        after = await write_many(core, 10)
        await caught_up(core)

    assert await counts(core) == dict.fromkeys(before + after, 2)


async def test_a_cancellation_that_nats_dropped_still_ends_the_work():
    async def work() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        jetstream.heed_cancellation()
        raise AssertionError("worked on")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()

    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_poisonous_event_is_parked_and_costs_its_own_stream_only(core, model):
    good, bad = await write_many(core, 20), uuid4()
    await write(core, bad, opened(), cleared(POISON), cleared())
    good += await write_many(core, 20)

    async with running(projector(core, model)):
        await caught_up(core)
        late = await write(core, bad, cleared(), after=3)
        await caught_up(core)

    found = await counts(core)
    assert found.pop(bad) == 1
    assert found == dict.fromkeys(good, 2)
    parked = await core.database.rows(
        "select stream_id, error, position from counts.parked order by position"
    )
    assert [stream for stream, _, _ in parked] == [bad] * 3
    assert parked[0][1] == "ValueError: bad event"
    assert "earlier event" in parked[1][1]
    assert parked[-1][2] == late


async def test_a_page_that_comes_twice_changes_nothing(core, model):
    streams = await write_many(core, 5)
    page = await core.log.opened(await core.log.recorder.page(0, 100))
    async with core.database.connection() as connection:
        await model.apply(connection, page, after=0, upto=page[-1].position)

        with pytest.raises(PositionMoved):
            await model.apply(connection, page, after=0, upto=page[-1].position)

    assert await counts(core) == dict.fromkeys(streams, 2)


async def test_no_document_is_saved_without_its_position(core, model):
    """A failure at the very end of the transaction leaves neither."""
    await write_many(core, 5)
    page = await core.log.opened(await core.log.recorder.page(0, 100))
    async with core.database.connection() as connection:
        with pytest.raises(PositionMoved):
            await model.apply(connection, page, after=7, upto=page[-1].position)

        assert await model.position(connection) == 0
    assert await counts(core) == {}


async def test_a_rebuild_under_load_misses_nothing(core, model):
    """Writers write, the projector follows, readers read: and the generation changes under them."""
    streams = await write_many(core, 200)
    seen: list[int] = []
    stop = asyncio.Event()

    async def read() -> None:
        while not stop.is_set():
            seen.append(len(await counts(core)))
            await asyncio.sleep(0.005)

    async def write_on() -> None:
        while not stop.is_set():
            streams.extend(await write_many(core, 5))

    async with running(relay(core), projector(core, model)):
        await caught_up(core)
        load = [asyncio.create_task(read()), asyncio.create_task(write_on())]
        reports = [
            await rebuild(COUNTS, core.log, lambda name, position, head: None) for _ in range(3)
        ]
        stop.set()
        await asyncio.gather(*load)
        await caught_up(core)

    assert await counts(core) == dict.fromkeys(streams, 2)
    assert min(seen) >= 200, "no reader ever saw a half-built generation"
    assert seen == sorted(seen)
    assert [report.events for report in reports] == sorted(report.events for report in reports)
    assert not await core.database.rows(
        "select 1 from pg_namespace where nspname in ('counts_next', 'counts_old')"
    )


async def test_a_new_generation_waits_for_no_reader_of_the_old_one(core, model):
    """Who reads from several models at once must never wait for one that waits for it."""
    await write_many(core, 5)
    await rebuild(COUNTS, core.log, lambda *_: None)
    async with core.database.connection() as reading, reading.transaction():
        await reading.execute("select from counts.counts")
        await write_many(core, 5)
        rebuilding = asyncio.create_task(rebuild(COUNTS, core.log, lambda *_: None))
        async with asyncio.timeout(30):
            while len(await counts(core)) < 10:  # noqa: ASYNC110 - the swap is in the database
                await asyncio.sleep(0.02)
        assert not rebuilding.done(), "the old one is there until it is read no more"
    await rebuilding

    assert not await core.database.rows("select from pg_namespace where nspname = 'counts_old'")


async def test_a_rebuild_that_was_broken_off_goes_on_where_it_was(core, model, monkeypatch):
    streams = await write_many(core, 40)
    monkeypatch.setattr("adapters.folding.BATCH", 10)

    def killed(_: str, position: int, head: int) -> None:
        if position >= 50:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            await rebuild(COUNTS, core.log, killed)
    streams += await write_many(core, 5)
    report = await rebuild(COUNTS, core.log, lambda *_: None)

    assert await counts(core) == dict.fromkeys(streams, 2)
    assert report.events == 90 - 60

    monkeypatch.setattr("adapters.rebuild._code", lambda: "one version")
    with pytest.raises(KeyboardInterrupt):
        await rebuild(COUNTS, core.log, killed)
    monkeypatch.setattr("adapters.rebuild._code", lambda: "another")
    report = await rebuild(COUNTS, core.log, lambda *_: None)

    assert report.events == 90, "what other code has made is worth nothing"
    assert await counts(core) == dict.fromkeys(streams, 2)


async def test_a_rebuild_parks_what_cannot_be_taken(core, model):
    good, bad = await write_many(core, 20), uuid4()
    await write(core, bad, opened(), cleared(POISON), cleared())
    good += await write_many(core, 20)

    await rebuild(COUNTS, core.log, lambda *_: None)

    assert await counts(core) == dict.fromkeys(good, 2) | {bad: 1}
    assert len(await core.database.rows("select 1 from counts.parked")) == 2


async def test_a_stream_is_taken_back_while_its_projector_goes_on(core, model, monkeypatch):
    """Mended: what was parked is folded again, and what comes later is not parked for it."""
    bad, taken = uuid4(), []
    await write(core, bad, opened(), cleared(POISON), cleared())

    async with running(relay(core), projector(core, model)):
        await caught_up(core)
        async with core.database.connection() as connection:
            with pytest.raises(ValueError, match="bad event"):
                await model.refold(connection, bad, partial(core.store.load, bad))
            monkeypatch.setitem(globals(), "POISON", "none")
            writing = [write(core, bad, *[cleared()] * 20, after=3)]
            writing.append(model.refold(connection, bad, partial(core.store.load, bad)))
            _, count = await asyncio.gather(*writing)
            taken.append(count)
            await caught_up(core)
            taken.append(await model.refold(connection, bad, partial(core.store.load, bad)))
        await write(core, bad, cleared(), after=23)
        await caught_up(core)

    assert taken[0] >= 2
    assert await counts(core) == {bad: 24}
    assert not await core.database.rows("select 1 from counts.parked")


async def test_what_is_skipped_is_in_no_generation(core, model):
    bad = uuid4()
    position = await write(core, bad, opened(), cleared(POISON))
    await write(core, bad, cleared(), after=2)
    skip = partial(upkeep.skip, model="counts", position=position, reason="poison")
    stream = Stream(upkeep.stream_of_model("counts"), upkeep.evolve)
    async with running(relay(core), projector(core, model)):
        await caught_up(core)
        await execute(core.store, stream, skip, by=OWNER)
        await execute(core.store, stream, skip, by=OWNER)
        await passing_over(model, core.log)
        async with core.database.connection() as connection:
            assert await model.refold(connection, bad, partial(core.store.load, bad)) == 2
    assert await counts(core) == {bad: 2}

    await rebuild(COUNTS, core.log, lambda *_: None)

    assert await counts(core) == {bad: 2}
    assert not await core.database.rows("select 1 from counts.parked")
    assert len(await core.store.load(upkeep.stream_of_model("counts"))) == 1


async def test_a_rebuild_heals_what_was_damaged(core, model):
    streams = await write_many(core, 10)
    async with running(projector(core, model)):
        await caught_up(core)
        await core.database.run("delete from counts.counts")

        await rebuild(COUNTS, core.log, lambda name, position, head: None)

    assert await counts(core) == dict.fromkeys(streams, 2)
