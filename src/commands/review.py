"""What an administrator asks of the gate; `by` was proven to be one. Each act has its reason."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from commands.turns import in_turns
from domain import gate, image
from domain.ids import AccountId, ImageId

PAGE = 500


class Unscanned(Exception):
    """What is in this file could not be told, though the scanner works. Says why."""


class Scanner(Protocol):
    """It never says that a file is clean unless it was scanned to its end."""

    name: str

    async def scan(self, path: Path) -> str | None:
        """What it found; None for nothing. Raises Unscanned, or Unavailable if it does not work."""
        ...

    async def check(self) -> str:
        """What it is, for people. Raises Unavailable."""
        ...


class Scans(Protocol):
    async def cleared(
        self, since: datetime | None, *, after: ImageId | None, limit: int
    ) -> Sequence[ImageId]:
        """Images that passed, those uploaded `since` then, in the order of their ids."""
        ...


class Review(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    reason: str


class Rescan(Review, frozen=True, kw_only=True):
    request: UUID


class Release(Review, frozen=True, kw_only=True):
    """Whatever the scanner says, it may pass."""


class Confirm(Review, frozen=True, kw_only=True):
    """It stays in quarantine, and waits for nobody any more."""


class RescanMany(msgspec.Struct, frozen=True, kw_only=True):
    """One page of all images, or of those uploaded since."""

    by: AccountId
    since: datetime | None
    after: ImageId | None
    reason: str
    request: UUID


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    last: ImageId | None
    """Go on after it; None at the end."""
    receipt: Receipt | None


async def rescan(command: Rescan, *, store: EventStore) -> Receipt:
    decide = partial(gate.rescan, reason=command.reason, request=command.request)
    return await execute(store, Stream(command.image_id, image.evolve), decide, by=command.by)


async def release(command: Release, *, store: EventStore) -> Receipt:
    decide = partial(gate.release, reason=command.reason)
    return await execute(store, Stream(command.image_id, image.evolve), decide, by=command.by)


async def confirm(command: Confirm, *, store: EventStore) -> Receipt:
    decide = partial(gate.confirm, reason=command.reason)
    return await execute(store, Stream(command.image_id, image.evolve), decide, by=command.by)


async def rescan_many(command: RescanMany, *, store: EventStore, scans: Scans) -> Requested:
    """Safe to ask twice: what waits for its scan already is not asked for again."""
    ids = await scans.cleared(command.since, after=command.after, limit=PAGE)
    decide = partial(gate.rescan, reason=command.reason, request=command.request)

    async def one(id: ImageId) -> Receipt:
        return await execute(store, Stream(id, image.evolve), decide, by=command.by)

    done = [it for it in await in_turns(ids, one) if it.position]
    return Requested(
        count=len(done),
        last=ids[-1] if len(ids) == PAGE else None,
        receipt=max(done, key=lambda it: it.position or 0, default=None),
    )
