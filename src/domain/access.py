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
    signed: bool = False
    """The very URL was signed by someone who may manage the image, and has not expired."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy needs to know of an image."""

    owner_id: AccountId
    visibility: Visibility
    finalized: bool = True
    cleared: bool = True
    """The scan passed: nobody but the owner gets a byte before."""
    quarantined: bool = False
    deleted: bool = False
    shares: Mapping[ShareId, Share] = {}
    collaborators: Mapping[AccountId, frozenset[Permission]] = {}
    """Accounts that it is lent to by name, until that is taken back."""


Decision: TypeAlias = Refusal | None
"""None is yes."""

ANONYMOUS = Viewer()
NOTHING: frozenset[Permission] = frozenset()


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
    return None if action in _open_to_all(image, signed=viewer.signed) else Forbidden()


def _open_to_all(image: Subject, *, signed: bool) -> frozenset[Action]:
    if image.visibility is Visibility.PUBLIC:
        return frozenset({Action.VIEW, Action.LIST, Action.DOWNLOAD})
    if image.visibility is Visibility.UNLISTED or signed:
        return frozenset({Action.VIEW, Action.DOWNLOAD})
    return frozenset()


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
    return None if _covers(share.permissions, action) else Forbidden()


def _lent(viewer: Viewer, action: Action, image: Subject, now: datetime) -> bool:
    """Whether it is lent to this very account, by name or by a share made out to it."""
    if viewer.account_id is None:
        return False
    return _covers(image.collaborators.get(viewer.account_id, NOTHING), action) or any(
        share.shared_with == viewer.account_id
        and not share.revoked
        and share.expires_at > now
        and _covers(share.permissions, action)
        for share in image.shares.values()
    )


def _covers(permissions: Collection[Permission], action: Action) -> bool:
    needed = {
        Action.VIEW: Permission.VIEW,
        Action.LIST: Permission.VIEW,
        Action.DOWNLOAD: Permission.DOWNLOAD,
        Action.EDIT: Permission.EDIT,
    }.get(action)
    return needed in permissions
