"""Rows of the gallery, each brought up to what the log says by now.

Whoever may see an image is decided by these, so what was answered as hidden must be hidden here,
however far behind the read model is, and whether or not an event was put aside. The version at
the head of the stream comes with each row, by one look into the log's primary key: 4 µs a row.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from commands.ports import EventStore
from domain.refusals import Refusal, Unavailable
from projections.gallery import Card, Exhibit, Print, project
from projections.history import document

COLUMNS = """row_to_json(i)::text, case when p.id is null then null else json_build_object(
    'placeholder', p.placeholder, 'recipe', p.recipe, 'scrubbed', p.scrubbed,
    'alpha', p.alpha, 'refined', p.refined, 'faithful', p.faithful)::text end,
    (select max(e.originator_version) from log.darkroom_events e where e.originator_id = i.id),
    coalesce((select c.views from counting.images c where c.image_id = i.id), 0)"""
WIDTH = 4
"""So many come first in a row, in this order."""
PRINTS = "left join development.prints p on p.id = i.id"

UNCLEAR = {"dependency": "gallery"}
"""The figures of a refusal: the log holds something of the image that this version cannot read."""

_CARD = msgspec.json.Decoder(Card)
_PRINT = msgspec.json.Decoder(Print)
_log = structlog.get_logger()


class Exhibits:
    """What rows show, as of now."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def of(self, row: Sequence[Any]) -> Exhibit | None:
        """None for what was purged. Raises Unavailable for what the log does not make clear."""
        text, developed, head, views = row[:WIDTH]
        card = _CARD.decode(text)
        print = _PRINT.decode(developed) if developed else None
        if head == card.version:
            return Exhibit(card=card, print=print, views=views)
        return await self.told(card.id, print, views)

    async def listed(self, row: Sequence[Any]) -> Exhibit | None:
        """The same; but a list goes on without what is not clear."""
        try:
            return await self.of(row)
        except Unavailable as refusal:
            if refusal.facts != UNCLEAR:
                raise
            return None

    async def told(
        self, image_id: UUID, print: Print | None = None, views: int = 0
    ) -> Exhibit | None:
        """As the log alone tells it. Raises Unavailable for what it does not make clear."""
        try:
            card: Card | None = document(project, await self._store.load(image_id))
        except Refusal:
            raise
        except Exception as error:  # an event that nobody here understands: it may hide the image
            _log.exception("image is not clear", image_id=str(image_id))
            raise Unavailable(**UNCLEAR) from error
        return Exhibit(card=card, print=print, views=views) if card else None
