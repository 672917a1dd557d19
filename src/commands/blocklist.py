"""What nobody may bring: listed by administrators, asked for whatever arrives."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.lab import Inspector
from commands.ports import EventStore, Hasher, Receipt
from domain import block, gate, image
from domain.block import Block, BlockEvent, Manner
from domain.ids import NOBODY, AccountId, ImageId, to_text
from domain.refusals import BlockedImage
from domain.stream import fold
from domain.uploads import Arrived

BY_BLOCKLIST = "blocklist"
"""The gate where something looks like what is blocked."""


class AlreadyHere(Protocol):
    """What is here already of what is blocked; images in quarantine left out."""

    async def holders(self, checksum: str) -> Sequence[ImageId]: ...

    async def lookalikes(self, fingerprint: int) -> Sequence[ImageId]: ...


class Lookalikes(Protocol):
    async def looks(self, fingerprint: int) -> UUID | None:
        """An entry that looks like it."""
        ...


class AddBlock(msgspec.Struct, frozen=True, kw_only=True):
    """`by` was proven to be an administrator. One of the two is given."""

    by: AccountId
    checksum: str | None = None
    fingerprint: int | None = None
    reason: str


class ExplainBlock(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    block_id: UUID
    reason: str


class LiftBlock(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    block_id: UUID
    reason: str


class Added(msgspec.Struct, frozen=True, kw_only=True):
    block_id: UUID
    quarantined: int
    """Images that were here, and nobody sees any more."""
    receipt: Receipt


async def add_block(
    command: AddBlock, *, store: EventStore, hasher: Hasher, held: AlreadyHere
) -> Added:
    """From then on for whatever comes; then what is here already. Safe to send again."""
    block_id = _id(hasher, command.checksum, command.fingerprint)
    decide = partial(
        block.add,
        manner=Manner.EXACT if command.checksum else Manner.PERCEPTUAL,
        reason=command.reason,
        fingerprint=command.fingerprint,
    )
    receipt = await execute(store, _stream(block_id), decide, by=command.by)
    found = (
        await held.holders(command.checksum)
        if command.checksum
        else await held.lookalikes(command.fingerprint or 0)
    )
    shut = [await put_aside(it, block_id, store=store) for it in found]
    return Added(block_id=block_id, quarantined=sum(shut), receipt=receipt)


async def explain_block(command: ExplainBlock, *, store: EventStore) -> Receipt:
    return await _change(command, partial(block.explain, reason=command.reason), store=store)


async def lift_block(command: LiftBlock, *, store: EventStore) -> Receipt:
    return await _change(command, partial(block.lift, reason=command.reason), store=store)


async def put_aside(image_id: ImageId, block_id: UUID, *, store: EventStore) -> bool:
    """Until an administrator has looked. False where it is so already, or was released before."""
    finding = to_text("blk", block_id)
    history = await store.load(image_id)
    state = fold(image.evolve, history)
    if state is None or finding in state.excused:
        return False
    shut = partial(gate.scanned, scanner=BY_BLOCKLIST, finding=finding)
    receipt = await execute(store, Stream(image_id, image.evolve), shut, by=NOBODY)
    return receipt.position is not None


async def screened(
    image_id: ImageId, fingerprint: int | None, *, blocklist: Lookalikes, store: EventStore
) -> None:
    """Put aside what looks like something that is blocked."""
    found = await blocklist.looks(fingerprint) if fingerprint is not None else None
    if found:
        await put_aside(image_id, found, store=store)


class Screening:
    """An inspector that knows what is blocked, as of this moment."""

    def __init__(self, lab: Inspector, *, store: EventStore, hasher: Hasher) -> None:
        self._lab = lab
        self._store = store
        self._hasher = hasher

    async def inspect(self, path: Path) -> Arrived:
        """As it does. Raises BlockedImage, too."""
        arrived = await self._lab.inspect(path)
        block_id = _id(self._hasher, arrived.content.checksum, None)
        if block.active(fold(block.evolve, await self._store.load(block_id))):
            raise BlockedImage
        return arrived


def _id(hasher: Hasher, checksum: str | None, fingerprint: int | None) -> UUID:
    """A hash under the instance's key: the list tells nobody what is on it."""
    if checksum:
        return hasher.claim_id("blocked bytes", checksum)
    return hasher.claim_id("blocked look", str(fingerprint))


async def _change(
    command: ExplainBlock | LiftBlock,
    decide: Callable[[Block | None], Sequence[BlockEvent]],
    *,
    store: EventStore,
) -> Receipt:
    return await execute(store, _stream(command.block_id), decide, by=command.by)


def _stream(block_id: UUID) -> Stream[Block]:
    return Stream(block_id, block.evolve)
