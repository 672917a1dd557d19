"""The trash empties itself, by a clock of our own, on the real log and read model."""

from datetime import timedelta
from uuid import uuid4

from adapters.reaping import PostgresTrash
from bootstrap import erasing
from commands.ports import Batch
from domain.access import Visibility
from domain.image_events import (
    Cause,
    Ground,
    ImageFinalized,
    LegalHoldLifted,
    LegalHoldPlaced,
    Purged,
    Restored,
    SoftDeleted,
    UploadInitiated,
)
from domain.media import Format
from projections.retention import Emptier
from tests.adapters.test_reaper import projected
from tests.spec import LATER, OWNER

SECOND = timedelta(seconds=1)
deleted = SoftDeleted(purge_after=LATER)


async def image(core, *events):
    id = uuid4()
    opening = [
        UploadInitiated(
            owner_id=OWNER, size=0, content_type="image/png", expires_at=LATER, personal=None
        ),
        ImageFinalized(
            attempt=uuid4(),
            format=Format.PNG,
            size=0,
            visibility=Visibility.PRIVATE,
            personal=None,
        ),
    ]
    await core.store.append([Batch(stream_id=id, after=0, events=[*opening, *events])], by=OWNER)
    return id


def emptier(core, now) -> Emptier:
    return Emptier(PostgresTrash(core.database), store=core.store, hasher=core.key, now=lambda: now)


async def last(core, id):
    return (await core.store.load(id))[-1].event


async def test_only_what_nobody_restored_in_time_is_purged_and_only_once(core):
    thrown, kept = await image(core, deleted), await image(core)
    restored = await image(core, deleted, Restored())
    await projected(core)

    assert await emptier(core, LATER).work() == 0
    assert await emptier(core, LATER + SECOND).work() == 1
    assert await emptier(core, LATER + SECOND).work() == 0  # whatever the read model still says

    assert await last(core, thrown) == Purged(cause=Cause.RETENTION)
    assert (await last(core, restored), type(await last(core, kept))) == (
        Restored(),
        ImageFinalized,
    )
    assert await erasing.orders(core).take() == 1


async def test_what_was_restored_a_moment_ago_stays_though_the_read_model_is_late(core):
    id = await image(core, deleted)
    await projected(core)
    await core.store.append([Batch(stream_id=id, after=3, events=[Restored()])], by=OWNER)

    assert await emptier(core, LATER + SECOND).work() == 0

    assert await last(core, id) == Restored()


async def test_a_legal_hold_stops_the_clock_until_it_is_lifted(core):
    held = await image(core, deleted, LegalHoldPlaced(personal=Ground(reason="a court")))
    await projected(core)
    assert await emptier(core, LATER + SECOND).work() == 0
    await core.store.append([Batch(stream_id=held, after=4, events=[LegalHoldLifted()])], by=OWNER)

    assert await emptier(core, LATER + SECOND).work() == 1
