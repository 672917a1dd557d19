"""Images amid the albums they are in, and whoever owns them: as the policy asks for them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace

from api.parts import Parts
from domain import access
from domain.access import Action, Subject, Viewer
from domain.ids import AccountId
from domain.image import Image
from projections.albums import Binder
from projections.gallery import Card, Exhibit
from projections.organizations import OrganizationCard


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What other read models say of images."""

    albums: Mapping[UUID, Binder] = {}
    owners: Mapping[UUID, OrganizationCard] = {}

    def subject(self, card: Card) -> Subject:
        albums = [self.albums[it].circle for it in card.albums if it in self.albums]
        owner = self.owners.get(card.owner_id)
        stewards = owner.state.stewards if owner else {}
        return replace(card.subject, albums=albums, stewards=stewards)


async def known(parts: Parts, cards: Sequence[Card]) -> Known:
    return Known(
        albums=await parts.albums.cards({id for it in cards for id in it.albums}),
        owners=await parts.organizations.cards({it.owner_id for it in cards if it.entrusted}),
    )


async def subject(parts: Parts, card: Card, viewer: Viewer, action: Action) -> Subject:
    """Of one image. What lies around it is looked up where it may matter."""
    alone = card.subject
    nobody_else = not (card.albums or card.entrusted)
    if nobody_else or access.decide(viewer, action, alone, now=parts.clock()) is None:
        return alone
    return (await known(parts, [card])).subject(card)


async def listable(parts: Parts, viewer: Viewer, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """The policy's word on every row, whatever the query found."""
    around, now = await known(parts, [it.card for it in exhibits]), parts.clock()

    def allowed(card: Card) -> bool:
        action = Action.MANAGE if card.deleted_at else Action.LIST
        return access.decide(viewer, action, around.subject(card), now=now) is None

    return [_seen(parts, viewer, it, around) for it in exhibits if allowed(it.card)]


async def with_albums(parts: Parts, viewer: Viewer, exhibit: Exhibit) -> Exhibit:
    """The same, with those of its albums that the viewer may know of."""
    return _seen(parts, viewer, exhibit, await known(parts, [exhibit.card]))


async def owners(parts: Parts, image: Image) -> set[AccountId]:
    """Who may do everything with it, whatever became of it."""
    if not image.entrusted:
        return {image.owner_id}
    found = (await parts.organizations.cards([image.owner_id])).get(image.owner_id)
    return set(found.state.stewards) if found else set()


def _seen(parts: Parts, viewer: Viewer, exhibit: Exhibit, around: Known) -> Exhibit:
    def seen(album: Binder) -> bool:
        now = parts.clock()
        return access.decide_on_album(viewer, Action.VIEW, album.circle, now=now) is None

    albums = around.albums
    return replace(
        exhibit, album_ids=[id for id in exhibit.card.albums if id in albums and seen(albums[id])]
    )
