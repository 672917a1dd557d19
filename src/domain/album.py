"""An album: images under a title, in an order, lent together. What is in it, the images say."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain import access
from domain.access import Action, Circle, Permission, Role, Share, Viewer, Visibility
from domain.ids import AccountId, AlbumId, ImageId, OrganizationId, ShareId, TeamId
from domain.refusals import Conflict, Forbidden, NotFound, TooManyCollaborators
from domain.stream import Event, Personal, news, said

MOST_COLLABORATORS = 100

# Events


class AlbumText(Personal, frozen=True, kw_only=True):
    """What people write about an album. None leaves a field as it was."""

    title: str | None = None
    description: str | None = None


class AlbumCreated(Event, frozen=True, kw_only=True, tag="album.created"):
    owner_id: AccountId
    visibility: Visibility
    parent_id: AlbumId | None = None
    """The album that it stands in, which itself stands in none."""
    team_id: TeamId | None = None
    """Whose it is, where its owner is an organization."""
    personal: AlbumText | None


class AlbumDescribed(Event, frozen=True, kw_only=True, tag="album.details-changed"):
    personal: AlbumText | None


class AlbumVisibilityChanged(Event, frozen=True, kw_only=True, tag="album.visibility-changed"):
    """Who finds the album. Each of its images keeps its own visibility."""

    visibility: Visibility


class CoverChosen(Event, frozen=True, kw_only=True, tag="album.cover-chosen"):
    image_id: ImageId | None


class AlbumArranged(Event, frozen=True, kw_only=True, tag="album.arranged"):
    """These come first, in this order; all others behind them, in the order in which they came."""

    image_ids: tuple[ImageId, ...]


class AlbumLinkCreated(Event, frozen=True, kw_only=True, tag="album.share-link-created"):
    share_id: ShareId
    permissions: frozenset[Permission]
    expires_at: datetime
    has_password: bool = False
    """Its hash is kept among the secrets."""


class AlbumLinkRevoked(Event, frozen=True, kw_only=True, tag="album.share-link-revoked"):
    share_id: ShareId


class AlbumLent(Event, frozen=True, kw_only=True, tag="album.collaborator-added"):
    """With every image in it, to an account, until it is taken back."""

    account_id: AccountId
    permissions: frozenset[Permission]


class AlbumTakenBack(Event, frozen=True, kw_only=True, tag="album.collaborator-removed"):
    account_id: AccountId


class AlbumDeleted(Event, frozen=True, kw_only=True, tag="album.deleted"):
    """For good, and no image with it; the stream's key is destroyed because of this."""


AlbumEvent: TypeAlias = (
    AlbumCreated
    | AlbumDescribed
    | AlbumVisibilityChanged
    | CoverChosen
    | AlbumArranged
    | AlbumLinkCreated
    | AlbumLinkRevoked
    | AlbumLent
    | AlbumTakenBack
    | AlbumDeleted
)

# State


class Album(msgspec.Struct, frozen=True, kw_only=True):
    owner_id: AccountId
    """An account, or the organization of the team."""
    team_id: TeamId | None = None
    visibility: Visibility
    parent_id: AlbumId | None = None
    title: str = ""
    description: str = ""
    cover_id: ImageId | None = None
    arranged: tuple[ImageId, ...] = ()
    shares: Mapping[ShareId, Share] = {}
    collaborators: Mapping[AccountId, frozenset[Permission]] = {}
    roles: Mapping[AccountId, Role] = {}
    """Of the team, where the caller of a decision has looked."""
    deleted: bool = False

    @property
    def circle(self) -> Circle | None:
        """What the policy needs to know of it; None once it is deleted."""
        if self.deleted:
            return None
        return Circle(
            owner_id=self.owner_id,
            visibility=self.visibility,
            shares=self.shares,
            collaborators=self.collaborators,
            roles=self.roles,
        )


def evolve(album: Album | None, event: AlbumEvent) -> Album:  # noqa: C901 - one case an event
    if isinstance(event, AlbumCreated):
        opened = Album(
            owner_id=event.owner_id,
            team_id=event.team_id,
            visibility=event.visibility,
            parent_id=event.parent_id,
        )
        return replace(opened, **said(event.personal))
    assert album is not None, "an album stream opens with AlbumCreated"
    match event:
        case AlbumDescribed(personal=personal):
            return replace(album, **said(personal))
        case AlbumVisibilityChanged(visibility=visibility):
            return replace(album, visibility=visibility)
        case CoverChosen(image_id=image_id):
            return replace(album, cover_id=image_id)
        case AlbumArranged(image_ids=image_ids):
            return replace(album, arranged=image_ids)
        case AlbumLinkCreated():
            return replace(album, shares={**album.shares, event.share_id: linked(event)})
        case AlbumLinkRevoked(share_id=share_id):
            revoked = replace(album.shares[share_id], revoked=True)
            return replace(album, shares={**album.shares, share_id: revoked})
        case AlbumLent(account_id=account_id, permissions=permissions):
            return replace(album, collaborators={**album.collaborators, account_id: permissions})
        case AlbumTakenBack(account_id=account_id):
            return replace(album, collaborators=access.without(album.collaborators, account_id))
        case AlbumDeleted():
            return replace(album, title="", description="", deleted=True)
        case _:
            assert_never(event)


def linked(event: AlbumLinkCreated) -> Share:
    return Share(
        permissions=event.permissions, expires_at=event.expires_at, locked=event.has_password
    )


# Decisions


def create(
    album: Album | None,
    parent: Album | None,
    *,
    by: AccountId,
    text: AlbumText,
    visibility: Visibility,
    parent_id: AlbumId | None,
    now: datetime,
    team_id: TeamId | None = None,
    organization_id: OrganizationId | None = None,
    roles: Mapping[AccountId, Role] = {},
) -> list[AlbumEvent]:
    """Of one's own, or of a team in which `roles` lets one edit."""
    owner_id = AccountId(organization_id) if organization_id else by
    created = AlbumCreated(
        owner_id=owner_id,
        team_id=team_id,
        visibility=visibility,
        parent_id=parent_id,
        personal=text,
    )
    if album is not None:
        if album.deleted:
            raise NotFound
        if album.owner_id != owner_id:
            raise Conflict
        return []
    if team_id is not None:
        team = evolve(None, created)
        allowed(replace(team, roles=roles), Action.EDIT, by=by, now=now)
    if parent_id is not None:
        parent = allowed(parent, Action.MANAGE, by=by, now=now)
        if (parent.owner_id, parent.team_id) != (owner_id, team_id):
            raise Conflict(reason="the album that it stands in belongs to somebody else")
        if parent.parent_id is not None:
            raise Conflict(reason="albums are nested one level deep")
    return [created]


def describe(
    album: Album | None, *, by: AccountId, text: AlbumText, now: datetime
) -> list[AlbumEvent]:
    changed = news(text, allowed(album, Action.EDIT, by=by, now=now))
    return [AlbumDescribed(personal=AlbumText(**changed))] if changed else []


def change_visibility(
    album: Album | None, *, by: AccountId, to: Visibility, now: datetime
) -> list[AlbumEvent]:
    album = allowed(album, Action.MANAGE, by=by, now=now)
    return [] if album.visibility is to else [AlbumVisibilityChanged(visibility=to)]


def choose_cover(
    album: Album | None, *, by: AccountId, image_id: ImageId | None, inside: bool, now: datetime
) -> list[AlbumEvent]:
    album = allowed(album, Action.EDIT, by=by, now=now)
    if album.cover_id == image_id:
        return []
    if image_id is not None and not inside:
        raise Conflict(reason="the cover is none of the album's images")
    return [CoverChosen(image_id=image_id)]


def arrange(
    album: Album | None, *, by: AccountId, image_ids: tuple[ImageId, ...], now: datetime
) -> list[AlbumEvent]:
    """What is not in it, or is no more, is passed over when it is shown."""
    album = allowed(album, Action.EDIT, by=by, now=now)
    return [] if album.arranged == image_ids else [AlbumArranged(image_ids=image_ids)]


def share(
    album: Album | None,
    *,
    by: AccountId,
    share_id: ShareId,
    permissions: frozenset[Permission],
    expires_at: datetime,
    has_password: bool = False,
    now: datetime,
) -> list[AlbumEvent]:
    album = allowed(album, Action.MANAGE, by=by, now=now)
    if share_id in album.shares:
        return []
    if Permission.EDIT in permissions:
        raise Forbidden(reason="edit can only be lent to an account")
    return [
        AlbumLinkCreated(
            share_id=share_id,
            permissions=permissions,
            expires_at=expires_at,
            has_password=has_password,
        )
    ]


def revoke_share(
    album: Album | None, *, by: AccountId, share_id: ShareId, now: datetime
) -> list[AlbumEvent]:
    album = allowed(album, Action.MANAGE, by=by, now=now)
    if share_id not in album.shares:
        raise NotFound
    return [] if album.shares[share_id].revoked else [AlbumLinkRevoked(share_id=share_id)]


def lend(
    album: Album | None,
    *,
    by: AccountId,
    account_id: AccountId,
    permissions: frozenset[Permission],
    now: datetime,
) -> list[AlbumEvent]:
    album = allowed(album, Action.MANAGE, by=by, now=now)
    if account_id == album.owner_id:
        raise Conflict(reason="its owner may do everything already")
    if album.collaborators.get(account_id) == permissions:
        return []
    if account_id not in album.collaborators and len(album.collaborators) >= MOST_COLLABORATORS:
        raise TooManyCollaborators(limit=MOST_COLLABORATORS)
    return [AlbumLent(account_id=account_id, permissions=permissions)]


def take_back(
    album: Album | None, *, by: AccountId, account_id: AccountId, now: datetime
) -> list[AlbumEvent]:
    """Whom it is lent to may give it back."""
    leaving = album is not None and by == account_id and account_id in album.collaborators
    album = allowed(album, Action.VIEW if leaving else Action.MANAGE, by=by, now=now)
    if account_id not in album.collaborators:
        return []
    return [AlbumTakenBack(account_id=account_id)]


def delete(album: Album | None, *, by: AccountId, now: datetime) -> list[AlbumEvent]:
    allowed(album, Action.MANAGE, by=by, now=now)
    return [AlbumDeleted()]


def erase(album: Album | None) -> list[AlbumEvent]:
    """Its owner is erased."""
    return [] if album is None or album.deleted else [AlbumDeleted()]


def allowed(album: Album | None, action: Action, *, by: AccountId, now: datetime) -> Album:
    """The album, if `by` may. Raises the policy's refusal."""
    circle = album.circle if album else None
    access.require_on_album(Viewer(account_id=by), action, circle, now=now)
    assert album is not None
    return album
