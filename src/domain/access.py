"""The one policy of who may do what with an image. Every byte and every field asks it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, TypeVar

import msgspec

from domain.ids import AccountId, ShareId
from domain.refusals import (
    Forbidden,
    ImageQuarantined,
    ImageTakenDown,
    NotFound,
    PasswordRequired,
    Refusal,
    ShareRevoked,
    SignatureExpired,
)

P = TypeVar("P")


class Visibility(StrEnum):
    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


class Permission(StrEnum):
    VIEW = "view"
    DOWNLOAD = "download"
    EDIT = "edit"


class Action(StrEnum):
    VIEW = "view"
    """See pixels and details."""
    LIST = "list"
    """Find it without knowing its id."""
    DOWNLOAD = "download"
    EDIT = "edit"
    ADD = "add"
    """Put images into an album."""
    MANAGE = "manage"
    """Delete, restore, share, choose visibility."""


class Scope(StrEnum):
    """What a bearer may do at most; whether they may do it at all, is asked apart."""

    UPLOAD = "upload"
    """What a guest may who was given an upload token."""
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    """What administrators may, if the account is one."""
    PERSON = "person"
    """What only somebody who signed in may: what was lent cannot be turned against its owner."""


_REACH: Mapping[Scope, frozenset[Scope]] = {
    Scope.UPLOAD: frozenset({Scope.UPLOAD}),
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE, Scope.UPLOAD}),
    Scope.ADMIN: frozenset(Scope) - {Scope.PERSON},
    Scope.PERSON: frozenset(Scope),
}


class Role(StrEnum):
    """What somebody is in an organization or one of its teams."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    UPLOADER = "uploader"
    VIEWER = "viewer"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A link that lends permissions until it expires or is revoked."""

    permissions: frozenset[Permission]
    expires_at: datetime
    shared_with: AccountId | None = None
    revoked: bool = False
    locked: bool = False
    """It has a password."""


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what they hold in their hands."""

    account_id: AccountId | None = None
    share_id: ShareId | None = None
    """A share link whose signature was verified."""
    unlocked: bool = False
    """Whoever was handed it gave its password, where it has one."""
    signed: int | None = None
    """The epoch in which someone who may manage the image signed the very URL; not expired."""


class Circle(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy needs to know of an album: whom it lends its images to."""

    owner_id: AccountId
    visibility: Visibility
    shares: Mapping[ShareId, Share] = {}
    collaborators: Mapping[AccountId, frozenset[Permission]] = {}
    roles: Mapping[AccountId, Role] = {}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy needs to know of an image."""

    owner_id: AccountId
    visibility: Visibility
    epoch: int = 0
    """Another one each time that it is made private: what was signed in an earlier one is void."""
    finalized: bool = True
    cleared: bool = True
    """The scan passed: nobody but the owner gets a byte before."""
    quarantined: bool = False
    taken_down: bool = False
    deleted: bool = False
    shares: Mapping[ShareId, Share] = {}
    collaborators: Mapping[AccountId, frozenset[Permission]] = {}
    """Accounts that it is lent to by name, until that is taken back."""
    albums: Sequence[Circle] = ()
    """Those it is in: each lends it to its own circle, but manages nothing of it."""
    stewards: Mapping[AccountId, Role] = {}
    """Who may do everything with what the organization has that owns it."""


Decision: TypeAlias = Refusal | None
"""None is yes."""

ANONYMOUS = Viewer()
NOTHING: frozenset[Permission] = frozenset()
_LOOKING = frozenset({Action.VIEW, Action.LIST, Action.DOWNLOAD})
BY_ROLE = {
    Role.OWNER: frozenset(Action),
    Role.ADMIN: frozenset(Action),
    Role.EDITOR: _LOOKING | {Action.EDIT, Action.ADD},
    Role.UPLOADER: _LOOKING | {Action.ADD},
    Role.VIEWER: _LOOKING,
}


def decide(viewer: Viewer, action: Action, image: Subject | None, *, now: datetime) -> Decision:
    """Whether `viewer` may do `action`; the refusal says as much as the viewer may know."""
    if image is None or not image.finalized:
        return NotFound()
    owner = viewer.account_id == image.owner_id or viewer.account_id in image.stewards
    if image.deleted:
        return None if owner and action is Action.MANAGE else NotFound()
    if image.quarantined or image.taken_down:
        return _barred(image, action, owner=owner)
    if owner:
        return None
    return _as_guest(viewer, action, image, now)


def _barred(image: Subject, action: Action, *, owner: bool) -> Decision:
    """Its owner may find it and delete it, and read why; the bytes are nobody's."""
    if not owner:
        return Forbidden()
    if action in (Action.LIST, Action.MANAGE):
        return None
    return ImageQuarantined() if image.quarantined else ImageTakenDown()


def require_administrator(*, administrates: bool) -> None:
    """Raises Forbidden for all who do not run this installation."""
    if not administrates:
        raise Forbidden


def reach(scopes: Collection[Scope]) -> frozenset[Scope]:
    """Who may write may read, and so on."""
    return frozenset().union(*(_REACH[scope] for scope in scopes))


def require_scope(scopes: Collection[Scope], needed: Scope) -> None:
    """Raises Forbidden."""
    if needed not in reach(scopes):
        raise Forbidden(reason="the credentials do not reach that far", neededScope=needed.value)


def require(viewer: Viewer, action: Action, image: Subject | None, *, now: datetime) -> None:
    """Raise the refusal, if there is one."""
    if refusal := decide(viewer, action, image, now=now):
        raise refusal


def decide_on_album(
    viewer: Viewer, action: Action, album: Circle | None, *, now: datetime
) -> Decision:
    """The same for an album itself. What may not be seen is not there."""
    if album is None:
        return NotFound()
    if action in _granted(album, viewer.account_id) | _FOUND[album.visibility]:
        return None
    if viewer.share_id and viewer.share_id in album.shares:
        return _by_link(album.shares[viewer.share_id], viewer, action, now)
    seen = Action.VIEW in _granted(album, viewer.account_id) | _FOUND[album.visibility]
    return Forbidden() if seen else NotFound()


def require_on_album(
    viewer: Viewer, action: Action, album: Circle | None, *, now: datetime
) -> None:
    if refusal := decide_on_album(viewer, action, album, now=now):
        raise refusal


def lends(album: Circle, viewer: Viewer, action: Action, *, now: datetime) -> bool:
    """Whether an album lends `action` on every image in it to the viewer."""
    if action is Action.MANAGE:
        return False
    share = album.shares.get(viewer.share_id) if viewer.share_id else None
    by_link = share is not None and _by_link(share, viewer, action, now) is None
    return by_link or action in _granted(album, viewer.account_id)


def covers(permissions: Collection[Permission], action: Action) -> bool:
    needed = {
        Action.VIEW: Permission.VIEW,
        Action.LIST: Permission.VIEW,
        Action.DOWNLOAD: Permission.DOWNLOAD,
        Action.EDIT: Permission.EDIT,
    }.get(action)
    return needed in permissions


def without(people: Mapping[AccountId, P], account_id: AccountId) -> dict[AccountId, P]:
    return {id: kept for id, kept in people.items() if id != account_id}


_FOUND = {
    Visibility.PUBLIC: frozenset({Action.VIEW, Action.LIST}),
    Visibility.UNLISTED: frozenset({Action.VIEW}),
    Visibility.PRIVATE: frozenset[Action](),
}
"""What everybody may do with an album; each image in it is asked for itself."""


def _granted(album: Circle, account_id: AccountId | None) -> frozenset[Action]:
    if account_id is None:
        return frozenset()
    if account_id == album.owner_id:
        return frozenset(Action)
    permissions = album.collaborators.get(account_id, NOTHING)
    by_name = frozenset(action for action in Action if covers(permissions, action))
    if Action.EDIT in by_name:
        by_name |= {Action.ADD}
    role = album.roles.get(account_id)
    return by_name | (BY_ROLE[role] if role else frozenset())


def _as_guest(viewer: Viewer, action: Action, image: Subject, now: datetime) -> Decision:
    if action is Action.MANAGE or not image.cleared:
        return Forbidden()
    if _lent(viewer, action, image, now):
        return None
    if any(lends(album, viewer, action, now=now) for album in image.albums):
        return None
    if viewer.share_id:
        share = _link(viewer.share_id, image)
        return _by_link(share, viewer, action, now) if share else NotFound()
    if action in _OPEN[image.visibility]:
        return None
    if viewer.signed is None or action not in _OPEN[Visibility.UNLISTED]:
        return Forbidden()
    return None if viewer.signed == image.epoch else ShareRevoked()


_OPEN: Mapping[Visibility, frozenset[Action]] = {
    Visibility.PUBLIC: frozenset({Action.VIEW, Action.LIST, Action.DOWNLOAD}),
    Visibility.UNLISTED: frozenset({Action.VIEW, Action.DOWNLOAD}),
    Visibility.PRIVATE: frozenset(),
}
"""To everybody. A signed URL opens as much as knowing an unlisted image's id."""


def _link(share_id: ShareId, image: Subject) -> Share | None:
    """Its own, or one of an album that it is in."""
    holders = (image.shares, *(album.shares for album in image.albums))
    return next((shares[share_id] for shares in holders if share_id in shares), None)


def _by_link(share: Share, viewer: Viewer, action: Action, now: datetime) -> Decision:
    if share.revoked:
        return ShareRevoked()
    if share.expires_at <= now:
        return SignatureExpired()
    if share.shared_with or action is Action.EDIT:
        return Forbidden()  # meant for one account: log in, the link alone is not enough
    if share.locked and not viewer.unlocked:
        return PasswordRequired()
    return None if covers(share.permissions, action) else Forbidden()


def _lent(viewer: Viewer, action: Action, image: Subject, now: datetime) -> bool:
    """Whether it is lent to this very account, by name or by a share made out to it."""
    if viewer.account_id is None:
        return False
    return covers(image.collaborators.get(viewer.account_id, NOTHING), action) or any(
        share.shared_with == viewer.account_id
        and not share.revoked
        and share.expires_at > now
        and covers(share.permissions, action)
        for share in image.shares.values()
    )
