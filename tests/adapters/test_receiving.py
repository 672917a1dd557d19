"""Receiving on the real stores: two writers, zombies, expiry, broken bodies, aborts midway."""

import asyncio
import hashlib
import os
from datetime import timedelta
from functools import partial

import pytest

from adapters import ledger as adapter
from adapters.ledger import PostgresLedger
from bootstrap import new_id, now
from commands import object_keys, receiving, uploads
from commands.multipart import MIN_PART, PART
from commands.ports import Batch, ObjectMissing, SetQuota
from commands.receiving import Checksum, Interrupted, LocateUpload, OpenUpload, ReceiveBytes
from commands.uploads import AbortUpload
from domain.account import AccountRegistered
from domain.ids import ImageId
from domain.image_events import Promised
from domain.media import Caps
from domain.refusals import (
    ChunkMismatch,
    NotFound,
    OffsetMismatch,
    QuotaExceeded,
    Refusal,
    UploadGone,
    UploadLocked,
)
from tests.spec import OWNER, STRANGER

SIZE = 20 * 1024 * 1024
CONTENT = os.urandom(SIZE)


class Desk:
    """One API process: its handlers, on the stores that all share."""

    def __init__(self, core, spool, clock=now):
        self.core, self.clock = core, clock
        self.ledger = PostgresLedger(core.database)
        shared = {"store": core.store, "ledger": self.ledger, "now": clock}
        self._open = partial(receiving.open_upload, caps=Caps(), lifetime=86_400, **shared)
        self._receive = partial(
            receiving.receive_bytes, objects=core.objects, spool=spool, **shared
        )
        self._locate = partial(receiving.locate_upload, **shared)

    async def open(self, size=SIZE):
        return await self._open(
            OpenUpload(
                by=OWNER,
                image_id=ImageId(new_id()),
                promised=Promised(filename="a"),
                size=size,
                content_type="image/jpeg",
                metadata="",
            )
        )

    async def send(self, id, offset, body, by=OWNER, checksum=None):
        body = chunks(body) if isinstance(body, bytes) else body
        command = ReceiveBytes(by=by, image_id=id, offset=offset, body=body, checksum=checksum)
        return (await self._receive(command)).offset

    async def offset(self, id, by=OWNER):
        return (await self._locate(LocateUpload(by=by, image_id=id))).offset

    async def abort(self, id):
        await uploads.abort_upload(
            AbortUpload(by=OWNER, image_id=id),
            store=self.core.store,
            objects=self.core.objects,
            ledger=self.ledger,
        )

    async def content(self, id) -> bytes:
        """What is durable so far, out of the store."""
        entry = await self.ledger.find(id)
        if entry.progress.parts:
            await self.core.objects.complete(
                object_keys.incoming(id), entry.multipart_id, entry.progress.parts
            )
            return await self.core.objects.read(object_keys.incoming(id))
        return await self.core.objects.read(object_keys.tail(id, entry.progress.tail.number))


@pytest.fixture
async def desk(core, tmp_path):
    opened = AccountRegistered(plan="free", quota_bytes=10**9, personal=None)
    quota = SetQuota(account_id=OWNER, quota_bytes=10**9)
    await core.store.append(
        [Batch(stream_id=OWNER, after=0, events=[opened])], by=OWNER, guards=[quota]
    )
    return Desk(core, tmp_path)


async def chunks(content: bytes, size: int = 400_000):
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def broken(content: bytes):
    async for chunk in chunks(content):
        yield chunk
    raise Interrupted


async def left(core, prefix: str = "incoming/") -> list[str]:
    return [it.key async for it in core.objects.list(prefix)] + [
        it.key async for it in core.objects.unfinished(prefix)
    ]


async def test_bytes_become_parts_and_the_rest_waits_as_a_tail(desk):
    id = (await desk.open()).image_id

    assert await desk.send(id, 0, CONTENT[: PART + 900_000]) == PART + 900_000

    progress = (await desk.ledger.find(id)).progress
    assert [part.size >= PART for part in progress.parts] == [True]
    assert 0 < progress.tail.size < MIN_PART
    assert await desk.send(id, progress.offset, CONTENT[progress.offset :]) == SIZE
    progress = (await desk.ledger.find(id)).progress
    assert progress.tail is None
    assert all(part.size >= MIN_PART for part in progress.parts[:-1])
    assert await desk.content(id) == CONTENT


@pytest.mark.parametrize("size", [1, MIN_PART - 1, MIN_PART, PART, PART + 1])
async def test_files_of_every_size_class_are_whole(desk, size):
    id = (await desk.open(size)).image_id

    assert await desk.send(id, 0, CONTENT[:size]) == size

    assert await desk.content(id) == CONTENT[:size]


async def test_small_chunks_leave_one_tail_at_a_time(desk, core):
    id, size = (await desk.open()).image_id, 900_000

    for offset in range(0, 4 * size, size):
        await desk.send(id, offset, CONTENT[offset : offset + size])
        assert len(await left(core)) == 1

    assert await desk.content(id) == CONTENT[: 4 * size]


async def test_what_came_before_the_break_is_kept(desk):
    id, came = (await desk.open()).image_id, PART + 777_777

    with pytest.raises(Interrupted):
        await desk.send(id, 0, broken(CONTENT[:came]))

    assert await desk.offset(id) == came
    assert await desk.send(id, came, CONTENT[came:]) == SIZE
    assert await desk.content(id) == CONTENT


async def test_with_a_checksum_what_broke_off_is_not_kept(desk):
    id = (await desk.open()).image_id
    checksum = Checksum(algorithm="sha256", digest=hashlib.sha256(CONTENT).digest())

    with pytest.raises(Interrupted):
        await desk.send(id, 0, broken(CONTENT[: 2 * PART]), checksum=checksum)
    with pytest.raises(ChunkMismatch):
        await desk.send(id, 0, CONTENT[:-1], checksum=checksum)

    assert await desk.offset(id) == 0
    assert await desk.send(id, 0, CONTENT, checksum=checksum) == SIZE
    assert await desk.content(id) == CONTENT


async def test_of_two_writers_one_writes_and_the_bytes_never_mix(desk, core, tmp_path):
    """Both at once, from several processes; who comes second finds the offset moved."""
    other = Desk(core, tmp_path)
    for _ in range(5):
        id = (await desk.open(2 * PART)).image_id
        bodies = [bytes([n]) * (2 * PART) for n in range(1, 5)]

        done = await asyncio.gather(
            *((desk, other)[n % 2].send(id, 0, body) for n, body in enumerate(bodies)),
            return_exceptions=True,
        )

        assert sum(offset == 2 * PART for offset in done) == 1, done
        assert sum(isinstance(it, OffsetMismatch) for it in done) == 3, done
        assert await desk.content(id) in bodies


async def test_while_one_writes_another_is_locked_out(desk, core, tmp_path, monkeypatch):
    monkeypatch.setattr(receiving, "PATIENCE", 0.3)
    monkeypatch.setattr(receiving, "RENEWAL", 0.0)
    id, more = (await desk.open()).image_id, asyncio.Event()

    async def slowly():
        yield CONTENT[:1000]
        await more.wait()
        yield CONTENT[1000:2000]

    writing = asyncio.create_task(desk.send(id, 0, slowly()))
    await asyncio.sleep(0.2)
    with pytest.raises(UploadLocked):
        await Desk(core, tmp_path).send(id, 0, CONTENT)
    more.set()

    assert await writing == 2000


async def test_a_stuck_writer_gives_way_and_its_late_bytes_are_not_taken(
    desk, core, tmp_path, monkeypatch
):
    """Its process froze, or its connection is half open: the lease runs out, then it wakes up."""
    monkeypatch.setattr(adapter, "_HOLD", adapter._HOLD.replace(adapter.LEASE, "0.2 seconds"))
    id, wake = (await desk.open()).image_id, asyncio.Event()

    async def stuck():
        yield bytes(1000)
        await wake.wait()
        yield bytes(SIZE - 1000)

    zombie = asyncio.create_task(desk.send(id, 0, stuck()))
    await asyncio.sleep(0.3)
    other = Desk(core, tmp_path)
    assert await other.send(id, 0, CONTENT[: PART + 5]) == PART + 5
    wake.set()

    with pytest.raises(UploadLocked):
        await zombie
    assert await other.send(id, PART + 5, CONTENT[PART + 5 :]) == SIZE
    assert await other.content(id) == CONTENT


async def test_an_abort_midway_ends_the_writer_and_leaves_nothing(desk, core):
    id = (await desk.open()).image_id
    half, more = asyncio.Event(), asyncio.Event()

    async def slowly():
        yield CONTENT[:PART]
        yield CONTENT[PART : 2 * PART]  # asked for once the first part is on its way
        half.set()
        await more.wait()
        yield CONTENT[2 * PART :]

    writing = asyncio.create_task(desk.send(id, 0, slowly()))
    await half.wait()
    await desk.abort(id)
    more.set()

    with pytest.raises(Refusal):
        await writing
    assert await left(core) == []
    with pytest.raises(UploadGone):
        await desk.offset(id)


async def test_after_its_time_an_upload_is_gone(desk, core, tmp_path):
    opened = await desk.open()
    await desk.send(opened.image_id, 0, CONTENT[:1000])

    late = Desk(core, tmp_path, clock=lambda: opened.expires_at + timedelta(seconds=1))

    for asking in (late.offset(opened.image_id), late.send(opened.image_id, 1000, CONTENT[1000:])):
        with pytest.raises(UploadGone):
            await asking


async def test_strangers_and_presigned_uploads_are_not_found(desk):
    id = (await desk.open()).image_id
    presigned = await uploads.initiate_upload(
        uploads.InitiateUpload(
            by=OWNER, promised=Promised(filename="a"), size=SIZE, content_type="image/jpeg"
        ),
        **{"store": desk.core.store, "objects": desk.core.objects, "ledger": desk.ledger},
        **{"now": now, "new_id": new_id, "caps": Caps(), "lifetime": 9, "expiry": 9},
    )

    for asking in (
        desk.offset(id, by=STRANGER),
        desk.send(id, 0, CONTENT, by=STRANGER),
        desk.offset(presigned.image_id),
        desk.send(presigned.image_id, 0, CONTENT),
    ):
        with pytest.raises(NotFound):
            await asking


async def test_what_does_not_fit_the_quota_is_not_opened(desk, core):
    for _ in range(20):
        await desk.open(50_000_000)

    with pytest.raises(QuotaExceeded):
        await desk.open(1)

    with pytest.raises(ObjectMissing):
        await core.objects.head(object_keys.incoming(new_id()))
