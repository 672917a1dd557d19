"""Bytes on their way in: what was promised, what arrived, and how it ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.access import Visibility
from domain.ids import AccountId, ImageId
from domain.image import Image
from domain.image_events import (
    Details,
    DetailsChanged,
    ImageCleared,
    ImageEvent,
    ImageFinalized,
    Promised,
    UploadAborted,
    UploadDeduplicated,
    UploadExpired,
    UploadInitiated,
    UploadRefused,
    UploadTransferred,
)
from domain.media import Caps, Content, Format
from domain.placing import Place
from domain.refusals import (
    Conflict,
    FileTooLarge,
    NotFound,
    Refusal,
    UploadClosed,
    UploadGone,
    UploadIncomplete,
)


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that decode to the end."""

    format: Format
    size: int
    content: Content


def initiate(
    image: Image | None,
    *,
    by: AccountId,
    promised: Promised,
    size: int,
    content_type: str,
    expires_at: datetime,
    caps: Caps,
    into: Place | None = None,
) -> list[ImageEvent]:
    """What goes into an organization's album is the organization's from the beginning."""
    if image is not None:
        return _initiated_already(image, by, promised, size, content_type)
    if size > caps.file_bytes:
        raise FileTooLarge(limitBytes=caps.file_bytes, requestedBytes=size)
    owner_id = into.owner_id if into else None
    return [
        UploadInitiated(
            owner_id=owner_id or by,
            uploader_id=by if owner_id else None,
            album_id=into.album_id if into else None,
            size=size,
            content_type=content_type,
            expires_at=expires_at,
            personal=promised,
        )
    ]


def _initiated_already(
    image: Image, by: AccountId, promised: Promised, size: int, content_type: str
) -> list[ImageEvent]:
    """The same promise again is kept already; another one needs an id of its own."""
    if image.purged:
        raise NotFound
    made = (image.uploader_id, image.promised, image.size, image.content_type)
    if made != (by, promised, size, content_type):
        raise Conflict
    accepts_bytes(image, by=by)
    return []


def accepts_bytes(image: Image | None, *, by: AccountId) -> bool:
    """Whether finalizing has work to do; False once it is done. Raises why it never will be."""
    image = own(image, by=by)
    if image.refusal:
        raise refusal(image.refusal)
    if image.closed:
        raise UploadClosed
    return not (image.finalized or image.given_up)


def finalize(
    image: Image | None,
    *,
    by: AccountId,
    arrived: Arrived | Refusal | None,
    attempt: UUID,
    visibility: Visibility,
    details: Details,
    scanner: str | None,
    twin: ImageId | None = None,
    received: int = 0,
    placed: Sequence[ImageEvent] = (),
    owner_id: AccountId | None = None,
) -> list[ImageEvent]:
    """`scanner` names a check that the bytes have already passed; None leaves the gate shut.

    `twin` is the image that already holds the bytes, for an owner who wants each only once;
    `placed` is what puts the new one into an album, `owner_id` whose that is.
    """
    if not accepts_bytes(image, by=by):
        return []
    if arrived is None:
        assert image is not None
        raise UploadIncomplete(receivedBytes=received, size=image.size)
    if isinstance(arrived, Refusal):
        return [UploadRefused(code=arrived.code, facts=dict(arrived.facts))]  # type: ignore[arg-type]  # figures and names only
    if twin is not None:
        return [UploadDeduplicated(of=twin)]
    finalized = ImageFinalized(
        attempt=attempt,
        format=arrived.format,
        size=arrived.size,
        visibility=visibility,
        personal=arrived.content,
    )
    assert image is not None
    moved = owner_id not in (None, image.owner_id)
    if image.entrusted and moved:
        raise Conflict(reason="the upload was promised to another owner")
    events: list[ImageEvent] = [UploadTransferred(to=owner_id)] if moved and owner_id else []
    events.append(finalized)
    if details != Details():
        events.append(DetailsChanged(personal=details))
    if scanner:
        events.append(ImageCleared(scanner=scanner))
    return [*events, *placed]


def refusal(recorded: tuple[str, Mapping[str, int | str]]) -> Refusal:
    """The refusal that an UploadRefused event remembers."""
    code, facts = recorded
    return Refusal.known[code](**facts)


def abort(image: Image | None, *, by: AccountId) -> list[ImageEvent]:
    image = own(image, by=by)
    if image.finalized:
        raise Conflict
    return [] if image.given_up else [UploadAborted()]


def expire(image: Image | None, *, now: datetime) -> list[ImageEvent]:
    assert image is not None
    if image.settled or now < image.expires_at:
        return []
    return [UploadExpired()]


def own(image: Image | None, *, by: AccountId) -> Image:
    """The upload, whatever became of it. Raises NotFound to all but its uploader."""
    if image is None or image.uploader_id != by or image.purged:
        raise NotFound  # a stranger cannot tell "not yours" from "not there"
    return image


def ended(image: Image, *, now: datetime) -> str | None:
    """How an upload is over, in a word; None while it is not."""
    if image.finalized or image.duplicate_of:
        return "finalized"
    if image.expired or (now >= image.expires_at and not image.settled):
        return "expired"
    return "aborted" if image.given_up else None


def receiving(image: Image | None, *, by: AccountId, now: datetime) -> Image:
    """The upload, as long as more of it may come. Raises why it may not."""
    image = own(image, by=by)
    if image.refusal:
        raise refusal(image.refusal)
    if image.closed or (now >= image.expires_at and not image.finalized):
        raise UploadGone
    return image
