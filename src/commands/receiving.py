"""Bytes that are sent to us, kept as they come: durable before we say so."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from commands import object_keys
from commands.ledger import Entry, Hold, Ledger
from commands.multipart import MultipartStore
from commands.pieces import Pieces
from commands.ports import Clock, EventStore, ObjectMissing, Receipt
from commands.uploads import begin
from domain import image, progress, uploads
from domain.ids import AccountId, AlbumId, ImageId
from domain.image import Image
from domain.image_events import Promised
from domain.media import Caps
from domain.refusals import ChunkMismatch, NotFound, Unavailable, UploadGone, UploadLocked
from domain.stream import fold

PATIENCE = 4.0
"""Seconds to wait for whoever else is writing: longer than the lease of one that died."""
GLANCE = 0.5
"""Seconds that a mere look waits: enough for one whose sender has gone to keep what came."""
RENEWAL = 1.0
PAUSE = 0.05


class Interrupted(Exception):
    """The sender went away in the middle of the bytes."""


class Checksum(msgspec.Struct, frozen=True, kw_only=True):
    algorithm: str
    digest: bytes


class OpenUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Promise bytes that will be sent to us. `metadata` is kept as it is."""

    by: AccountId
    image_id: ImageId
    promised: Promised
    size: int
    content_type: str
    metadata: str
    album_id: AlbumId | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    image_id: ImageId
    receipt: Receipt
    expires_at: datetime


class LocateUpload(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId


class ReceiveBytes(msgspec.Struct, frozen=True, kw_only=True):
    """`body` raises Interrupted where it breaks off; `length` is what it announced, if it did."""

    by: AccountId
    image_id: ImageId
    offset: int
    body: AsyncIterator[bytes]
    length: int | None = None
    checksum: Checksum | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    offset: int
    size: int
    expires_at: datetime
    metadata: str = ""
    finalized: bool = False

    @property
    def complete(self) -> bool:
        return self.offset == self.size


async def open_upload(
    command: OpenUpload,
    *,
    store: EventStore,
    ledger: Ledger,
    now: Clock,
    caps: Caps,
    lifetime: int,
) -> Opened:
    """Reserve quota, then begin to remember how far it has come."""
    image_id = command.image_id
    begun = await begin(command, image_id, store=store, now=now, caps=caps, lifetime=lifetime)
    await ledger.open(Entry(image_id=image_id, multipart_id=None, metadata=command.metadata))
    return Opened(image_id=image_id, receipt=begun.receipt, expires_at=begun.expires_at)


async def locate_upload(
    command: LocateUpload, *, store: EventStore, ledger: Ledger, now: Clock
) -> Received:
    """How much of an upload is durable."""
    upload = await _receiving(command.by, command.image_id, store, now)
    if upload.finalized:
        return _received(upload, None, upload.size)
    entry = await _entry(command.image_id, ledger)
    for _ in range(int(GLANCE / PAUSE)):
        if not entry.held:
            break
        await asyncio.sleep(PAUSE)
        entry = await _entry(command.image_id, ledger)
    return _received(upload, entry, entry.progress.offset)


async def receive_bytes(
    command: ReceiveBytes,
    *,
    store: EventStore,
    objects: MultipartStore,
    ledger: Ledger,
    spool: Path,
    now: Clock,
) -> Received:
    """Keep every byte that comes, up to where the body ends or breaks off.

    With a checksum it is all or nothing: what breaks off cannot be verified.
    """
    upload = await _receiving(command.by, command.image_id, store, now)
    if upload.finalized:
        _require_fit(command, upload, upload.size)
        return _received(upload, None, upload.size)
    await _entry(command.image_id, ledger)
    async with held(ledger, command.image_id) as hold:
        _require_fit(command, upload, hold.entry.progress.offset)
        with TemporaryDirectory(dir=spool) as folder:
            pieces = Pieces(
                hold,
                upload,
                tentative=command.checksum is not None,
                objects=objects,
                ledger=ledger,
                folder=Path(folder),
            )
            try:
                await _write(command, pieces, hold, ledger)
            except ObjectMissing as error:  # it was aborted meanwhile
                raise UploadGone from error
            finally:
                await pieces.abandon()
        old, new = hold.entry.progress.tail, pieces.progress.tail
        if old is not None and old != new:
            with suppress(Unavailable):
                await objects.delete([object_keys.tail(command.image_id, old.number)])
    return _received(upload, hold.entry, pieces.progress.offset)


async def _write(command: ReceiveBytes, pieces: Pieces, hold: Hold, ledger: Ledger) -> None:
    loop = asyncio.get_running_loop()
    renewed = loop.time()
    checksum = command.checksum
    hash = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    try:
        async for chunk in command.body:
            await pieces.append(chunk)
            if hash:
                hash.update(chunk)
            if loop.time() > renewed + RENEWAL:
                await ledger.renew(hold)
                renewed = loop.time()
    except Interrupted:
        if not checksum:
            await pieces.close()
        raise
    if checksum and hash and not hmac.compare_digest(hash.digest(), checksum.digest):
        raise ChunkMismatch(algorithm=checksum.algorithm)
    await pieces.close()
    if checksum:
        await pieces.commit()


@asynccontextmanager
async def held(ledger: Ledger, image_id: ImageId) -> AsyncIterator[Hold]:
    """The right to write, alone. Raises UploadLocked if somebody else keeps it."""
    hold = await ledger.hold(image_id)
    for _ in range(int(PATIENCE / PAUSE)):
        if hold is not None:
            break
        await asyncio.sleep(PAUSE)
        hold = await ledger.hold(image_id)
    if hold is None:
        raise UploadLocked
    try:
        yield hold
    finally:
        with suppress(Unavailable):  # then the lease runs out
            await ledger.release(hold)


async def _receiving(by: AccountId, image_id: ImageId, store: EventStore, now: Clock) -> Image:
    state = fold(image.evolve, await store.load(image_id))
    return uploads.receiving(state, by=by, now=now())


async def _entry(image_id: ImageId, ledger: Ledger) -> Entry:
    """Raises NotFound for an upload that is not sent to us."""
    entry = await ledger.find(image_id)
    if entry is None or entry.part_size is not None:
        raise NotFound
    return entry


def _require_fit(command: ReceiveBytes, upload: Image, offset: int) -> None:
    progress.require_fit(offset, at=command.offset, coming=command.length, size=upload.size)


def _received(upload: Image, entry: Entry | None, offset: int) -> Received:
    return Received(
        offset=offset,
        size=upload.size,
        expires_at=upload.expires_at,
        metadata=entry.metadata if entry else "",
        finalized=upload.finalized,
    )
