"""Images put into albums and taken out of them."""

from datetime import datetime

from msgspec.structs import replace

from domain import access
from domain.access import Action, Circle, Viewer
from domain.ids import AccountId, AlbumId
from domain.image import Image
from domain.image_events import AddedToAlbum, ImageEvent, RemovedFromAlbum
from domain.refusals import NotFound, TooManyAlbums

MOST_ALBUMS = 50


def put(
    image: Image | None, *, by: AccountId, album_id: AlbumId, album: Circle | None, now: datetime
) -> list[ImageEvent]:
    """By who may add to the album, and manages the image: it is lent to the album's circle."""
    viewer = Viewer(account_id=by)
    access.require_on_album(viewer, Action.ADD, album, now=now)
    image = _kept(image)
    access.require(viewer, Action.MANAGE, image.subject, now=now)
    if album_id in image.album_ids:
        return []
    if len(image.album_ids) >= MOST_ALBUMS:
        raise TooManyAlbums(limit=MOST_ALBUMS)
    return [AddedToAlbum(album_id=album_id)]


def arrive(
    *, by: AccountId, album_id: AlbumId | None, album: Circle | None, now: datetime
) -> list[ImageEvent]:
    """What puts an image of one's own into an album as it comes to be."""
    if album_id is None:
        return []
    access.require_on_album(Viewer(account_id=by), Action.ADD, album, now=now)
    return [AddedToAlbum(album_id=album_id)]


def take_out(
    image: Image | None, *, by: AccountId, album_id: AlbumId, album: Circle | None, now: datetime
) -> list[ImageEvent]:
    """By who edits the album, or manages the image, whatever became of the album."""
    viewer = Viewer(account_id=by)
    image = _kept(image)
    inside = album_id in image.album_ids
    editing = access.decide_on_album(viewer, Action.EDIT, album, now=now) is None
    if not (inside and editing):
        access.require(viewer, Action.MANAGE, image.subject, now=now)
    return [RemovedFromAlbum(album_id=album_id)] if inside else []


def amid(image: Image | None, albums: tuple[Circle, ...]) -> Image | None:
    """The image with what is known of its albums."""
    return replace(image, albums=albums) if image else None


def _kept(image: Image | None) -> Image:
    if image is None or image.purged or image.purge_after is not None:
        raise NotFound
    return image
