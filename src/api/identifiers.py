"""Ids as clients write them. What was never one names nothing: each raises NotFound."""

from uuid import UUID

from domain.ids import (
    AccountId,
    AlbumId,
    ImageId,
    OrganizationId,
    ShareId,
    TeamId,
    from_text,
)
from domain.refusals import NotFound


def id_of(prefix: str, text: str) -> UUID:
    found = from_text(prefix, text)
    if found is None:
        raise NotFound
    return found


def image_id(text: str) -> ImageId:
    return ImageId(id_of("img", text))


def upload_id(text: str) -> ImageId:
    """An upload is the first part of an image's life: the same UUID."""
    return ImageId(id_of("upl", text))


def album_id(text: str) -> AlbumId:
    return AlbumId(id_of("alb", text))


def share_id(text: str) -> ShareId:
    return ShareId(id_of("shr", text))


def account_id(text: str) -> AccountId:
    return AccountId(id_of("u", text))


def organization_id(text: str) -> OrganizationId:
    return OrganizationId(id_of("org", text))


def team_id(text: str) -> TeamId:
    return TeamId(id_of("team", text))


def invitation_id(text: str) -> UUID:
    return id_of("inv", text)
