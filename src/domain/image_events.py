"""What can happen to an image, as the log keeps it."""

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from domain.access import Permission, Visibility
from domain.ids import AccountId, AlbumId, ImageId, ShareId
from domain.media import Content, Format
from domain.stream import Event, Personal


class Promised(Personal, frozen=True, kw_only=True):
    """What the client says of bytes that are still to come."""

    filename: str
    sha256: str | None = None
    format: Format | None = None
    """What it has to be, where whoever let it in said so."""


class Details(Personal, frozen=True, kw_only=True):
    """What people write about an image. None leaves a field as it was."""

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    custom: dict[str, str] | None = None


class Ground(Personal, frozen=True, kw_only=True):
    """Why an administrator did it."""

    reason: str


class Notice(Personal, frozen=True, kw_only=True):
    """Why it was taken down; where somebody claimed a right in it, who and in which work."""

    reason: str
    claimant: str = ""
    work: str = ""
    url: str = ""
    """Where the work is, or where they say so."""


class Statement(Personal, frozen=True, kw_only=True):
    """What the owner says against a takedown."""

    statement: str


class UploadInitiated(Event, frozen=True, kw_only=True, tag="image.upload-initiated"):
    owner_id: AccountId
    size: int
    content_type: str
    expires_at: datetime
    uploader_id: AccountId | None = None
    """Who sends the bytes, where an organization owns them."""
    album_id: AlbumId | None = None
    """Where they are to go."""
    personal: Promised | None


class UploadAborted(Event, frozen=True, kw_only=True, tag="image.upload-aborted"):
    pass


class UploadExpired(Event, frozen=True, kw_only=True, tag="image.upload-expired"):
    pass


class UploadTransferred(Event, frozen=True, kw_only=True, tag="image.upload-transferred"):
    """It goes to an organization's album after all: from now on the organization owns it."""

    to: AccountId


class UploadRefused(Event, frozen=True, kw_only=True, tag="image.upload-refused"):
    """The bytes came and cannot be an image here. `code` is the refusal's."""

    code: str
    facts: dict[str, int | str] = {}


class UploadDeduplicated(Event, frozen=True, kw_only=True, tag="image.upload-deduplicated"):
    """The bytes are those of another live image of the owner, who keeps each only once."""

    of: ImageId


class ImageFinalized(Event, frozen=True, kw_only=True, tag="image.finalized"):
    """`attempt` names the bytes: each attempt to finalize proves a copy of its own."""

    attempt: UUID
    format: Format
    size: int
    visibility: Visibility
    personal: Content | None


class ProcessingFailed(Event, frozen=True, kw_only=True, tag="image.processing-failed"):
    """No rendering of it can be made, however often it was tried. `code` is what stands in the way:
    a refusal's, or `internal`."""

    code: str


class ImageCleared(Event, frozen=True, kw_only=True, tag="image.cleared"):
    """`scanner` found nothing; `decode` is the full decode that every image passes."""

    scanner: str


class ImageQuarantined(Event, frozen=True, kw_only=True, tag="image.quarantined"):
    scanner: str
    finding: str


class RescanRequested(Event, frozen=True, kw_only=True, tag="image.rescan-requested"):
    """An administrator wants it scanned again, with newer signatures, say. It stays as it is."""

    request: UUID | None = None
    """Names the request that asked for it, which may come again."""
    personal: Ground | None


class RescanPassed(Event, frozen=True, kw_only=True, tag="image.rescan-passed"):
    scanner: str


class QuarantineReleased(Event, frozen=True, kw_only=True, tag="image.quarantine-released"):
    """An administrator looked and found it harmless; ImageCleared comes with it."""

    personal: Ground | None


class QuarantineConfirmed(Event, frozen=True, kw_only=True, tag="image.quarantine-confirmed"):
    """An administrator looked, and it stays where it is."""

    personal: Ground | None


class TakenDown(Event, frozen=True, kw_only=True, tag="image.taken-down"):
    """An administrator closed it to everybody, for what somebody else says of it."""

    personal: Notice | None


class Reinstated(Event, frozen=True, kw_only=True, tag="image.reinstated"):
    personal: Ground | None


class CounterNoticed(Event, frozen=True, kw_only=True, tag="image.counter-noticed"):
    """Its owner says that it was taken down wrongly."""

    personal: Statement | None


class DetailsChanged(Event, frozen=True, kw_only=True, tag="image.details-changed"):
    personal: Details | None


class VisibilityChanged(Event, frozen=True, kw_only=True, tag="image.visibility-changed"):
    visibility: Visibility


class ShareLinkCreated(Event, frozen=True, kw_only=True, tag="image.share-link-created"):
    share_id: ShareId
    permissions: frozenset[Permission]
    expires_at: datetime
    shared_with: AccountId | None = None
    has_password: bool = False
    """Its hash is kept among the secrets."""


class ShareLinkRevoked(Event, frozen=True, kw_only=True, tag="image.share-link-revoked"):
    share_id: ShareId


class CollaboratorAdded(Event, frozen=True, kw_only=True, tag="image.collaborator-added"):
    """Lent to an account until it is taken back; again with other permissions replaces them."""

    account_id: AccountId
    permissions: frozenset[Permission]


class CollaboratorRemoved(Event, frozen=True, kw_only=True, tag="image.collaborator-removed"):
    account_id: AccountId


class AddedToAlbum(Event, frozen=True, kw_only=True, tag="image.added-to-album"):
    """Lent to whomever the album is lent to, for as long as it is in it."""

    album_id: AlbumId


class RemovedFromAlbum(Event, frozen=True, kw_only=True, tag="image.removed-from-album"):
    album_id: AlbumId


class SoftDeleted(Event, frozen=True, kw_only=True, tag="image.soft-deleted"):
    purge_after: datetime


class Restored(Event, frozen=True, kw_only=True, tag="image.restored"):
    pass


class Cause(StrEnum):
    """Why an image was purged."""

    OWNER = "owner"
    RETENTION = "retention"
    """The time in which it could be restored was over."""
    ERASURE = "erasure"
    """Its owner's account, or the image that it was a duplicate of, is erased."""


class Purged(Event, frozen=True, kw_only=True, tag="image.purged"):
    """The stream's key and every print are destroyed because of this; what it says here stays."""

    cause: Cause
    request: UUID | None = None
    """Names the request that asked for it, which may come again."""


class LegalHoldPlaced(Event, frozen=True, kw_only=True, tag="image.legal-hold-placed"):
    personal: Ground | None


class LegalHoldLifted(Event, frozen=True, kw_only=True, tag="image.legal-hold-lifted"):
    personal: Ground | None = None


ImageEvent: TypeAlias = (
    UploadInitiated
    | UploadAborted
    | UploadExpired
    | UploadTransferred
    | UploadRefused
    | UploadDeduplicated
    | ImageFinalized
    | ProcessingFailed
    | ImageCleared
    | ImageQuarantined
    | RescanRequested
    | RescanPassed
    | QuarantineReleased
    | QuarantineConfirmed
    | TakenDown
    | Reinstated
    | CounterNoticed
    | DetailsChanged
    | VisibilityChanged
    | ShareLinkCreated
    | ShareLinkRevoked
    | CollaboratorAdded
    | CollaboratorRemoved
    | AddedToAlbum
    | RemovedFromAlbum
    | SoftDeleted
    | Restored
    | Purged
    | LegalHoldPlaced
    | LegalHoldLifted
)
Over: TypeAlias = UploadAborted | UploadExpired | UploadRefused | UploadDeduplicated | Purged
"""From then on there is no such image."""
