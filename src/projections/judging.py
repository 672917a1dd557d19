"""Shows pages of the log to somebody, as the read models judge it once they know of all of it."""

from collections.abc import Sequence
from typing import Any

from commands.ports import Clock
from domain.ids import AccountId
from domain.stream import Recorded
from projections.albums import Albums
from projections.feed import Told, Wanted, albums_of, for_viewer, images_of, owners_of
from projections.gallery import Gallery
from projections.organizations import Organizations
from projections.positions import Positions

JUDGING = frozenset({"gallery", "albums", "organizations"})


class Judge:
    def __init__(
        self,
        gallery: Gallery,
        albums: Albums,
        organizations: Organizations,
        positions: Positions,
        now: Clock,
    ) -> None:
        self._gallery = gallery
        self._albums = albums
        self._organizations = organizations
        self._positions = positions
        self._now = now

    async def told(
        self, caller: AccountId | None, page: Sequence[Recorded[Any]], wanted: Wanted
    ) -> Sequence[Told] | None:
        """What they may see of it, by what holds now. None if the read models are behind."""
        last = page[-1].position
        assert last is not None
        if not await self._positions.reached(last, JUDGING):
            return None
        cards = await self._gallery.cards(images_of(page))
        albums = await self._albums.cards(albums_of(page, cards))
        owners = await self._organizations.cards(owners_of(page, cards, albums))
        return for_viewer(caller, page, cards, albums, owners, wanted, now=self._now())
