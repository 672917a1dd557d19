"""How an upload stands: what has come, and where to send what has not."""

from collections.abc import Sequence

import msgspec

from commands import assembly, object_keys
from commands.assembly import Arrival
from commands.ledger import Entry, Ledger
from commands.multipart import MultipartStore
from commands.ports import Clock, EventStore, SignedRequest
from commands.uploads import SignedPart, sign_parts
from domain import image, uploads
from domain.ids import AccountId, ImageId
from domain.image import Image
from domain.progress import Piece
from domain.stream import fold


class InspectUpload(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    image_id: ImageId
    upload: Image
    status: str
    """initiated, complete, finalized, aborted or expired."""
    received: int
    part_size: int | None = None
    parts: Sequence[Piece] = ()
    request: SignedRequest | None = None
    """For the whole, where nothing else has begun."""
    missing: Sequence[SignedPart] = ()


async def inspect_upload(
    command: InspectUpload,
    *,
    store: EventStore,
    objects: MultipartStore,
    ledger: Ledger,
    now: Clock,
    expiry: int,
) -> Standing:
    state = fold(image.evolve, await store.load(command.image_id))
    upload = uploads.own(state, by=command.by)
    over = uploads.ended(upload, now=now())
    if over is not None:
        return Standing(
            image_id=command.image_id,
            upload=upload,
            status=over,
            received=upload.size if upload.finalized else 0,
        )
    entry = await ledger.find(command.image_id)
    came = await _arrival(command.image_id, entry, upload, objects)
    standing = Standing(
        image_id=command.image_id,
        upload=upload,
        status="complete" if came.received == upload.size else "initiated",
        received=came.received,
        part_size=entry.part_size if entry else None,
        parts=came.parts if entry and entry.part_size else (),
    )
    if standing.status == "complete":
        return standing
    return await _with_requests(standing, entry, objects, expiry)


async def _arrival(
    image_id: ImageId, entry: Entry | None, upload: Image, objects: MultipartStore
) -> Arrival:
    if entry is None:
        return await assembly.whole(image_id, objects)
    return await assembly.arrival(entry, upload.size, objects)


async def _with_requests(
    standing: Standing, entry: Entry | None, objects: MultipartStore, expiry: int
) -> Standing:
    """Fresh URLs: those handed out before may have expired. None for what is sent to us."""
    upload = standing.upload
    missing: Sequence[SignedPart] = ()
    if entry is not None:
        if entry.part_size is None:
            return standing
        there = {part.number for part in standing.parts}
        missing = await sign_parts(entry, upload.size, objects, expiry, but=there)
    request = await objects.presign_put(
        object_keys.incoming(standing.image_id),
        size=upload.size,
        content_type=upload.content_type,
        sha256=upload.promised.sha256 if upload.promised else None,
        expires_in=expiry,
    )
    return msgspec.structs.replace(standing, request=request, missing=missing)
