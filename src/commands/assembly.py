"""What becomes of the parts of an upload: one object, or nothing."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from commands import object_keys
from commands.ledger import Entry, Ledger
from commands.multipart import MultipartStore, Unfinished
from commands.ports import ObjectKey, ObjectMissing
from domain import progress
from domain.ids import ImageId
from domain.progress import Piece


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What of an upload is in the object store."""

    received: int
    parts: Sequence[Piece] = ()
    source: ObjectKey
    """Where all of it is, once it is all there and assembled."""
    multipart_id: str | None = None
    """Of what is to be assembled first."""


async def arrival(entry: Entry, size: int, objects: MultipartStore) -> Arrival:
    if entry.part_size is None:
        return _sent_to_us(entry)
    return await _put_in_parts(entry, entry.part_size, size, objects)


async def whole(image_id: ImageId, objects: MultipartStore) -> Arrival:
    """Of an upload that is one object, or was assembled to one."""
    source = object_keys.incoming(image_id)
    try:
        return Arrival(received=(await objects.head(source)).size, source=source)
    except ObjectMissing:
        return Arrival(received=0, source=source)


def _sent_to_us(entry: Entry) -> Arrival:
    parts, tail = entry.progress.parts, entry.progress.tail
    source = object_keys.incoming(entry.image_id)
    if tail is not None and not parts:
        source = object_keys.tail(entry.image_id, tail.number)
    return Arrival(
        received=entry.progress.offset,
        parts=parts,
        source=source,
        multipart_id=entry.multipart_id if parts else None,
    )


async def _put_in_parts(
    entry: Entry, part_size: int, size: int, objects: MultipartStore
) -> Arrival:
    """A client may also have put the whole; or an earlier attempt has assembled it already."""
    assert entry.multipart_id is not None
    source = object_keys.incoming(entry.image_id)
    try:
        found = await objects.parts(source, entry.multipart_id)
    except ObjectMissing:
        return await whole(entry.image_id, objects)
    parts = progress.received(found, part_size=part_size, size=size)
    received = sum(part.size for part in parts)
    if received < size:
        put = await whole(entry.image_id, objects)
        if put.received == size:
            return put
    return Arrival(received=received, parts=parts, source=source, multipart_id=entry.multipart_id)


async def assembled(arrived: Arrival, objects: MultipartStore) -> ObjectKey:
    """The one object of what has arrived in full. Asked again, the same."""
    if arrived.multipart_id is not None:
        with suppress(ObjectMissing):  # assembled before; or else the source is missing, too
            await objects.complete(arrived.source, arrived.multipart_id, arrived.parts)
    return arrived.source


async def discard(image_id: ImageId, *, objects: MultipartStore, ledger: Ledger) -> None:
    """Let go of all that came for an upload that is over without an image."""
    entry = await ledger.find(image_id)
    key = object_keys.incoming(image_id)
    multipart_id = entry.multipart_id if entry else None
    if multipart_id is not None and not (await whole(image_id, objects)).received:
        await objects.abort(key, multipart_id)
    await objects.delete([key])
    await forget(entry, objects=objects, ledger=ledger)


async def forget(entry: Entry | None, *, objects: MultipartStore, ledger: Ledger) -> None:
    """Drop what was remembered on the way, when the image is there or never will be."""
    if entry is None:
        return
    if tail := entry.progress.tail:
        await objects.delete([object_keys.tail(entry.image_id, tail.number)])
    await ledger.forget(entry.image_id)


async def abandon(gone: Sequence[Unfinished], *, objects: MultipartStore) -> None:
    """Drop parts that nobody needs; where their object is there still, a later call does."""
    for it in gone:
        try:
            await objects.head(it.key)
        except ObjectMissing:
            await objects.abort(it.key, it.multipart_id)
