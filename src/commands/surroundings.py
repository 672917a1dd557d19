"""What other streams say of an image: the albums it is in, as they are now."""

from collections.abc import Callable, Sequence
from typing import Any

from commands.execute import Stream, execute
from commands.ports import EventStore, Guard, Receipt
from domain import album, image, placing
from domain.access import Circle
from domain.ids import AccountId, AlbumId, ImageId
from domain.image import Image
from domain.image_events import ImageEvent
from domain.stream import fold


async def circle(store: EventStore, album_id: AlbumId) -> Circle | None:
    """None if there is no such album, or no more."""
    state = fold(album.evolve, await store.load(album_id))
    return state.circle if state else None


async def albums_of(store: EventStore, image_id: ImageId, by: AccountId) -> tuple[Circle, ...]:
    """Of an image that `by` does not own: an owner needs nobody to lend anything."""
    state = fold(image.evolve, await store.load(image_id))
    if state is None or state.owner_id == by:
        return ()
    found = [await circle(store, album_id) for album_id in state.album_ids]
    return tuple(it for it in found if it)


async def execute_amid(
    store: EventStore,
    image_id: ImageId,
    decide: Callable[[Image | None], Sequence[ImageEvent]],
    *,
    by: AccountId,
    expected: int | None = None,
    guards: Callable[[Any, Any], Sequence[Guard]] = lambda before, after: (),
) -> Receipt:
    """As `execute`, with the image's albums lending what they lend."""
    albums = await albums_of(store, image_id, by)
    return await execute(
        store,
        Stream(image_id, image.evolve),
        lambda state: decide(placing.amid(state, albums)),
        by=by,
        expected=expected,
        guards=guards,
    )
