"""Promising bytes: room is reserved for them, and they are told where to go."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec

from commands import assembly, object_keys
from commands.execute import Stream, execute
from commands.ledger import Entry, Ledger
from commands.multipart import PART, MultipartStore
from commands.ports import Clock, EventStore, Guard, NewId, Receipt, Reserve, SignedRequest
from commands.surroundings import place
from domain import image, placing, progress, uploads
from domain.ids import AccountId, AlbumId, ImageId
from domain.image import Image
from domain.image_events import Promised
from domain.media import Caps
from domain.placing import Place

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


class AbortUpload(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId


class Promise(Protocol):
    """A command that says what will come."""

    @property
    def by(self) -> AccountId: ...
    @property
    def promised(self) -> Promised: ...
    @property
    def size(self) -> int: ...
    @property
    def content_type(self) -> str: ...
    @property
    def album_id(self) -> AlbumId | None: ...


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    into: Place | None
    expires_at: datetime
    receipt: Receipt


async def begin(
    command: Promise,
    image_id: ImageId,
    *,
    store: EventStore,
    now: Clock,
    caps: Caps,
    lifetime: int,
) -> Begun:
    """Reserve quota for what is promised, whichever way it is to come."""
    into = await destination(store, command.album_id, by=command.by, now=now)
    expires_at = now() + timedelta(seconds=lifetime)
    decide = partial(
        uploads.initiate,
        by=command.by,
        promised=command.promised,
        size=command.size,
        content_type=command.content_type,
        expires_at=expires_at,
        caps=caps,
        into=into,
    )
    stream = Stream(image_id, image.evolve)
    receipt = await execute(store, stream, decide, by=command.by, guards=charge)
    return Begun(into=into, expires_at=expires_at, receipt=receipt)


async def destination(
    store: EventStore, album_id: AlbumId | None, *, by: AccountId, now: Clock
) -> Place | None:
    """The album that an upload is to go to. Raises what bars it."""
    into = await place(store, album_id)
    placing.arrive(into, by=by, now=now())
    return into


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
    begun = await begin(command, image_id, store=store, now=now, caps=caps, lifetime=lifetime)
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
    return Ticket(image_id=image_id, request=request, parts=parts, receipt=begun.receipt)


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
