"""The end of every way in: what is proven becomes an image, once."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from commands import assembly, object_keys
from commands.duplicates import Twins, finalize_once
from commands.execute import Stream, execute
from commands.lab import Inspector
from commands.ledger import Ledger
from commands.multipart import MultipartStore
from commands.once import Once
from commands.ports import Clock, EventStore, Guard, Hasher, NewId, ObjectStore, Receipt
from commands.proofs import Proof, prove, proven
from commands.surroundings import place
from commands.transfers import Allowances, brought
from commands.uploads import begin, charge
from domain import image, placing, uploads
from domain.access import Visibility
from domain.account import Duplicates
from domain.ids import AccountId, AlbumId, ImageId
from domain.image import Image
from domain.image_events import Details, ImageEvent, Promised
from domain.media import Caps
from domain.placing import Place
from domain.refusals import Refusal
from domain.stream import fold
from domain.uploads import Arrived


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


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    image_id: ImageId
    receipt: Receipt
    refusal: Refusal | None = None
    """What is wrong with the bytes: recorded with this very receipt, for good."""
    duplicate: bool = False
    """The image was there already, by another upload."""


class Registrar(msgspec.Struct, frozen=True, kw_only=True):
    """Writes down what was proven, whichever way it came."""

    store: EventStore
    objects: ObjectStore
    hasher: Hasher
    twins: Twins
    allowances: Allowances
    now: Clock
    gate: str | None
    """A check that all bytes have passed by then; None leaves the gate shut."""

    async def enter(self, command: FinalizeUpload, proof: Proof, owner_id: AccountId) -> Uploaded:
        """An image of its own, the one that holds the bytes already, or what is wrong with them.

        `owner_id` is whose the bytes were proven to be.
        """
        into = await place(self.store, command.album_id)
        decide, guards = self._decision(command, proof, into), await self._guards(owner_id)
        alone = into is None or into.owner_id is None  # what an organization owns is nobody's twin
        if isinstance(proof.arrived, Arrived) and command.duplicates is Duplicates.RETURN and alone:
            receipt = await self._entered_once(command, proof.arrived, decide, guards)
        else:
            stream = Stream(command.image_id, image.evolve)
            receipt = await execute(self.store, stream, decide, by=command.by, guards=guards)
            if receipt.position is not None and isinstance(proof.arrived, Arrived):
                return Uploaded(image_id=command.image_id, receipt=receipt)
        state = fold(image.evolve, await self.store.load(command.image_id))
        await self._tidy_up(command.image_id, proof, state, owner_id)
        if receipt.position is not None and isinstance(proof.arrived, Refusal):
            return Uploaded(image_id=command.image_id, receipt=receipt, refusal=proof.arrived)
        if into and state and state.duplicate_of:
            receipt = await self._put(state.duplicate_of, into, command.by) or receipt
        return outcome(command.image_id, state, receipt)

    def _decision(
        self, command: FinalizeUpload, proof: Proof, into: Place | None
    ) -> Callable[..., list[ImageEvent]]:
        by = command.by
        return partial(
            uploads.finalize,
            by=by,
            arrived=proof.arrived,
            received=proof.received,
            attempt=proof.attempt,
            visibility=command.visibility,
            details=command.details,
            scanner=self.gate,
            placed=placing.arrive(into, by=by, now=self.now()),
            owner_id=(into.owner_id or by) if into else None,
        )

    async def _entered_once(
        self,
        command: FinalizeUpload,
        arrived: Arrived,
        decide: Callable[..., list[ImageEvent]],
        guards: Callable[[Any, Any], Sequence[Guard]],
    ) -> Receipt:
        return await finalize_once(
            decide,
            image_id=command.image_id,
            by=command.by,
            checksum=arrived.content.checksum,
            store=self.store,
            hasher=self.hasher,
            twins=self.twins,
            guards=guards,
        )

    async def _guards(self, owner_id: AccountId) -> Callable[[Any, Any], Sequence[Guard]]:
        """Of room, and of what may come in this month."""
        counted = brought(await self.allowances.uploads(owner_id))
        return lambda before, after: (*charge(before, after), *counted(before, after))

    async def _tidy_up(
        self, image_id: ImageId, proof: Proof, state: Image | None, owner_id: AccountId
    ) -> None:
        """Drop what this attempt copied, unless it is the image now; and bytes nobody wants."""
        if state is None or state.attempt == proof.attempt:
            return
        unused = [object_keys.original(owner_id, image_id, proof.attempt)]
        if state.given_up:
            unused.append(object_keys.incoming(image_id))
        await self.objects.delete(unused)

    async def _put(self, image_id: ImageId, into: Place, by: AccountId) -> Receipt | None:
        """Into the album; None where it is in it."""
        put = partial(placing.put, by=by, album_id=into.album_id, album=into.album, now=self.now())
        receipt = await execute(self.store, Stream(image_id, image.evolve), put, by=by)
        return receipt if receipt.position else None


async def finalize_upload(
    command: FinalizeUpload,
    *,
    registrar: Registrar,
    objects: MultipartStore,
    ledger: Ledger,
    lab: Inspector,
    spool: Path,
    new_id: NewId,
    proving: Once[Proof],
) -> Uploaded:
    """Move the bytes where no client can write, prove them, and record that they are here."""
    history = await registrar.store.load(command.image_id)
    state = fold(image.evolve, history)
    if not uploads.accepts_bytes(state, by=command.by):
        return outcome(command.image_id, state, Receipt(version=len(history)))
    assert state is not None
    into = await _destination(command, state, registrar.store, registrar.now)
    owned = replace(state, owner_id=(into.owner_id if into else None) or state.owner_id)
    proof = await proving(
        (command.image_id, owned.owner_id),
        lambda: prove(command.image_id, owned, new_id(), objects, ledger, lab, spool),
    )
    destined = replace(command, album_id=into.album_id if into else None)
    uploaded = await registrar.enter(destined, proof, owned.owner_id)
    await assembly.forget(proof.entry, objects=objects, ledger=ledger)
    return uploaded


async def take_in(
    command: TakeIn,
    *,
    registrar: Registrar,
    lab: Inspector,
    new_id: NewId,
    caps: Caps,
    lifetime: int,
) -> Uploaded:
    """As initiate and finalize, without the way over a presigned URL."""
    store, objects, now = registrar.store, registrar.objects, registrar.now
    image_id = command.image_id or ImageId(new_id())
    begun = await begin(command, image_id, store=store, now=now, caps=caps, lifetime=lifetime)
    if begun.receipt.position is None:
        state = fold(image.evolve, await store.load(image_id))
        if not uploads.accepts_bytes(state, by=command.by):
            return outcome(image_id, state, begun.receipt)
    proof = Proof(attempt=new_id(), arrived=await proven(lab, command.path, command.promised))
    owner_id = (begun.into.owner_id if begun.into else None) or command.by
    if isinstance(arrived := proof.arrived, Arrived):
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
    return await registrar.enter(finalize, proof, owner_id)


def outcome(image_id: ImageId, state: Image | None, receipt: Receipt) -> Uploaded:
    """What became of an upload: an image of its own, or the one that was there."""
    duplicate_of = state.duplicate_of if state else None
    return Uploaded(
        image_id=duplicate_of or image_id,
        receipt=receipt,
        duplicate=duplicate_of is not None,
    )


async def _destination(
    command: FinalizeUpload, state: Image, store: EventStore, now: Clock
) -> Place | None:
    """As is said now, else as was promised; an album of one's own may be gone meanwhile."""
    into = await place(store, command.album_id or state.destined)
    if into and into.album is None and command.album_id is None and not state.entrusted:
        return None
    placing.arrive(into, by=command.by, now=now())
    return into
