"""The blocklist, as administrators read it: why, never what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.block import BlockAdded, BlockExplained, BlockLifted, Manner
from domain.ids import AccountId, ImageId
from domain.stream import Recorded

NAME = "blocklist"
STREAMS = frozenset({"block"})


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. Its fields are the columns of blocklist.entries."""

    id: UUID
    version: int
    manner: Manner
    reason: str
    fingerprint: int | None
    added_by: AccountId
    added_at: datetime


class Page(msgspec.Struct, frozen=True, kw_only=True):
    entries: Sequence[Blocked]
    total: int
    next_cursor: str | None


class Blocklist(Protocol):
    """The read port, and what it is compared with."""

    async def find(self, id: UUID) -> Blocked | None: ...

    async def list(self, *, limit: int, page: int, cursor: str | None) -> Page:
        """The oldest first. Raises Validation for a cursor that is none."""
        ...

    async def looks(self, fingerprint: int) -> UUID | None:
        """An entry that looks like it."""
        ...

    async def holders(self, checksum: str) -> Sequence[ImageId]:
        """Images that hold these bytes and are not in quarantine."""
        ...

    async def lookalikes(self, fingerprint: int) -> Sequence[ImageId]:
        """Images that look like it and are not in quarantine."""
        ...


def project(entry: Blocked | None, recorded: Recorded[Any]) -> Blocked | None:
    event = recorded.event
    if isinstance(event, BlockAdded):
        ground = event.personal
        return Blocked(
            id=recorded.stream_id,
            version=recorded.version,
            manner=event.manner,
            reason=ground.reason if ground else "",
            fingerprint=ground.fingerprint if ground else None,
            added_by=AccountId(recorded.by),
            added_at=recorded.at,
        )
    if entry is None or isinstance(event, BlockLifted):
        return None
    if isinstance(event, BlockExplained):
        entry = replace(entry, reason=event.personal.reason if event.personal else "")
    return replace(entry, version=recorded.version)
