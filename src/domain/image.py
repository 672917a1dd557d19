"""One image, from the first promise of bytes to its last day: its state, and its daily decisions.

Others have modules of their own: `uploads` before it is there, `gate`, `lending`, `placing`, and
`purging` at its end.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import access
from domain.access import Circle, Permission, Role, Share, Visibility
from domain.ids import AccountId, AlbumId, ImageId, ShareId
from domain.image_events import (
    AddedToAlbum,
    CollaboratorAdded,
    CollaboratorRemoved,
    CounterNoticed,
    Details,
    DetailsChanged,
    ImageCleared,
    ImageEvent,
    ImageFinalized,
    ImageQuarantined,
    LegalHoldLifted,
    LegalHoldPlaced,
    ProcessingFailed,
    Promised,
    Purged,
    QuarantineConfirmed,
    QuarantineReleased,
    Reinstated,
    RemovedFromAlbum,
    RescanPassed,
    RescanRequested,
    Restored,
    ShareLinkCreated,
    ShareLinkRevoked,
    SoftDeleted,
    TakenDown,
    UploadAborted,
    UploadDeduplicated,
    UploadExpired,
    UploadInitiated,
    UploadRefused,
    UploadTransferred,
    VisibilityChanged,
)
from domain.refusals import (
    NotFound,
    RestoreWindowClosed,
)
from domain.stream import news, said

# State


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know, and no more."""

    owner_id: AccountId
    """An account, or an organization."""
    uploader_id: AccountId
    destined: AlbumId | None = None
    size: int
    content_type: str
    expires_at: datetime
    promised: Promised | None
    closed: bool = False
    """Aborted or expired before bytes were accepted."""
    expired: bool = False
    refusal: tuple[str, Mapping[str, int | str]] | None = None
    duplicate_of: ImageId | None = None
    attempt: UUID | None = None
    """The one that finalized it."""
    failed: bool = False
    """Its owner was told that it cannot be rendered."""
    cleared: bool = False
    quarantined: bool = False
    finding: str = ""
    """The last one, of whichever scanner."""
    excused: frozenset[str] = frozenset()
    """Findings that an administrator found harmless."""
    rescanning: bool = False
    rescan: UUID | None = None
    """The request that last asked for one."""
    confirmed: bool = False
    """An administrator has looked at the quarantine, and left it."""
    taken_down: bool = False
    countered: bool = False
    """Its owner has said what there is to say against the takedown."""
    visibility: Visibility = Visibility.PRIVATE
    details: Details = Details(title="", description="", tags=(), custom={})
    shares: Mapping[ShareId, Share] = {}
    collaborators: Mapping[AccountId, frozenset[Permission]] = {}
    album_ids: frozenset[AlbumId] = frozenset()
    albums: tuple[Circle, ...] = ()
    """Of those, the ones that are there, where the caller of a decision has looked."""
    stewards: Mapping[AccountId, Role] = {}
    """Of the organization that owns it, likewise."""
    purge_after: datetime | None = None
    purged: Purged | None = None
    held: bool = False
    """Under legal hold: nothing of it may be destroyed."""

    @property
    def entrusted(self) -> bool:
        """Whether an organization owns it."""
        return self.owner_id != self.uploader_id

    @property
    def finalized(self) -> bool:
        return self.attempt is not None

    @property
    def given_up(self) -> bool:
        """No image will come of this upload."""
        return self.closed or self.refusal is not None or self.duplicate_of is not None

    @property
    def settled(self) -> bool:
        """Accepted, given up or purged: no attempt can finalize it now."""
        return self.finalized or self.given_up or self.purged is not None

    @property
    def live(self) -> bool:
        gone = self.purged is not None or self.purge_after is not None
        return self.finalized and not self.quarantined and not gone

    @property
    def subject(self) -> access.Subject:
        return access.Subject(
            owner_id=self.owner_id,
            visibility=self.visibility,
            finalized=self.finalized,
            cleared=self.cleared,
            quarantined=self.quarantined,
            taken_down=self.taken_down,
            deleted=self.purge_after is not None,
            shares=self.shares,
            collaborators=self.collaborators,
            albums=self.albums,
            stewards=self.stewards,
        )


def evolve(image: Image | None, event: ImageEvent) -> Image:  # noqa: C901 - one case an event
    """Apply a fact. Holds no rules: the past cannot be refused."""
    if isinstance(event, UploadInitiated):
        return Image(
            owner_id=event.owner_id,
            uploader_id=event.uploader_id or event.owner_id,
            destined=event.album_id,
            size=event.size,
            content_type=event.content_type,
            expires_at=event.expires_at,
            promised=event.personal,
        )
    assert image is not None, "an image stream opens with UploadInitiated"
    match event:
        case UploadAborted():
            return replace(image, closed=True)
        case UploadExpired():
            return replace(image, closed=True, expired=True)
        case UploadTransferred(to=to):
            return replace(image, owner_id=to)
        case UploadRefused(code=code, facts=facts):
            return replace(image, refusal=(code, facts))
        case UploadDeduplicated(of=of):
            return replace(image, duplicate_of=of)
        case ImageFinalized(attempt=attempt, visibility=visibility):
            return replace(image, attempt=attempt, visibility=visibility)
        case ProcessingFailed():
            return replace(image, failed=True)
        case ImageCleared() | ImageQuarantined() | RescanRequested() | RescanPassed():
            return replace(image, **_scanned(event))
        case QuarantineReleased():
            return replace(image, excused=image.excused | {image.finding})
        case QuarantineConfirmed():
            return replace(image, confirmed=True)
        case TakenDown():
            return replace(image, taken_down=True)
        case CounterNoticed():
            return replace(image, countered=True)
        case Reinstated():
            return replace(image, taken_down=False, countered=False)
        case DetailsChanged(personal=details):
            return replace(image, details=replace(image.details, **said(details)))
        case VisibilityChanged(visibility=visibility):
            return replace(image, visibility=visibility)
        case ShareLinkCreated():
            return replace(image, shares={**image.shares, event.share_id: shared(event)})
        case ShareLinkRevoked(share_id=share_id):
            revoked = replace(image.shares[share_id], revoked=True)
            return replace(image, shares={**image.shares, share_id: revoked})
        case CollaboratorAdded(account_id=account_id, permissions=permissions):
            return replace(image, collaborators={**image.collaborators, account_id: permissions})
        case CollaboratorRemoved(account_id=account_id):
            return replace(image, collaborators=access.without(image.collaborators, account_id))
        case AddedToAlbum(album_id=album_id):
            return replace(image, album_ids=image.album_ids | {album_id})
        case RemovedFromAlbum(album_id=album_id):
            return replace(image, album_ids=image.album_ids - {album_id})
        case SoftDeleted(purge_after=purge_after):
            return replace(image, purge_after=purge_after)
        case Restored():
            return replace(image, purge_after=None)
        case Purged():
            return replace(image, purged=event)
        case LegalHoldPlaced():
            return replace(image, held=True)
        case LegalHoldLifted():
            return replace(image, held=False)
        case _:
            assert_never(event)


def _scanned(
    event: ImageCleared | ImageQuarantined | RescanRequested | RescanPassed,
) -> dict[str, Any]:
    match event:
        case ImageCleared():
            return {"cleared": True, "quarantined": False, "rescanning": False}
        case ImageQuarantined(finding=finding):
            shut = {"cleared": False, "quarantined": True, "confirmed": False}
            return shut | {"finding": finding, "rescanning": False}
        case RescanRequested(request=request):
            return {"rescanning": True, "rescan": request}
        case RescanPassed():
            return {"rescanning": False}
        case _:
            assert_never(event)


def charged(image: Image | None) -> int:
    """Bytes that count against the quota: reserved with the promise, kept while it holds."""
    return 0 if image is None or image.given_up or image.purged else image.size


def shared(event: ShareLinkCreated) -> Share:
    return Share(
        permissions=event.permissions,
        expires_at=event.expires_at,
        shared_with=event.shared_with,
        locked=event.has_password,
    )


# Decisions


def change_details(
    image: Image | None, *, by: AccountId, details: Details, now: datetime
) -> list[ImageEvent]:
    image = allowed(image, access.Action.EDIT, by=by, now=now)
    changed = news(details, image.details)
    return [DetailsChanged(personal=Details(**changed))] if changed else []


def change_visibility(
    image: Image | None, *, by: AccountId, to: Visibility, now: datetime
) -> list[ImageEvent]:
    image = managed(image, by=by, now=now)
    return [] if image.visibility is to else [VisibilityChanged(visibility=to)]


def soft_delete(
    image: Image | None, *, by: AccountId, now: datetime, retention: timedelta
) -> list[ImageEvent]:
    managed(image, by=by, now=now)
    return [SoftDeleted(purge_after=now + retention)]


def restore(image: Image | None, *, by: AccountId, now: datetime) -> list[ImageEvent]:
    image = allowed(image, access.Action.MANAGE, by=by, now=now)
    if image.purge_after is None:
        return []
    if now > image.purge_after:
        raise RestoreWindowClosed(purgeAfter=image.purge_after.isoformat())
    return [Restored()]


def fail(image: Image | None, *, code: str) -> list[ImageEvent]:
    """Nobody is told twice."""
    if image is None or not image.finalized or image.purged or image.failed:
        return []
    return [ProcessingFailed(code=code)]


def managed(image: Image | None, *, by: AccountId, now: datetime) -> Image:
    """The image, if `by` may manage it, and it is not in the trash. Raises why not."""
    return kept(allowed(image, access.Action.MANAGE, by=by, now=now))


def allowed(image: Image | None, action: access.Action, *, by: AccountId, now: datetime) -> Image:
    """The image, if `by` may. Raises the policy's refusal."""
    viewer = access.Viewer(account_id=by)
    access.require(viewer, action, unpurged(image).subject, now=now)
    assert image is not None
    return image


def unpurged(image: Image | None) -> Image:
    if image is None or image.purged:
        raise NotFound
    return image


def kept(image: Image | None) -> Image:
    """The image, unless it is in the trash. Raises NotFound."""
    image = unpurged(image)
    if image.purge_after is not None:
        raise NotFound
    return image
