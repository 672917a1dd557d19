"""What clients may send about albums."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from api.bodies import MAX_BATCH, Body, Describing, LinkPassword, Seconds, Text, Title
from api.reading import details
from domain.access import Permission, Visibility
from domain.album import AlbumText

MOST_ARRANGED = 1_000


class NewAlbum(Body, kw_only=True):
    title: Annotated[Title, Meta(min_length=1)]
    description: Text | None = None
    visibility: Visibility = Visibility.PRIVATE
    parent_id: str | None = None
    team_id: str | None = None
    """Whose it is to be; else it is one's own."""


class AlbumChanges(Body, kw_only=True):
    title: Annotated[Title, Meta(min_length=1)] | None = None
    description: Text | None = None
    visibility: Visibility | None = None
    cover_id: str | UnsetType | None = UNSET
    """Null chooses none: then the newest image is it."""


class Images(Body, kw_only=True):
    image_ids: Annotated[list[str], Meta(min_length=1, max_length=MAX_BATCH)]


class Arrangement(Body, kw_only=True):
    image_ids: Annotated[list[str], Meta(max_length=MOST_ARRANGED)]


class NewAlbumShare(Body, kw_only=True):
    expires_in: Seconds = 7 * 86_400
    permissions: Annotated[tuple[Permission, ...], Meta(min_length=1)] = (Permission.VIEW,)
    password: LinkPassword | None = None


def text(title: str | None, description: str | None) -> AlbumText:
    """As the domain keeps it. Raises Validation."""
    clean = details(Describing(title=title, description=description))
    return AlbumText(title=clean.title, description=clean.description)
