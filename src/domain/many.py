"""What one act upon many does to each image, and what takes it back."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from domain import image, placing, purging
from domain.access import Circle, Visibility
from domain.ids import AccountId, AlbumId
from domain.image import Image
from domain.image_events import Details, ImageEvent, RemovedFromAlbum
from domain.operation import Action
from domain.refusals import CannotBeUndone, TooManyTags

MOST_TAGS = 50


def retag(
    state: Image | None,
    *,
    by: AccountId,
    now: datetime,
    add: Sequence[str] = (),
    remove: Collection[str] = (),
) -> list[ImageEvent]:
    old = state.details.tags or () if state else ()
    tags = tuple(dict.fromkeys(tag for tag in (*old, *add) if tag not in remove))
    events = image.change_details(state, by=by, details=Details(tags=tags), now=now)
    if events and len(tags) > MOST_TAGS:
        raise TooManyTags(limit=MOST_TAGS, requested=len(tags))
    return events


def act(
    state: Image | None,
    *,
    action: Action,
    by: AccountId,
    now: datetime,
    retention: timedelta,
    request: UUID,
    tags: Sequence[str] = (),
    visibility: Visibility | None = None,
    album_id: AlbumId | None = None,
    album: Circle | None = None,
) -> list[ImageEvent]:
    """One act of an operation upon many."""
    match action:
        case Action.DELETE:
            return image.soft_delete(state, by=by, now=now, retention=retention)
        case Action.RESTORE:
            return image.restore(state, by=by, now=now)
        case Action.PURGE:
            return purging.purge(state, by=by, request=request, now=now)
        case Action.TAG:
            return retag(state, by=by, now=now, add=tags)
        case Action.UNTAG:
            return retag(state, by=by, now=now, remove=tags)
        case Action.VISIBILITY:
            assert visibility is not None
            return image.change_visibility(state, by=by, to=visibility, now=now)
        case Action.ALBUM:
            assert album_id is not None
            return placing.put(state, by=by, album_id=album_id, album=album, now=now)
        case _:
            assert_never(action)


def touched(state: Image | None, action: Action) -> object:
    """What of an image such an act changes."""
    assert state is not None
    match action:
        case Action.DELETE | Action.RESTORE | Action.PURGE:
            return state.purge_after
        case Action.TAG | Action.UNTAG:
            return state.details.tags
        case Action.VISIBILITY:
            return state.visibility
        case Action.ALBUM:
            return state.album_ids
        case _:
            assert_never(action)


def compensate(
    state: Image,
    before: Image,
    action: Action,
    *,
    by: AccountId,
    now: datetime,
    retention: timedelta,
) -> list[ImageEvent]:
    """Make it what it was before such an act; a purge has nothing that could."""
    match action:
        case Action.DELETE:
            return image.restore(state, by=by, now=now)
        case Action.RESTORE:
            return image.soft_delete(state, by=by, now=now, retention=retention)
        case Action.TAG | Action.UNTAG:
            return image.change_details(
                state, by=by, details=Details(tags=before.details.tags), now=now
            )
        case Action.VISIBILITY:
            return image.change_visibility(state, by=by, to=before.visibility, now=now)
        case Action.ALBUM:
            new = state.album_ids - before.album_ids
            return [RemovedFromAlbum(album_id=it) for it in new]
        case Action.PURGE:
            raise CannotBeUndone
        case _:
            assert_never(action)
