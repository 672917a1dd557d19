"""Taking images in: promise, bytes, proof, fact."""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commands import assembly, object_keys
from commands.duplicates import finalize_once
from commands.execute import Stream, execute
from commands.ledger import Entry, Ledger
from commands.multipart import PART, MultipartStore
from commands.once import Once
from commands.ports import (
    Clock,
    EventStore,
    Guard,
    Hasher,
    Inspector,
    NewId,
    ObjectKey,
    ObjectMissing,
    ObjectStore,
    Receipt,
    Reserve,
    SignedRequest,
    Twins,
)
from commands.surroundings import place
from commands.transfers import Allowances, brought
from domain import image, placing, progress, uploads
from domain.access import Visibility
from domain.account import Duplicates
from domain.ids import AccountId, AlbumId, ImageId
from domain.image import Image
from domain.image_events import Details, Promised
from domain.media import Caps
from domain.refusals import ChecksumMismatch, Refusal, Unavailable, UnsupportedFormat
from domain.stream import fold
from domain.uploads import Arrived

MULTIPART_FROM = 16 * 1024 * 1024
"""Bytes from which on a client may also send parts."""


class InitiateUpload(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    promised: Promised
    size: int
    content_type: str
    album_id: AlbumId | None = None
    image_id: ImageId | None = None
    """Given where a repeated request must find what it made."""


class SignedPart(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    request: SignedRequest


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that may begin: in one piece or, where there are any, in parts."""

    image_id: ImageId
    request: SignedRequest
    parts: Sequence[SignedPart] = ()
    receipt: Receipt


class FinalizeUpload(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    visibility: Visibility
    details: Details = Details()
    duplicates: Duplicates = Duplicates.KEEP
    album_id: AlbumId | None = None


class TakeIn(msgspec.Struct, frozen=True, kw_only=True):
    """Initiate and finalize in one: the bytes are already here, in a file on this machine."""

    by: AccountId
    path: Path
    promised: Promised
    content_type: str
    visibility: Visibility
    details: Details = Details()
    duplicates: Duplicates = Duplicates.KEEP
    album_id: AlbumId | None = None
    image_id: ImageId | None = None
    """Given where a repeated request must find what it made."""

    @property
    def size(self) -> int:
        return self.path.stat().st_size


class AbortUpload(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId


Guarding = Callable[[Image | None, Image | None], Sequence[Guard]]


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    image_id: ImageId
    receipt: Receipt
    refusal: Refusal | None = None
    """What is wrong with the bytes: recorded with this very receipt, for good."""
    duplicate: bool = False
    """The image was there already, by another upload."""


async def initiate_upload(
    command: InitiateUpload,
    *,
    store: EventStore,
    objects: MultipartStore,
    ledger: Ledger,
    now: Clock,
    new_id: NewId,
    caps: Caps,
    lifetime: int,
    expiry: int,
) -> Ticket:
    """Reserve quota, then hand out URLs that take exactly these bytes."""
    image_id = command.image_id or ImageId(new_id())
    decide = partial(
        uploads.initiate,
        by=command.by,
        promised=command.promised,
        size=command.size,
        content_type=command.content_type,
        expires_at=now() + timedelta(seconds=lifetime),
        caps=caps,
        **await destination(store, command.album_id, by=command.by, now=now),
    )
    stream = Stream(image_id, image.evolve)
    receipt = await execute(store, stream, decide, by=command.by, guards=charge)
    key = object_keys.incoming(image_id)
    request = await objects.presign_put(
        key,
        size=command.size,
        content_type=command.content_type,
        sha256=command.promised.sha256,
        expires_in=expiry,
    )
    parts: Sequence[SignedPart] = ()
    if command.size >= MULTIPART_FROM:
        multipart_id = await objects.begin(key, content_type=command.content_type)
        entry = await ledger.open(
            Entry(image_id=image_id, multipart_id=multipart_id, part_size=PART)
        )
        parts = await sign_parts(entry, command.size, objects, expiry)
    return Ticket(image_id=image_id, request=request, parts=parts, receipt=receipt)


async def destination(
    store: EventStore, album_id: AlbumId | None, *, by: AccountId, now: Clock
) -> dict[str, Any]:
    """Where an upload is to go, and whose it will be. Raises what bars the album."""
    into = await place(store, album_id)
    placing.arrive(into, by=by, now=now())
    return {"album_id": into.album_id, "owner_id": into.owner_id} if into else {}


async def sign_parts(
    entry: Entry, size: int, objects: MultipartStore, expiry: int, *, but: Container[int] = ()
) -> list[SignedPart]:
    """A URL for each part that is still to be sent."""
    assert entry.part_size is not None
    assert entry.multipart_id is not None
    key = object_keys.incoming(entry.image_id)
    return [
        SignedPart(
            number=number,
            request=await objects.presign_part(
                key, entry.multipart_id, number, size=length, expires_in=expiry
            ),
        )
        for number, length in progress.plan(part_size=entry.part_size, size=size)
        if number not in but
    ]


async def _destined(state: Image, store: EventStore) -> AlbumId | None:
    """The album that it was promised to. One of one's own may be gone meanwhile."""
    into = await place(store, state.destined)
    return state.destined if state.entrusted or (into and into.album) else None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt to finalize found; None if not all bytes had arrived."""

    attempt: UUID
    arrived: Arrived | Refusal | None
    received: int = 0
    entry: Entry | None = None


async def finalize_upload(
    command: FinalizeUpload,
    *,
    store: EventStore,
    objects: MultipartStore,
    ledger: Ledger,
    lab: Inspector,
    spool: Path,
    now: Clock,
    new_id: NewId,
    proving: Once[Proof],
    hasher: Hasher,
    twins: Twins,
    allowances: Allowances,
    gate: str | None,
) -> Uploaded:
    """Move the bytes where no client can write, prove them, and record that they are here."""
    history = await store.load(command.image_id)
    state = fold(image.evolve, history)
    if not uploads.accepts_bytes(state, by=command.by):
        return outcome(command.image_id, state, Receipt(version=len(history)))
    assert state is not None
    album_id = command.album_id or await _destined(state, store)
    command = replace(command, album_id=album_id)
    into = await destination(store, album_id, by=command.by, now=now)
    owned = replace(state, owner_id=into.get("owner_id") or state.owner_id)
    proof = await proving(
        (command.image_id, owned.owner_id),
        lambda: _prove(command.image_id, owned, new_id(), objects, ledger, lab, spool),
    )
    guards = await _guards(allowances, owned.owner_id)
    uploaded = await _finalize(command, proof, store, objects, hasher, twins, now, gate, guards)
    await assembly.forget(proof.entry, objects=objects, ledger=ledger)
    return uploaded


async def take_in(
    command: TakeIn,
    *,
    store: EventStore,
    objects: ObjectStore,
    lab: Inspector,
    now: Clock,
    new_id: NewId,
    caps: Caps,
    lifetime: int,
    hasher: Hasher,
    twins: Twins,
    allowances: Allowances,
    gate: str | None,
) -> Uploaded:
    """As initiate and finalize, without the way over a presigned URL."""
    image_id = command.image_id or ImageId(new_id())
    into = await destination(store, command.album_id, by=command.by, now=now)
    decide = partial(
        uploads.initiate,
        by=command.by,
        promised=command.promised,
        size=command.size,
        content_type=command.content_type,
        expires_at=now() + timedelta(seconds=lifetime),
        caps=caps,
        **into,
    )
    stream = Stream(image_id, image.evolve)
    initiated = await execute(store, stream, decide, by=command.by, guards=charge)
    if initiated.position is None:
        state = fold(image.evolve, await store.load(image_id))
        if not uploads.accepts_bytes(state, by=command.by):
            return outcome(image_id, state, initiated)
    proof = Proof(attempt=new_id(), arrived=await _proven(lab, command.path, command.promised))
    if isinstance(arrived := proof.arrived, Arrived):
        owner_id = into.get("owner_id") or command.by
        key = object_keys.original(owner_id, image_id, proof.attempt)
        await objects.put(key, command.path, content_type=arrived.format.content_type)
        await objects.settle()
    finalize = FinalizeUpload(
        by=command.by,
        image_id=image_id,
        visibility=command.visibility,
        details=command.details,
        duplicates=command.duplicates,
        album_id=command.album_id,
    )
    guards = await _guards(allowances, into.get("owner_id") or command.by)
    return await _finalize(finalize, proof, store, objects, hasher, twins, now, gate, guards)


async def abort_upload(
    command: AbortUpload, *, store: EventStore, objects: MultipartStore, ledger: Ledger
) -> Receipt:
    decide = partial(uploads.abort, by=command.by)
    stream = Stream(command.image_id, image.evolve)
    receipt = await execute(store, stream, decide, by=command.by, guards=charge)
    await assembly.discard(command.image_id, objects=objects, ledger=ledger)
    return receipt


def charge(before: Image | None, after: Image | None) -> Sequence[Guard]:
    """What a step of an image's life means for its owner's quota."""
    deltas: dict[AccountId, int] = {}
    for sign, state in ((-1, before), (1, after)):
        if state is not None:
            deltas[state.owner_id] = deltas.get(state.owner_id, 0) + sign * image.charged(state)
    return tuple(Reserve(account_id=id, bytes=delta) for id, delta in deltas.items() if delta)


async def _guards(allowances: Allowances, owner_id: AccountId) -> Guarding:
    """Of room, and of what may come in this month."""
    counted = brought(await allowances.uploads(owner_id))
    return lambda before, after: (*charge(before, after), *counted(before, after))


def outcome(image_id: ImageId, state: Image | None, receipt: Receipt) -> Uploaded:
    """What became of an upload: an image of its own, or the one that was there."""
    duplicate_of = state.duplicate_of if state else None
    return Uploaded(
        image_id=duplicate_of or image_id,
        receipt=receipt,
        duplicate=duplicate_of is not None,
    )


@asynccontextmanager
async def downloaded(objects: ObjectStore, key: ObjectKey, spool: Path) -> AsyncIterator[Path]:
    """The object as a file, for as long as the context lasts. Raises ObjectMissing."""
    with NamedTemporaryFile(dir=spool) as file:
        async with objects.stream(key) as chunks:
            async for chunk in chunks:
                file.write(chunk)
        file.flush()
        yield Path(file.name)


async def _prove(
    image_id: ImageId,
    state: Image,
    attempt: UUID,
    objects: MultipartStore,
    ledger: Ledger,
    lab: Inspector,
    spool: Path,
) -> Proof:
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
        return await _proven(lab, path, promised)


async def _proven(lab: Inspector, path: Path, promised: Promised | None) -> Arrived | Refusal:
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


async def _finalize(
    command: FinalizeUpload,
    proof: Proof,
    store: EventStore,
    objects: ObjectStore,
    hasher: Hasher,
    twins: Twins,
    now: Clock,
    gate: str | None,
    guards: Guarding,
) -> Uploaded:
    by, into = command.by, await place(store, command.album_id)
    decide = partial(
        uploads.finalize,
        by=command.by,
        arrived=proof.arrived,
        received=proof.received,
        attempt=proof.attempt,
        visibility=command.visibility,
        details=command.details,
        scanner=gate,
        placed=placing.arrive(into, by=by, now=now()),
        owner_id=(into.owner_id or by) if into else None,
    )
    alone = into is None or into.owner_id is None  # what an organization owns is nobody's twin
    if isinstance(proof.arrived, Arrived) and command.duplicates is Duplicates.RETURN and alone:
        receipt = await finalize_once(
            decide,
            image_id=command.image_id,
            by=command.by,
            checksum=proof.arrived.content.checksum,
            store=store,
            hasher=hasher,
            twins=twins,
            guards=guards,
        )
    else:
        stream = Stream(command.image_id, image.evolve)
        receipt = await execute(store, stream, decide, by=command.by, guards=guards)
        if receipt.position is not None and isinstance(proof.arrived, Arrived):
            return Uploaded(image_id=command.image_id, receipt=receipt)
    state = fold(image.evolve, await store.load(command.image_id))
    await _tidy_up(command, proof, state, objects, store)
    if receipt.position is not None and isinstance(proof.arrived, Refusal):
        return Uploaded(image_id=command.image_id, receipt=receipt, refusal=proof.arrived)
    if into and state and state.duplicate_of:
        put = partial(placing.put, by=by, album_id=into.album_id, album=into.album, now=now())
        placed = await execute(store, Stream(state.duplicate_of, image.evolve), put, by=by)
        receipt = placed if placed.position else receipt
    return outcome(command.image_id, state, receipt)


async def _tidy_up(
    command: FinalizeUpload,
    proof: Proof,
    state: Image | None,
    objects: ObjectStore,
    store: EventStore,
) -> None:
    """Drop what this attempt copied, unless it is the image now; and bytes nobody wants."""
    if state is None or state.attempt == proof.attempt:
        return
    into = await place(store, command.album_id)
    owner_id = (into.owner_id if into else None) or state.owner_id
    unused = [object_keys.original(owner_id, command.image_id, proof.attempt)]
    if state.given_up:
        unused.append(object_keys.incoming(command.image_id))
    await objects.delete(unused)
