"""Images and the albums they are in: what an album lends, and which ones a viewer may know of."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from api.parts import Parts
from domain import access
from domain.access import Action, Subject, Viewer
from projections.albums import AlbumCard
from projections.gallery import Card, Exhibit

Known = Mapping[UUID, AlbumCard]


async def subject(parts: Parts, card: Card, viewer: Viewer, action: Action) -> Subject:
    """What the policy asks of an image; its albums are looked up where they may matter."""
    alone = card.subject
    if not card.albums or access.decide(viewer, action, alone, now=parts.clock()) is None:
        return alone
    return amid(card, await parts.albums.cards(card.albums))


def amid(card: Card, albums: Known) -> Subject:
    return replace(card.subject, albums=[albums[it].circle for it in card.albums if it in albums])


async def listable(parts: Parts, viewer: Viewer, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """The policy's word on every row, whatever the query found."""
    albums = await albums_of(parts, exhibits)

    def allowed(card: Card) -> bool:
        action = Action.MANAGE if card.deleted_at else Action.LIST
        return access.decide(viewer, action, amid(card, albums), now=parts.clock()) is None

    return [_known(parts, viewer, it, albums) for it in exhibits if allowed(it.card)]


async def with_albums(parts: Parts, viewer: Viewer, exhibit: Exhibit) -> Exhibit:
    """The same, with those of its albums that the viewer may know of."""
    return _known(parts, viewer, exhibit, await albums_of(parts, [exhibit]))


async def albums_of(parts: Parts, exhibits: Sequence[Exhibit]) -> Known:
    return await parts.albums.cards({id for it in exhibits for id in it.card.albums})


def _known(parts: Parts, viewer: Viewer, exhibit: Exhibit, albums: Known) -> Exhibit:
    def seen(album: AlbumCard) -> bool:
        now = parts.clock()
        return access.decide_on_album(viewer, Action.VIEW, album.circle, now=now) is None

    ids = [id for id in exhibit.card.albums if id in albums and seen(albums[id])]
    return replace(exhibit, album_ids=ids)
