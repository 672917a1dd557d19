"""The contract of the Ledger port: who holds an upload, and what no one else may then do."""

import asyncio
from uuid import uuid4

import pytest

from adapters import ledger as adapter
from adapters.ledger import PostgresLedger
from commands.ledger import Entry
from domain.ids import ImageId
from domain.progress import Piece, Progress
from domain.refusals import UploadLocked

PART, TAIL = Piece(number=1, size=9, etag='"x"'), Piece(number=2, size=3)


@pytest.fixture
def ledger(core):
    return PostgresLedger(core.database)


@pytest.fixture
async def entry(ledger):
    return await ledger.open(Entry(image_id=ImageId(uuid4()), multipart_id=None, metadata="a YQ=="))


async def test_it_finds_what_was_opened(ledger, entry):
    parts = Entry(image_id=ImageId(uuid4()), multipart_id="m", part_size=5)

    assert await ledger.find(entry.image_id) == entry
    assert await ledger.open(parts) == parts == await ledger.find(parts.image_id)
    assert await ledger.find(ImageId(uuid4())) is None


async def test_opened_again_it_is_as_it_was(ledger):
    first = await ledger.open(Entry(image_id=ImageId(uuid4()), multipart_id="first", part_size=5))

    again = await ledger.open(Entry(image_id=first.image_id, multipart_id="second", part_size=6))

    assert again == first


async def test_what_is_recorded_is_found(ledger, entry):
    hold = await ledger.hold(entry.image_id)
    assert await ledger.number(hold, "m") == 1

    await ledger.record(hold, Progress(parts=(PART,), tail=TAIL))

    found = await ledger.find(entry.image_id)
    assert found.progress == Progress(parts=(PART,), tail=TAIL)
    assert (found.multipart_id, found.metadata, found.held) == ("m", "a YQ==", True)
    await ledger.release(hold)
    assert not (await ledger.find(entry.image_id)).held


async def test_of_many_one_holds(ledger, entry):
    holds = await asyncio.gather(*(ledger.hold(entry.image_id) for _ in range(8)))

    (hold,) = [hold for hold in holds if hold is not None]
    await ledger.release(hold)
    assert await ledger.hold(entry.image_id) is not None


async def test_nobody_holds_what_is_not_there(ledger):
    assert await ledger.hold(ImageId(uuid4())) is None


async def test_no_number_is_given_twice(ledger, entry):
    given = []
    for _ in range(3):
        hold = await ledger.hold(entry.image_id)
        given += [await ledger.number(hold, "m"), await ledger.number(hold, "m")]
        await ledger.release(hold)

    assert given == [1, 2, 3, 4, 5, 6]


async def test_the_first_multipart_id_stays(ledger, entry):
    hold = await ledger.hold(entry.image_id)
    await ledger.number(hold, None)
    await ledger.number(hold, "first")
    await ledger.number(hold, "second")

    assert (await ledger.find(entry.image_id)).multipart_id == "first"


async def test_who_is_silent_loses_the_hold_and_can_do_nothing_more(ledger, entry, monkeypatch):
    monkeypatch.setattr(adapter, "_HOLD", adapter._HOLD.replace(adapter.LEASE, "0.1 seconds"))
    dead = await ledger.hold(entry.image_id)
    await asyncio.sleep(0.2)

    alive = await ledger.hold(entry.image_id)

    assert alive.fence > dead.fence
    for attempt in (
        ledger.record(dead, Progress(parts=(PART,))),
        ledger.number(dead, "m"),
        ledger.renew(dead),
    ):
        with pytest.raises(UploadLocked):
            await attempt
    await ledger.release(dead)
    assert (await ledger.find(entry.image_id)).progress == Progress()
    await ledger.record(alive, Progress(parts=(PART,)))


async def test_who_is_late_but_alone_goes_on(ledger, entry, monkeypatch):
    monkeypatch.setattr(adapter, "_HOLD", adapter._HOLD.replace(adapter.LEASE, "0.1 seconds"))
    hold = await ledger.hold(entry.image_id)
    await asyncio.sleep(0.2)

    await ledger.renew(hold)

    assert await ledger.hold(entry.image_id) is None


async def test_what_is_forgotten_is_gone_for_who_holds_it_too(ledger, entry):
    hold = await ledger.hold(entry.image_id)

    await ledger.forget(entry.image_id)
    await ledger.forget(entry.image_id)

    assert await ledger.find(entry.image_id) is None
    with pytest.raises(UploadLocked):
        await ledger.record(hold, Progress(parts=(PART,)))
