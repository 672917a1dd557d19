"""The gate: what a scanner says of an image, and what an administrator decides about it."""

from datetime import datetime
from uuid import UUID

from domain.ids import AccountId
from domain.image import Image, managed, unpurged
from domain.image_events import (
    CounterNoticed,
    Ground,
    ImageCleared,
    ImageEvent,
    ImageQuarantined,
    Notice,
    QuarantineConfirmed,
    QuarantineReleased,
    Reinstated,
    RescanPassed,
    RescanRequested,
    Statement,
    TakenDown,
)
from domain.refusals import Conflict, NotFound

DECODE = "decode"
"""The gate without a scanner: every finalized image was decoded to the end."""
REVIEW = "review"
"""The gate where an administrator overrules the scanner."""


def scanned(image: Image | None, *, scanner: str, finding: str | None) -> list[ImageEvent]:
    """`finding` is what was found, None for nothing. Only people lift a quarantine."""
    if image is None or not image.finalized or image.purged or image.quarantined:
        return []
    if finding is not None and finding not in image.excused:
        return [ImageQuarantined(scanner=scanner, finding=finding)]
    if not image.cleared:
        return [ImageCleared(scanner=scanner)]
    return [RescanPassed(scanner=scanner)] if image.rescanning else []


def rescan(image: Image | None, *, reason: str, request: UUID) -> list[ImageEvent]:
    """What waits for a scan, or was quarantined by one, needs no other; nor does the same request,
    if it comes again."""
    image = _there(image)
    if image.rescanning or not image.cleared or image.rescan == request:
        return []
    return [RescanRequested(request=request, personal=Ground(reason=reason))]


def release(image: Image | None, *, reason: str) -> list[ImageEvent]:
    """Also where no scanner can scan it: an administrator's eye counts."""
    image = _there(image)
    if image.cleared:
        return []
    return [QuarantineReleased(personal=Ground(reason=reason)), ImageCleared(scanner=REVIEW)]


def confirm(image: Image | None, *, reason: str) -> list[ImageEvent]:
    image = _there(image)
    if not image.quarantined:
        raise Conflict(reason="it is not in quarantine")
    return [] if image.confirmed else [QuarantineConfirmed(personal=Ground(reason=reason))]


def take_down(image: Image | None, *, notice: Notice) -> list[ImageEvent]:
    return [] if _there(image).taken_down else [TakenDown(personal=notice)]


def reinstate(image: Image | None, *, reason: str) -> list[ImageEvent]:
    return [Reinstated(personal=Ground(reason=reason))] if _there(image).taken_down else []


def counter(
    image: Image | None, *, by: AccountId, statement: str, now: datetime
) -> list[ImageEvent]:
    """Raises Conflict for what was not taken down; once is enough."""
    image = managed(image, by=by, now=now)
    if not image.taken_down:
        raise Conflict(reason="it was not taken down")
    return [] if image.countered else [CounterNoticed(personal=Statement(statement=statement))]


def _there(image: Image | None) -> Image:
    image = unpurged(image)
    if not image.finalized:
        raise NotFound
    return image
