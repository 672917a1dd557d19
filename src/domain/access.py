"""The one policy of who may do what with an image. Every byte and every field asks it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec

from domain.ids import AccountId, ShareId
from domain.refusals import Forbidden, NotFound, Refusal, ShareRevoked, SignatureExpired


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


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A link that lends permissions until it expires or is revoked."""

    permissions: frozenset[Permission]
    expires_at: datetime
    shared_with: AccountId | None = None
    revoked: bool = False


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what they hold in their hands."""

    account_id: AccountId | None = None
    share_id: ShareId | None = None
    """A share link whose signature was verified."""
    signed: int | None = None
    """The epoch in which someone who may manage the image signed the very URL; not expired."""


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
    deleted: bool = False
    shares: Mapping[ShareId, Share] = {}


Decision: TypeAlias = Refusal | None
"""None is yes."""

ANONYMOUS = Viewer()


def decide(viewer: Viewer, action: Action, image: Subject | None, *, now: datetime) -> Decision:
    """Whether `viewer` may do `action`; the refusal says as much as the viewer may know."""
    if image is None or not image.finalized:
        return NotFound()
    owner = viewer.account_id == image.owner_id
    if image.deleted:
        return None if owner and action is Action.MANAGE else NotFound()
    if image.quarantined:
        return Forbidden()
    if owner:
        return None
    return _as_guest(viewer, action, image, now)


def require_administrator(by: AccountId, administrators: Collection[AccountId]) -> None:
    """Raises Forbidden for all who do not run this installation."""
    if by not in administrators:
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


def _as_guest(viewer: Viewer, action: Action, image: Subject, now: datetime) -> Decision:
    if action is Action.MANAGE or not image.cleared:
        return Forbidden()
    if _lent(viewer, action, image, now):
        return None
    if viewer.share_id:
        return _by_link(viewer.share_id, action, image, now)
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


def _by_link(share_id: ShareId, action: Action, image: Subject, now: datetime) -> Decision:
    share = image.shares.get(share_id)
    if share is None:
        return NotFound()
    if share.revoked:
        return ShareRevoked()
    if share.expires_at <= now:
        return SignatureExpired()
    if share.shared_with or action is Action.EDIT:
        return Forbidden()  # meant for one account: log in, the link alone is not enough
    return None if _covers(share, action) else Forbidden()


def _lent(viewer: Viewer, action: Action, image: Subject, now: datetime) -> bool:
    """Whether a share was made out to this very account."""
    return viewer.account_id is not None and any(
        share.shared_with == viewer.account_id
        and not share.revoked
        and share.expires_at > now
        and _covers(share, action)
        for share in image.shares.values()
    )


def _covers(share: Share, action: Action) -> bool:
    needed = {
        Action.VIEW: Permission.VIEW,
        Action.LIST: Permission.VIEW,
        Action.DOWNLOAD: Permission.DOWNLOAD,
        Action.EDIT: Permission.EDIT,
    }.get(action)
    return needed in share.permissions
