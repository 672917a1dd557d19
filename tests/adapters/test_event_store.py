"""The contract of the EventStore port; sealing of what is personal."""

import asyncio
from uuid import UUID, uuid4

import pytest

from adapters.event_store import EventSourcedStore
from adapters.feed import LogFeed
from commands.ports import Batch, Reserve, SetQuota, StreamMoved
from domain.account import AccountRegistered, Identity
from domain.ids import NOBODY, AccountId
from domain.image_events import (
    ImageCleared,
    Promised,
    UploadAborted,
    UploadInitiated,
)
from domain.refusals import QuotaExceeded
from tests.spec import LATER, NOW, OWNER

SECRET = "holiday-with-grandmother.jpg"  # noqa: S105 - a file's name


def initiated(size: int = 900) -> UploadInitiated:
    return UploadInitiated(
        owner_id=OWNER,
        size=size,
        content_type="image/jpeg",
        expires_at=LATER,
        personal=Promised(filename=SECRET),
    )


def opening(stream: UUID) -> Batch:
    return Batch(stream_id=stream, after=0, events=[initiated()])


@pytest.fixture
def store(core):
    return EventSourcedStore(core.log, lambda: NOW)


async def test_it_gives_back_what_it_was_given(store):
    stream = uuid4()
    events = [initiated(), ImageCleared(scanner="decode")]

    position = await store.append([Batch(stream_id=stream, after=0, events=events)], by=OWNER)

    found = await store.load(stream)
    assert [recorded.event for recorded in found] == events
    assert [recorded.version for recorded in found] == [1, 2]
    assert {recorded.at for recorded in found} == {NOW}
    assert {recorded.by for recorded in found} == {OWNER}
    assert position == 2


async def test_what_nobody_did_is_told(core, store):
    """An event without an actor must not stand in the way of all who read the log."""
    await store.append([opening(uuid4())], by=None)

    (told,) = await LogFeed(core.log).page(0, 10)

    assert told.by == NOBODY


async def test_an_unknown_stream_is_empty(store):
    assert list(await store.load(uuid4())) == []


async def test_who_comes_second_learns_that_the_stream_moved(store):
    stream = uuid4()
    await store.append([opening(stream)], by=OWNER)

    with pytest.raises(StreamMoved):
        await store.append([opening(stream)], by=OWNER)

    assert len(await store.load(stream)) == 1


async def test_of_many_writers_of_one_version_exactly_one_wins(store):
    stream = uuid4()

    outcomes = await asyncio.gather(
        *(store.append([opening(stream)], by=OWNER) for _ in range(20)), return_exceptions=True
    )

    assert sum(isinstance(outcome, int) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StreamMoved) for outcome in outcomes) == 19
    (recorded,) = await store.load(stream)
    assert recorded.event.personal.filename == SECRET


async def test_a_quota_names_its_figures(store):
    account = AccountId(uuid4())
    await store.append(
        [opening(uuid4())], by=OWNER, guards=[SetQuota(account_id=account, quota_bytes=1_000)]
    )
    await store.append(
        [opening(uuid4())], by=OWNER, guards=[Reserve(account_id=account, bytes=900)]
    )

    with pytest.raises(QuotaExceeded) as refused:
        await store.append(
            [opening(uuid4())], by=OWNER, guards=[Reserve(account_id=account, bytes=101)]
        )

    figures = {"limitBytes": 1_000, "usedBytes": 900, "requestedBytes": 101}
    assert refused.value.facts == figures


async def test_what_is_given_back_can_be_reserved_again(store):
    account = AccountId(uuid4())
    full = Reserve(account_id=account, bytes=1_000)
    freed = Reserve(account_id=account, bytes=-1_000)
    quota = SetQuota(account_id=account, quota_bytes=1_000)
    for guards in ([quota], [full], [freed], [full]):
        await store.append([opening(uuid4())], by=OWNER, guards=guards)


async def test_personal_content_is_nowhere_in_the_clear(core, store):
    account = uuid4()
    who = Identity(username="grandmother", email="grandmother@example.org")
    registered = AccountRegistered(plan="free", quota_bytes=1, personal=who)
    await store.append(
        [opening(uuid4()), Batch(stream_id=account, after=0, events=[registered])], by=OWNER
    )

    stored = b"".join(event.state for event in await core.log.recorder.page(0, 10))

    for secret in (SECRET, "grandmother", "example.org"):
        assert secret.encode() not in stored
    (recorded,) = await store.load(account)
    assert recorded.event.personal == who


async def test_a_stream_without_its_key_still_folds(core, store):
    """Erasure: the key's row goes, and with it the content; the history stays."""
    stream = uuid4()
    await store.append([opening(stream)], by=OWNER)
    async with core.database.connection() as connection:
        await connection.execute("delete from log.stream_keys where stream_id = %s", (stream,))
    core.log.keyring.forget(stream)

    (recorded,) = await store.load(stream)

    assert recorded.event.personal is None
    assert recorded.event.size == 900


async def test_a_sealed_part_opens_only_where_it_was_written(core, store):
    """Moved to another stream, or with one bit turned, it is refused, not misread."""
    stream, other = uuid4(), uuid4()
    await store.append([opening(stream), opening(other)], by=OWNER)
    async with core.database.connection() as connection:
        await connection.execute(
            "update log.darkroom_events set state = (select state from log.darkroom_events"
            " where originator_id = %s) where originator_id = %s",
            (stream, other),
        )
    with pytest.raises(ValueError, match="tampered"):
        await store.load(other)

    async with core.database.connection() as connection:
        await connection.execute(
            "update log.darkroom_events set state = set_bit(state, length(state) * 8 - 20,"
            " 1 - get_bit(state, length(state) * 8 - 20)) where originator_id = %s",
            (stream,),
        )
    with pytest.raises(ValueError, match="tampered"):
        await store.load(stream)


async def test_the_key_of_a_lost_race_is_not_kept(core, settings):
    """Two processes open one stream at once; both read it afterwards, by the stored key."""
    from bootstrap import Core

    theirs = Core(settings)
    async with theirs.opened():
        for _ in range(10):
            stream = uuid4()
            stores = [EventSourcedStore(it.log, lambda: NOW) for it in (core, theirs)]
            await asyncio.gather(
                *(store.append([opening(stream)], by=OWNER) for store in stores),
                return_exceptions=True,
            )
            for store in stores:
                (recorded,) = await store.load(stream)
                assert recorded.event.personal.filename == SECRET


async def test_every_later_event_continues_the_stream(store):
    stream = uuid4()
    await store.append([opening(stream)], by=OWNER)

    await store.append([Batch(stream_id=stream, after=1, events=[UploadAborted()])], by=OWNER)

    assert [recorded.version for recorded in await store.load(stream)] == [1, 2]


async def test_a_key_that_was_destroyed_elsewhere_opens_nothing_more(core, store):
    stream = uuid4()
    await store.append([opening(stream)], by=OWNER)
    (before,) = await store.load(stream)
    assert before.event.personal.filename == SECRET
    await core.database.run("delete from log.stream_keys")

    (after,) = await store.load(stream)
    (by_position,) = await core.log.opened(await core.log.recorder.page(0, 10))

    assert after.event.personal is None
    assert by_position.event.personal is None
