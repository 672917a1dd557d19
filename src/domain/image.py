"""One image, from the first promise of bytes to its last day."""

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
    Cause,
    CollaboratorAdded,
    CollaboratorRemoved,
    CounterNoticed,
    Details,
    DetailsChanged,
    Ground,
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
    AlreadyPurged,
    Forbidden,
    LegalHold,
    NotFound,
    RestoreWindowClosed,
    Validation,
)

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
        case QuarantineReleased() | QuarantineConfirmed():
            return replace(image, **_reviewed(image, event))
        case TakenDown() | Reinstated() | CounterNoticed():
            taken_down = not isinstance(event, Reinstated)
            countered = isinstance(event, CounterNoticed)
            return replace(image, taken_down=taken_down, countered=countered)
        case DetailsChanged(personal=details):
            return replace(image, details=merged(image.details, details))
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


def _reviewed(image: Image, event: QuarantineReleased | QuarantineConfirmed) -> dict[str, Any]:
    if isinstance(event, QuarantineConfirmed):
        return {"confirmed": True}
    return {"excused": image.excused | {image.finding}}


def charged(image: Image | None) -> int:
    """Bytes that count against the quota: reserved with the promise, kept while it holds."""
    return 0 if image is None or image.given_up or image.purged else image.size


def merged(old: Details, new: Details | None) -> Details:
    """`old` with the fields that `new` sets."""
    if new is None:
        return old
    given = {
        name: value for name, value in msgspec.structs.asdict(new).items() if value is not None
    }
    return replace(old, **given)


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
    image = _allowed(image, access.Action.EDIT, by=by, now=now)
    after = merged(image.details, details)
    if after == image.details:
        return []
    changed = {
        name: value
        for name, value in msgspec.structs.asdict(details).items()
        if value is not None and value != getattr(image.details, name)
    }
    return [DetailsChanged(personal=Details(**changed))]


def change_visibility(
    image: Image | None, *, by: AccountId, to: Visibility, now: datetime
) -> list[ImageEvent]:
    image = _allowed(image, access.Action.MANAGE, by=by, now=now)
    _refuse_if_deleted(image)
    return [] if image.visibility is to else [VisibilityChanged(visibility=to)]


def share(
    image: Image | None,
    *,
    by: AccountId,
    share_id: ShareId,
    permissions: frozenset[Permission],
    expires_at: datetime,
    shared_with: AccountId | None,
    has_password: bool = False,
    now: datetime,
) -> list[ImageEvent]:
    image = _allowed(image, access.Action.MANAGE, by=by, now=now)
    _refuse_if_deleted(image)
    if share_id in image.shares:
        return []
    if Permission.EDIT in permissions and shared_with is None:
        raise Forbidden(reason="edit can only be shared with an account")
    if has_password and shared_with is not None:
        errors = [{"field": "password", "message": "is for links that are made out to nobody"}]
        raise Validation(errors=errors)
    return [
        ShareLinkCreated(
            share_id=share_id,
            permissions=permissions,
            expires_at=expires_at,
            shared_with=shared_with,
            has_password=has_password,
        )
    ]


def revoke_share(
    image: Image | None, *, by: AccountId, share_id: ShareId, now: datetime
) -> list[ImageEvent]:
    image = _allowed(image, access.Action.MANAGE, by=by, now=now)
    _refuse_if_deleted(image)
    if share_id not in image.shares:
        raise NotFound
    return [] if image.shares[share_id].revoked else [ShareLinkRevoked(share_id=share_id)]


def soft_delete(
    image: Image | None, *, by: AccountId, now: datetime, retention: timedelta
) -> list[ImageEvent]:
    image = _allowed(image, access.Action.MANAGE, by=by, now=now)
    _refuse_if_deleted(image)
    return [SoftDeleted(purge_after=now + retention)]


def restore(image: Image | None, *, by: AccountId, now: datetime) -> list[ImageEvent]:
    image = _allowed(image, access.Action.MANAGE, by=by, now=now)
    if image.purge_after is None:
        return []
    if now > image.purge_after:
        raise RestoreWindowClosed(purgeAfter=image.purge_after.isoformat())
    return [Restored()]


def purge(image: Image | None, *, by: AccountId, request: UUID, now: datetime) -> list[ImageEvent]:
    """Its owner wants it gone for good. Raises AlreadyPurged, to its owner only."""
    if image is not None and image.purged and by in {image.owner_id, *image.stewards}:
        if image.purged.request == request:
            return []
        raise AlreadyPurged
    image = _allowed(image, access.Action.MANAGE, by=by, now=now)
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


def fail(image: Image | None, *, code: str) -> list[ImageEvent]:
    """Nobody is told twice."""
    if image is None or not image.finalized or image.purged or image.failed:
        return []
    return [ProcessingFailed(code=code)]


def hold(image: Image | None, *, reason: str) -> list[ImageEvent]:
    """For an administrator, who may hold what nobody else can see any more; not what never came."""
    image = _unpurged(image)
    if not image.finalized:
        raise NotFound
    return [] if image.held else [LegalHoldPlaced(personal=Ground(reason=reason))]


def release(image: Image | None, *, reason: str = "") -> list[ImageEvent]:
    ground = Ground(reason=reason) if reason else None
    return [LegalHoldLifted(personal=ground)] if _unpurged(image).held else []


def _allowed(image: Image | None, action: access.Action, *, by: AccountId, now: datetime) -> Image:
    viewer = access.Viewer(account_id=by)
    access.require(viewer, action, _unpurged(image).subject, now=now)
    assert image is not None
    return image


def _unpurged(image: Image | None) -> Image:
    if image is None or image.purged:
        raise NotFound
    return image


def _refuse_if_deleted(image: Image) -> None:
    if image.purge_after is not None:
        raise NotFound
