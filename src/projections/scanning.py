"""Scanning: every original passes the scanner once, and again when an administrator asks."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commands import object_keys
from commands.execute import Stream, execute
from commands.ports import EventStore, ObjectKey, ObjectStore
from commands.review import Scanner
from commands.spooling import downloaded
from domain import gate, image, image_events
from domain.ids import NOBODY, AccountId, ImageId
from domain.stream import Recorded

NAME = "scanning"
STREAMS = frozenset({"image"})


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """An original, as the gate sees it. Fields are columns of scanning.suspects."""

    id: ImageId
    owner_id: AccountId
    attempt: UUID | None = None
    finalized_at: datetime | None = None
    asked: int = 0
    """The version that asks for a scan; 0 where none is wanted."""
    scanner: str = ""
    """Who let it pass, or who stopped it."""
    finding: str = ""
    quarantined_at: datetime | None = None
    confirmed: bool = False
    """Somebody has looked at it there, and left it."""
    taken_down_at: datetime | None = None
    countered_at: datetime | None = None
    held_at: datetime | None = None
    held_by: AccountId | None = None
    held_for: str = ""

    @property
    def original(self) -> ObjectKey:
        assert self.attempt is not None, "only a finalized image has an original"
        return object_keys.original(self.owner_id, self.id, self.attempt)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what an administrator has to look at."""

    id: ImageId
    owner_id: AccountId
    finding: str
    scanner: str
    quarantined_at: datetime | None
    confirmed: bool
    taken_down_at: datetime | None
    countered_at: datetime | None
    attempts: int
    """How often it could not be scanned, since it last could."""
    failure: str | None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One legal hold."""

    id: ImageId
    owner_id: AccountId
    held_at: datetime
    held_by: AccountId
    held_for: str


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    held: Sequence[Held]
    total: int
    next_cursor: str | None


class Suspects(Protocol):
    """The read port."""

    async def queue(
        self, *, confirmed: bool, page: int, limit: int
    ) -> tuple[Sequence[Waiting], int]:
        """In quarantine, or not to be scanned, or countered by the owner; newest first, and all."""
        ...

    async def find(self, image_id: ImageId) -> Suspect | None: ...

    async def holds(self, *, limit: int, page: int, cursor: str | None) -> Holds:
        """What is under legal hold, the oldest first. Raises Validation for a cursor that is
        none."""
        ...


def project(suspect: Suspect | None, recorded: Recorded[Any]) -> Suspect | None:
    event = recorded.event
    match event:
        case image_events.UploadInitiated(owner_id=owner_id):
            return Suspect(id=ImageId(recorded.stream_id), owner_id=owner_id)
        case event if isinstance(event, image_events.Over):
            return None
    return replace(suspect, **_changes(recorded)) if suspect else None


def _changes(recorded: Recorded[Any]) -> dict[str, Any]:  # noqa: C901 - a case an event
    match recorded.event:
        case image_events.UploadTransferred(to=to):
            return {"owner_id": to}
        case image_events.ImageFinalized(attempt=attempt):
            asked = recorded.version
            return {"attempt": attempt, "finalized_at": recorded.at, "asked": asked}
        case image_events.RescanRequested():
            return {"asked": recorded.version}
        case image_events.RescanPassed(scanner=scanner):
            return {"asked": 0, "scanner": scanner}
        case image_events.ImageCleared(scanner=scanner):
            passed = {"asked": 0, "scanner": scanner, "finding": ""}
            return passed | {"quarantined_at": None, "confirmed": False}
        case image_events.ImageQuarantined(scanner=scanner, finding=finding):
            stopped = {"asked": 0, "scanner": scanner, "finding": finding}
            return stopped | {"quarantined_at": recorded.at, "confirmed": False}
        case image_events.QuarantineConfirmed():
            return {"confirmed": True}
        case image_events.TakenDown():
            return {"taken_down_at": recorded.at, "countered_at": None}
        case image_events.Reinstated():
            return {"taken_down_at": None, "countered_at": None}
        case image_events.CounterNoticed():
            return {"countered_at": recorded.at}
        case image_events.LegalHoldPlaced(personal=ground):
            placed = {"held_at": recorded.at, "held_by": AccountId(recorded.by)}
            return placed | {"held_for": ground.reason if ground else ""}
        case image_events.LegalHoldLifted():
            return {"held_at": None, "held_by": None, "held_for": ""}
    return {}


async def scan(
    suspect: Suspect, *, objects: ObjectStore, scanner: Scanner, store: EventStore, spool: Path
) -> None:
    """Record what the scanner says of the very bytes that were accepted. Twice does nothing twice.

    Raises Unscanned, ObjectMissing, Unavailable: the image stays as it is then.
    """
    async with downloaded(objects, suspect.original, spool) as path:
        finding = await scanner.scan(path)
    decide = partial(gate.scanned, scanner=scanner.name, finding=finding)
    await execute(store, Stream(suspect.id, image.evolve), decide, by=NOBODY)
