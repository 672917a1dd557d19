"""Bytes that came are put where no client can write, and proven to be an image."""

import asyncio
from pathlib import Path
from uuid import UUID

import msgspec

from commands import assembly, object_keys
from commands.lab import Inspector
from commands.ledger import Entry, Ledger
from commands.multipart import MultipartStore
from commands.ports import ObjectKey, ObjectMissing, ObjectStore
from commands.spooling import downloaded
from domain.ids import ImageId
from domain.image import Image
from domain.image_events import Promised
from domain.refusals import ChecksumMismatch, Refusal, Unavailable, UnsupportedFormat
from domain.uploads import Arrived


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt to finalize found; None if not all bytes had arrived."""

    attempt: UUID
    arrived: Arrived | Refusal | None
    received: int = 0
    entry: Entry | None = None


async def prove(
    image_id: ImageId,
    state: Image,
    attempt: UUID,
    objects: MultipartStore,
    ledger: Ledger,
    lab: Inspector,
    spool: Path,
) -> Proof:
    """Of a copy under a key of this attempt's own: what is proven stays as it was proven."""
    target = object_keys.original(state.owner_id, image_id, attempt)
    source = object_keys.incoming(image_id)
    entry = await ledger.find(image_id)
    if entry is not None:
        came = await assembly.arrival(entry, state.size, objects)
        if came.received != state.size:
            return Proof(attempt=attempt, arrived=None, received=came.received)
        source = await assembly.assembled(came, objects)
    try:
        await objects.copy(source, target)
        arrived, _ = await asyncio.gather(
            _stored(objects, target, lab, spool, state.promised),
            objects.settle(),  # the copy is complete: it is flushed while it is proven
        )
    except ObjectMissing:
        return Proof(attempt=attempt, arrived=None)
    return Proof(attempt=attempt, arrived=arrived, entry=entry)


async def _stored(
    objects: ObjectStore, key: ObjectKey, lab: Inspector, spool: Path, promised: Promised | None
) -> Arrived | Refusal:
    async with downloaded(objects, key, spool) as path:
        return await proven(lab, path, promised)


async def proven(lab: Inspector, path: Path, promised: Promised | None) -> Arrived | Refusal:
    """A refusal is an answer about the bytes, and as such a fact to be recorded."""
    try:
        arrived = await lab.inspect(path)
    except Unavailable:
        raise
    except Refusal as refusal:
        return refusal
    if promised and promised.sha256 not in (None, arrived.content.checksum):
        return ChecksumMismatch(declared=promised.sha256, found=arrived.content.checksum)
    if promised and promised.format not in (None, arrived.format):
        return UnsupportedFormat(accepted=promised.format, found=arrived.format)
    return arrived
