"""Lending an image: by links, and to people by name."""

from datetime import datetime

from domain.access import Permission
from domain.ids import AccountId, ShareId
from domain.image import Image, managed
from domain.image_events import (
    CollaboratorAdded,
    CollaboratorRemoved,
    ImageEvent,
    ShareLinkCreated,
    ShareLinkRevoked,
)
from domain.refusals import Conflict, Forbidden, NotFound, TooManyCollaborators, Validation

MOST_COLLABORATORS = 100


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
    image = managed(image, by=by, now=now)
    if share_id in image.shares:
        return []
    if Permission.EDIT in permissions and shared_with is None:
        raise Forbidden(reason="edit can only be shared with an account")
    if has_password and shared_with is not None:
        raise Validation.of("password", "is for links that are made out to nobody")
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
    image = managed(image, by=by, now=now)
    if share_id not in image.shares:
        raise NotFound
    return [] if image.shares[share_id].revoked else [ShareLinkRevoked(share_id=share_id)]


def add_collaborator(
    image: Image | None,
    *,
    by: AccountId,
    account_id: AccountId,
    permissions: frozenset[Permission],
    now: datetime,
) -> list[ImageEvent]:
    image = managed(image, by=by, now=now)
    if account_id == image.owner_id:
        raise Conflict(reason="its owner may do everything already")
    if image.collaborators.get(account_id) == permissions:
        return []
    if account_id not in image.collaborators and len(image.collaborators) >= MOST_COLLABORATORS:
        raise TooManyCollaborators(limit=MOST_COLLABORATORS)
    return [CollaboratorAdded(account_id=account_id, permissions=permissions)]


def remove_collaborator(
    image: Image | None, *, by: AccountId, account_id: AccountId, now: datetime
) -> list[ImageEvent]:
    """Whom it is lent to may give it back."""
    leaving = image is not None and by == account_id and account_id in image.collaborators
    if image is None or not (leaving and image.live):
        image = managed(image, by=by, now=now)
    if account_id not in image.collaborators:
        return []
    return [CollaboratorRemoved(account_id=account_id)]
