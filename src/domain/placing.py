"""Images put into albums and taken out of them."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from domain import access
from domain.access import Action, Circle, Role, Viewer
from domain.ids import AccountId, AlbumId
from domain.image import Image, kept, managed
from domain.image_events import AddedToAlbum, ImageEvent, RemovedFromAlbum
from domain.refusals import TooManyAlbums

MOST_ALBUMS = 50


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An album that an upload goes to, as it is."""

    album_id: AlbumId
    album: Circle | None
    owner_id: AccountId | None = None
    """The organization that it belongs to, which owns what comes to it."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What other streams say of who may do what with an image."""

    albums: tuple[Circle, ...] = ()
    stewards: Mapping[AccountId, Role] = {}


def put(
    image: Image | None, *, by: AccountId, album_id: AlbumId, album: Circle | None, now: datetime
) -> list[ImageEvent]:
    """By who may add to the album, and manages the image: it is lent to the album's circle."""
    access.require_on_album(Viewer(account_id=by), Action.ADD, album, now=now)
    image = managed(image, by=by, now=now)
    if album_id in image.album_ids:
        return []
    if len(image.album_ids) >= MOST_ALBUMS:
        raise TooManyAlbums(limit=MOST_ALBUMS)
    return [AddedToAlbum(album_id=album_id)]


def arrive(place: Place | None, *, by: AccountId, now: datetime) -> list[ImageEvent]:
    """What puts an image into an album as it comes to be. Raises what bars the album."""
    if place is None:
        return []
    access.require_on_album(Viewer(account_id=by), Action.ADD, place.album, now=now)
    return [AddedToAlbum(album_id=place.album_id)]


def take_out(
    image: Image | None, *, by: AccountId, album_id: AlbumId, album: Circle | None, now: datetime
) -> list[ImageEvent]:
    """By who edits the album, or manages the image, whatever became of the album."""
    viewer = Viewer(account_id=by)
    image = kept(image)
    inside = album_id in image.album_ids
    editing = access.decide_on_album(viewer, Action.EDIT, album, now=now) is None
    if not (inside and editing):
        access.require(viewer, Action.MANAGE, image.subject, now=now)
    return [RemovedFromAlbum(album_id=album_id)] if inside else []


def amid(image: Image | None, around: Surroundings) -> Image | None:
    return replace(image, albums=around.albums, stewards=around.stewards) if image else None
