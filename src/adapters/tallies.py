"""The Tallies port: what was counted, as it is written down by now."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from adapters.database import Database
from commands.counts import Counts, Day, Looks, Stats
from commands.erasure import Erasure, Kind
from domain.ids import AccountId, ImageId, ShareId

_NAMES = ", ".join(Counts.__struct_fields__)
_SUMS = ", ".join(f"coalesce(sum({it}), 0)::bigint as {it}" for it in Counts.__struct_fields__)


class PostgresTallies:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def stats(self, image_id: ImageId) -> Stats:
        query = f"select day, {_NAMES} from counting.days where image_id = %s order by day"  # noqa: S608 - our own words
        days = [Day(**row) for row in await self._database.records(query, (image_id,))]
        sums = {name: sum(getattr(day, name) for day in days) for name in Counts.__struct_fields__}
        return Stats(**sums, by_day=days)

    async def of_links(self, of: UUID) -> Mapping[ShareId, Looks]:
        rows = await self._database.rows(_LINKS, (of,))
        return {ShareId(id): Looks(views=views, last_viewed_at=at) for id, views, at in rows}

    async def of_owner(self, owner_id: AccountId, since: datetime) -> Counts:
        query = f"select {_SUMS} from counting.hours where owner_id = %s and hour >= %s"  # noqa: S608 - our own words
        return Counts(**(await self._database.records(query, (owner_id, since)))[0])


class Counted:
    """A place that holds something of an image or an album: how often it was seen; of an account,
    the same."""

    name = "counts"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        query = _CLEAR_IMAGE if erasure.kind is Kind.IMAGE else _CLEAR_OTHER
        return await self._database.write(query, {"id": erasure.subject})


_LINKS = "select share_id, views, last_viewed_at from counting.links where subject_id = %s"
_CLEAR_OTHER = """
    with links as (delete from counting.links where subject_id = %(id)s),
        months as (delete from counting.months where owner_id = %(id)s)
    delete from counting.hours where owner_id = %(id)s"""
_CLEAR_IMAGE = """
    with days as (delete from counting.days where image_id = %(id)s),
        recent as (delete from counting.recent where image_id = %(id)s),
        links as (delete from counting.links where subject_id = %(id)s)
    delete from counting.images where image_id = %(id)s"""
