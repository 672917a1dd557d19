"""The end of an image, for good; and the hold that stands against it."""

from datetime import datetime
from uuid import UUID

from domain.access import Action
from domain.ids import AccountId
from domain.image import Image, allowed, unpurged
from domain.image_events import (
    Cause,
    Ground,
    ImageEvent,
    LegalHoldLifted,
    LegalHoldPlaced,
    Purged,
)
from domain.refusals import AlreadyPurged, LegalHold, NotFound


def purge(image: Image | None, *, by: AccountId, request: UUID, now: datetime) -> list[ImageEvent]:
    """Its owner wants it gone for good. Raises AlreadyPurged, to its owner only."""
    if image is not None and image.purged and by in {image.owner_id, *image.stewards}:
        if image.purged.request == request:
            return []
        raise AlreadyPurged
    image = allowed(image, Action.MANAGE, by=by, now=now)
    if image.held:
        raise LegalHold
    return [Purged(cause=Cause.OWNER, request=request)]


def outlive(image: Image | None, *, now: datetime) -> list[ImageEvent]:
    """Purge what was deleted and not restored in time."""
    assert image is not None
    if image.purge_after is None or now <= image.purge_after:
        return []
    return erase(image, cause=Cause.RETENTION)


def erase(image: Image | None, *, cause: Cause) -> list[ImageEvent]:
    """Purge whatever became of the upload; what is held or gone stays as it is."""
    if image is None or image.purged or image.held:
        return []
    return [Purged(cause=cause)]


def hold(image: Image | None, *, reason: str) -> list[ImageEvent]:
    """For an administrator, who may hold what nobody else can see any more; not what never came."""
    image = unpurged(image)
    if not image.finalized:
        raise NotFound
    return [] if image.held else [LegalHoldPlaced(personal=Ground(reason=reason))]


def lift_hold(image: Image | None, *, reason: str = "") -> list[ImageEvent]:
    ground = Ground(reason=reason) if reason else None
    return [LegalHoldLifted(personal=ground)] if unpurged(image).held else []
