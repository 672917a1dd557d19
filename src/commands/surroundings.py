"""What other streams say of an image or an album, as they are now: who is in the circle."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from commands.execute import Stream, execute
from commands.ports import EventStore, Guard, Receipt
from domain import album, image, organization, placing
from domain.access import Role
from domain.album import Album, AlbumEvent
from domain.ids import AccountId, AlbumId, ImageId, TeamId
from domain.image import Image
from domain.image_events import ImageEvent
from domain.placing import Place, Surroundings
from domain.stream import fold

NOBODY_ELSE = Surroundings()


async def roles(
    store: EventStore, organization_id: UUID, team_id: TeamId | None = None
) -> Mapping[AccountId, Role]:
    """Of a team, or of those who govern all of them."""
    state = fold(organization.evolve, await store.load(organization_id))
    return state.roles(team_id) if state else {}


async def place(store: EventStore, album_id: AlbumId | None) -> Place | None:
    """The album as it is, which may be not at all."""
    if album_id is None:
        return None
    state = await with_roles(store, album_id)
    owner_id = state.owner_id if state and state.team_id else None
    return Place(album_id=album_id, album=state.circle if state else None, owner_id=owner_id)


async def around(store: EventStore, image_id: ImageId, by: AccountId) -> Surroundings:
    """Of an image that `by` does not own: an owner needs nobody to lend anything."""
    state = fold(image.evolve, await store.load(image_id))
    if state is None or state.owner_id == by:
        return NOBODY_ELSE
    albums = [await with_roles(store, album_id) for album_id in state.album_ids]
    return Surroundings(
        albums=tuple(circle for it in albums if it and (circle := it.circle)),
        stewards=await roles(store, state.owner_id) if state.entrusted else {},
    )


async def execute_amid(
    store: EventStore,
    image_id: ImageId,
    decide: Callable[[Image | None], Sequence[ImageEvent]],
    *,
    by: AccountId,
    expected: frozenset[int] | None = None,
    guards: Callable[[Any, Any], Sequence[Guard]] = lambda before, after: (),
) -> Receipt:
    """As `execute`, with what albums and organizations lend."""
    known = await around(store, image_id, by)
    return await execute(
        store,
        Stream(image_id, image.evolve),
        lambda state: decide(placing.amid(state, known)),
        by=by,
        expected=expected,
        guards=guards,
    )


async def execute_on_album(
    store: EventStore,
    album_id: AlbumId,
    decide: Callable[[Album | None], Sequence[AlbumEvent]],
    *,
    by: AccountId,
    expected: frozenset[int] | None = None,
) -> Receipt:
    """As `execute`, with the roles of the album's team."""
    known = await with_roles(store, album_id)
    team = known.roles if known else {}
    return await execute(
        store,
        Stream(album_id, album.evolve),
        lambda state: decide(replace(state, roles=team) if state else None),
        by=by,
        expected=expected,
    )


async def with_roles(store: EventStore, album_id: AlbumId) -> Album | None:
    """An album, with the roles of its team."""
    state = fold(album.evolve, await store.load(album_id))
    if state is None or state.team_id is None:
        return state
    return replace(state, roles=await roles(store, state.owner_id, state.team_id))
