"""Lending an image to people by name."""

from datetime import datetime

from domain import access
from domain.access import Action, Permission, Viewer
from domain.ids import AccountId
from domain.image import Image
from domain.image_events import CollaboratorAdded, CollaboratorRemoved, ImageEvent
from domain.refusals import Conflict, NotFound, TooManyCollaborators

MOST_COLLABORATORS = 100


def add_collaborator(
    image: Image | None,
    *,
    by: AccountId,
    account_id: AccountId,
    permissions: frozenset[Permission],
    now: datetime,
) -> list[ImageEvent]:
    image = _kept(image, by, now)
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
        image = _kept(image, by, now)
    if account_id not in image.collaborators:
        return []
    return [CollaboratorRemoved(account_id=account_id)]


def _kept(image: Image | None, by: AccountId, now: datetime) -> Image:
    """The image, for who may manage it, unless it is in the trash."""
    if image is None or image.purged:
        raise NotFound
    access.require(Viewer(account_id=by), Action.MANAGE, image.subject, now=now)
    if image.purge_after is not None:
        raise NotFound
    return image
