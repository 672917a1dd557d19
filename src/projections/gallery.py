"""The gallery: what every list, every page and every access decision reads of an image."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commands import object_keys
from commands.ports import ObjectKey
from domain import access, image, image_events
from domain.access import Permission, Share, Subject, Viewer, Visibility
from domain.ids import NOBODY, AccountId, AlbumId, ImageId, ShareId
from domain.media import Format
from domain.stream import Recorded, said

NAME = "gallery"
STREAMS = frozenset({"image"})


class Card(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One image as it is listed. Its fields are the columns of gallery.images."""

    id: ImageId
    owner_id: AccountId
    """An account, or an organization."""
    uploader_id: AccountId
    version: int
    size: int
    filename: str
    expires_at: datetime
    closed: bool = False
    """The upload was aborted, refused or has expired, or its bytes were there already."""
    duplicate_of: ImageId | None = None
    """Where they are."""
    attempt: UUID | None = None
    """The one that finalized it; part of its original's key."""
    format: Format | None = None
    checksum: str = ""
    width: int = 0
    height: int = 0
    frames: int = 1
    title: str = ""
    description: str = ""
    tags: list[str] = []
    custom: dict[str, str] = {}
    visibility: Visibility = Visibility.PRIVATE
    epoch: int = 0
    """The version that last made it private: URLs signed before are void."""
    cleared: bool = False
    quarantined: bool = False
    taken_down: bool = False
    shares: dict[ShareId, Share] = {}
    collaborators: dict[AccountId, frozenset[Permission]] = {}
    albums: dict[AlbumId, int] = {}
    """With the position at which it was put into each: the order in which they came."""
    created_at: datetime
    """When its bytes were accepted; until then, when they were promised."""
    updated_at: datetime
    deleted_at: datetime | None = None
    purge_after: datetime | None = None

    @property
    def entrusted(self) -> bool:
        """Whether an organization owns it."""
        return self.owner_id != self.uploader_id

    @property
    def finalized(self) -> bool:
        return self.attempt is not None

    @property
    def original(self) -> ObjectKey:
        assert self.attempt is not None, "only a finalized image has an original"
        return object_keys.original(self.owner_id, self.id, self.attempt)

    @property
    def subject(self) -> Subject:
        return Subject(
            owner_id=self.owner_id,
            visibility=self.visibility,
            epoch=self.epoch,
            finalized=self.finalized,
            cleared=self.cleared,
            quarantined=self.quarantined,
            taken_down=self.taken_down,
            deleted=self.deleted_at is not None,
            shares=self.shares,
            collaborators=self.collaborators,
        )


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """What was developed from the original, as far as lists need it."""

    placeholder: str
    recipe: str
    scrubbed: bool
    """Whether the original tells its whereabouts, so that others get a copy without them."""
    alpha: bool
    """Whether it may be transparent."""
    faithful: bool
    """Whether its renderings can stand in for it."""
    refined: bool
    """Whether what is made later is there: AVIF, or GIF of what moves."""


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """A card, with its print once there is one."""

    card: Card
    print: Print | None = None
    album_ids: Sequence[AlbumId] = ()
    """Those that its viewer may know of."""
    views: int = 0
    """By people, once each for a viewer and an hour, as written down by now."""


class Tally(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an account holds. Its fields are the columns of gallery.usage."""

    listed: int = 0
    """Of its images those that everybody may list: nobody counts a million rows for one page."""
    withheld: int = 0
    """Those that only their owner and some others may."""
    images: int = 0
    storage_bytes: int = 0
    reserved_bytes: int = 0
    uploads: int = 0


class Tagged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many images have a tag. Its fields are the columns of gallery.tags."""

    listed: int = 0
    """Those that everybody may list."""
    withheld: int = 0
    """Those that only their owner and some others may."""


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    MOST_VIEWED = "most_viewed"
    LARGEST = "largest"
    TITLE = "title"
    ARRANGED = "arranged"
    """As the album has them; only in one."""


class Period(StrEnum):
    """Of days in UTC, today's among them."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def days(self) -> int:
        return {"day": 1, "week": 7, "month": 30}[self]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which images to list. Everything given must match."""

    viewer: Viewer
    owner: AccountId | None = None
    tags: Sequence[str] = ()
    text: str | None = None
    """Full text, as in search."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
    taken_since: datetime | None = None
    """By the camera's clock; whole seconds."""
    taken_until: datetime | None = None
    """Exclusive."""
    format: Format | None = None
    visibility: Visibility | None = None
    album: AlbumId | None = None
    arranged: Sequence[ImageId] = ()
    """Which of the album come first."""
    lent: bool = False
    """The album lends the viewer whatever is in it."""
    shared: bool = False
    """Only what others lend to the viewer."""
    deleted: bool = False
    """The viewer's own trash, instead of what is alive."""
    min_width: int | None = None
    custom: Mapping[str, str] = {}
    sort: Sort = Sort.NEWEST
    period: Period | None = None
    """In which views count, for the most viewed; None is always."""
    limit: int = 20
    page: int = 1
    cursor: str | None = None
    """As given by an earlier page; then `page` does not count."""

    @property
    def counted(self) -> bool:
        """Whether it asks for all of somebody's, or everybody's, with one tag at most: how many of
        these everybody may list is known beforehand."""
        return len(self.tags) < 2 and self._only("owner", "tags")

    @property
    def worded(self) -> bool:
        """Whether it asks for all that has some words."""
        return bool(self.text) and self._only("text")

    def _only(self, *filters: str) -> bool:
        ways = ("viewer", "sort", "period", "limit", "page", "cursor", *filters)
        plain = Query(**{name: getattr(self, name) for name in ways})
        return msgspec.structs.replace(self, arranged=()) == plain


class Page(msgspec.Struct, frozen=True, kw_only=True):
    exhibits: Sequence[Exhibit]
    total: int
    next_cursor: str | None


class Gallery(Protocol):
    """The read port. What it lists is what the viewer may list; the policy is asked again above."""

    async def find(self, image_id: ImageId) -> Exhibit | None:
        """Any image whatever its state, as the log has it by now; None if it is unknown."""
        ...

    async def recalled(self, image_id: ImageId) -> Exhibit | None:
        """As `find` gave it before, if nothing has happened to the image since.

        None where it must be looked for. What was developed meanwhile is not in it.
        """
        ...

    async def cards(self, ids: Collection[ImageId]) -> Mapping[UUID, Card]:
        """Those that there are, whatever their state, as the log has them by now."""
        ...

    async def list(self, query: Query) -> Page:
        """Raises Validation if the cursor is not one of ours or of another sort."""
        ...

    async def usage(self, account_id: AccountId) -> Tally: ...

    async def lent_by(self, share_id: ShareId) -> ImageId | None:
        """The image that a link was made for, whatever became of either."""
        ...

    async def twin(self, card: Card) -> ImageId | None:
        """The oldest live image of the same owner with the same bytes that is older than it."""
        ...


def project(card: Card | None, recorded: Recorded[Any]) -> Card | None:
    """The next card. Pure; None removes it."""
    event = recorded.event
    if isinstance(event, image_events.UploadInitiated):
        return _opened(recorded, event)
    if card is None or isinstance(event, image_events.Purged):
        return None
    return replace(card, version=recorded.version, **_changes(card, recorded))


def _opened(recorded: Recorded[Any], event: image_events.UploadInitiated) -> Card:
    return Card(
        id=ImageId(recorded.stream_id),
        owner_id=event.owner_id,
        uploader_id=event.uploader_id or event.owner_id,
        version=recorded.version,
        size=event.size,
        filename=event.personal.filename if event.personal else "",
        expires_at=event.expires_at,
        created_at=recorded.at,
        updated_at=recorded.at,
    )


def _changes(card: Card, recorded: Recorded[Any]) -> dict[str, Any]:  # noqa: C901 - a case an event
    match recorded.event:  # the commonest first: a million of them are asked when it is rebuilt
        case image_events.ImageFinalized() as event:
            return _accepted(event, recorded.at)
        case image_events.ImageCleared():
            return {"cleared": True, "quarantined": False}
        case image_events.DetailsChanged(personal=details):
            return {"updated_at": recorded.at, **written(details)}
        case image_events.VisibilityChanged(visibility=visibility):
            private = visibility is Visibility.PRIVATE
            epoch = recorded.version if private else card.epoch
            return {"updated_at": recorded.at, "visibility": visibility, "epoch": epoch}
        case (
            image_events.UploadAborted()
            | image_events.UploadExpired()
            | image_events.UploadRefused()
        ):
            return {"closed": True}
        case image_events.UploadDeduplicated(of=of):
            return {"closed": True, "duplicate_of": of}
        case image_events.UploadTransferred(to=to):
            return {"owner_id": to}
        case image_events.ImageQuarantined():
            return {"cleared": False, "quarantined": True}
        case image_events.TakenDown() | image_events.Reinstated():
            return {"taken_down": isinstance(recorded.event, image_events.TakenDown)}
        case image_events.ShareLinkCreated() as event:
            return {"shares": {**card.shares, event.share_id: image.shared(event)}}
        case image_events.ShareLinkRevoked(share_id=share_id):
            return {
                "shares": {**card.shares, share_id: replace(card.shares[share_id], revoked=True)}
            }
        case image_events.CollaboratorAdded(account_id=account_id, permissions=permissions):
            return {"collaborators": {**card.collaborators, account_id: permissions}}
        case image_events.CollaboratorRemoved(account_id=account_id):
            return {"collaborators": access.without(card.collaborators, account_id)}
        case image_events.AddedToAlbum(album_id=album_id):
            return {"albums": {**card.albums, album_id: recorded.position or 0}}
        case image_events.RemovedFromAlbum(album_id=album_id):
            return {"albums": {id: at for id, at in card.albums.items() if id != album_id}}
        case image_events.SoftDeleted(purge_after=purge_after):
            return {"deleted_at": recorded.at, "purge_after": purge_after}
        case image_events.Restored():
            return {"deleted_at": None, "purge_after": None}
    return {}


def _accepted(event: image_events.ImageFinalized, at: datetime) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "attempt": event.attempt,
        "format": event.format,
        "size": event.size,
        "visibility": event.visibility,
        "created_at": at,
        "updated_at": at,
    }
    if content := event.personal:
        facts |= {
            "checksum": content.checksum,
            "width": content.width,
            "height": content.height,
            "frames": content.frames,
        }
    return facts


def written(details: image_events.Details | None) -> dict[str, Any]:
    fields = said(details)
    return fields | {"tags": list(fields["tags"])} if "tags" in fields else fields


def tally(card: Card | None) -> Mapping[tuple[UUID], Tally]:
    """What one card adds to its owner's usage and, under NOBODY, to everybody's."""
    if card is None or (card.closed and not card.finalized):
        return {}
    found = Tally(reserved_bytes=card.size)
    if card.finalized:
        shown, size = _shown(card), card.size
        found = Tally(
            listed=shown.listed, withheld=shown.withheld, images=1, storage_bytes=size, uploads=1
        )
    return {(card.owner_id,): found, (NOBODY,): found}


def tagged(card: Card | None) -> Mapping[tuple[UUID, str], Tagged]:
    """The same of its tags."""
    shown = _shown(card) if card else Tagged()
    if card is None or shown == Tagged():
        return {}
    owners = (card.owner_id, NOBODY)
    return {(whose, tag): shown for whose in owners for tag in card.tags}


def _shown(card: Card) -> Tagged:
    alive = card.finalized and card.deleted_at is None
    public = card.visibility is Visibility.PUBLIC and card.cleared and not card.taken_down
    return Tagged(listed=int(alive and public), withheld=int(alive and not public))
