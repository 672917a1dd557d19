"""The Catalogue port: what the log and the read model say that the object store should hold."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec

from adapters.database import Database
from domain.ids import ImageId
from domain.image_events import ImageFinalized
from domain.stream import tag
from projections.development import Variant
from projections.inspection import Printed

PAGE = 1_000


class PostgresCatalogue:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def finalized(self) -> AsyncIterator[ImageId]:
        position = 0
        while rows := await self._database.rows(_FINALIZED, (position, tag(ImageFinalized), PAGE)):
            for position, id in rows:  # noqa: B007 - where the next page begins
                yield ImageId(id)

    async def printed(self, recipe: str) -> AsyncIterator[Printed]:
        last = UUID(int=0)
        while rows := await self._database.rows(_PRINTED, (recipe, last, PAGE)):
            for last, scrubbed, variants, kept in rows:
                yield Printed(
                    image_id=ImageId(last),
                    scrubbed=scrubbed,
                    variants=msgspec.convert(variants, list[Variant]),
                    kept=kept,
                )

    async def develop_again(self, ids: Sequence[ImageId]) -> None:
        await self._database.write(_AGAIN, (list(ids),))


_FINALIZED = """
    select notification_id, originator_id from log.darkroom_events
    where notification_id > %s and topic = %s order by notification_id limit %s"""
_PRINTED = """
    select p.id, p.scrubbed, p.variants, coalesce(w.prints, '{}')
    from development.prints p left join derivatives.weights w on w.image_id = p.id
    where p.recipe = %s and p.id > %s order by p.id limit %s"""
_AGAIN = """
    update development.exposures set developed = false, attempts = 0, not_before = '-infinity'
    where id = any(%s)"""
