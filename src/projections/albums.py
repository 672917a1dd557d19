"""Albums as they are listed. What is in each, the gallery knows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import access, album
from domain.access import Circle, Permission, Role, Share, Viewer, Visibility
from domain.ids import AccountId, AlbumId, ImageId, ShareId, TeamId
from domain.stream import Recorded, said
from projections.gallery import Sort

NAME = "albums"
STREAMS = frozenset({"album"})


class AlbumCard(msgspec.Struct, frozen=True, kw_only=True):
    """One album. Its fields are the columns of albums.albums."""

    id: AlbumId
    owner_id: AccountId
    version: int
    team_id: TeamId | None = None
    """Whose it is, where its owner is an organization."""
    parent_id: AlbumId | None = None
    title: str = ""
    description: str = ""
    visibility: Visibility
    cover_id: ImageId | None = None
    arranged: list[ImageId] = []
    shares: dict[ShareId, Share] = {}
    collaborators: dict[AccountId, frozenset[Permission]] = {}
    created_at: datetime
    updated_at: datetime


class Binder(msgspec.Struct, frozen=True, kw_only=True):
    """A card, with the roles in its team."""

    card: AlbumCard
    roles: Mapping[AccountId, Role] = {}

    @property
    def circle(self) -> Circle:
        return Circle(
            owner_id=self.card.owner_id,
            visibility=self.card.visibility,
            shares=self.card.shares,
            collaborators=self.card.collaborators,
            roles=self.roles,
        )


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody may see of what is in an album."""

    images: int = 0
    cover_id: ImageId | None = None
    """The chosen one, or else the one that came last."""


class AlbumQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which albums to list. Everything given must match."""

    viewer: Viewer
    owner: AccountId | None = None
    parent: AlbumId | None = None
    shared: bool = False
    """Only what others lend to the viewer."""
    sort: Sort = Sort.NEWEST
    limit: int = 20
    page: int = 1
    cursor: str | None = None


class AlbumPage(msgspec.Struct, frozen=True, kw_only=True):
    binders: Sequence[Binder]
    total: int
    next_cursor: str | None


class Albums(Protocol):
    """The read port. Albums and teams are as the log has them by now, however late its model is."""

    async def find(self, album_id: AlbumId) -> Binder | None:
        """None if it is unknown, or deleted."""
        ...

    async def cards(self, ids: Collection[AlbumId]) -> Mapping[UUID, Binder]:
        """Those that there are."""
        ...

    async def lent_by(self, share_id: ShareId) -> AlbumId | None:
        """The album that a link was made for."""
        ...

    async def list(self, query: AlbumQuery) -> AlbumPage:
        """What the viewer may list. Raises Validation if the cursor is not one of ours."""
        ...

    async def contents(
        self, ids: Collection[AlbumId], viewer: Viewer, *, lent: bool = False
    ) -> Mapping[AlbumId, Contents]:
        """Of those in which the viewer may see anything; `lent` is as in the gallery's Query."""
        ...


def project(card: AlbumCard | None, recorded: Recorded[Any]) -> AlbumCard | None:
    """The next card. Pure; None removes it."""
    event = recorded.event
    if isinstance(event, album.AlbumCreated):
        return AlbumCard(
            id=AlbumId(recorded.stream_id),
            owner_id=event.owner_id,
            version=recorded.version,
            team_id=event.team_id,
            parent_id=event.parent_id,
            visibility=event.visibility,
            created_at=recorded.at,
            updated_at=recorded.at,
            **said(event.personal),
        )
    if card is None or isinstance(event, album.AlbumDeleted):
        return None
    return replace(card, version=recorded.version, **_changes(card, recorded))


def _changes(card: AlbumCard, recorded: Recorded[Any]) -> dict[str, Any]:
    match recorded.event:
        case album.AlbumDescribed(personal=personal):
            return {"updated_at": recorded.at, **said(personal)}
        case album.AlbumVisibilityChanged(visibility=visibility):
            return {"updated_at": recorded.at, "visibility": visibility}
        case album.CoverChosen(image_id=image_id):
            return {"updated_at": recorded.at, "cover_id": image_id}
        case album.AlbumArranged(image_ids=image_ids):
            return {"updated_at": recorded.at, "arranged": list(image_ids)}
    return _lending(card, recorded.event)


def _lending(card: AlbumCard, event: Any) -> dict[str, Any]:
    match event:
        case album.AlbumLinkCreated(share_id=share_id):
            return {"shares": {**card.shares, share_id: album.linked(event)}}
        case album.AlbumLinkRevoked(share_id=share_id):
            revoked = replace(card.shares[share_id], revoked=True)
            return {"shares": {**card.shares, share_id: revoked}}
        case album.AlbumLent(account_id=account_id, permissions=permissions):
            return {"collaborators": {**card.collaborators, account_id: permissions}}
        case album.AlbumTakenBack(account_id=account_id):
            return {"collaborators": access.without(card.collaborators, account_id)}
    return {}
