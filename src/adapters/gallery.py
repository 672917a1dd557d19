"""The Gallery port over the read models in Postgres."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from adapters.conditions import (
    ARE_FEW,
    FEW_MATCHES,
    IS_ONE,
    MATCHES,
    SOON,
    along,
    conditions,
    few,
    filters,
    matching,
)
from adapters.database import Database
from adapters.drawers import all_of
from adapters.exhibits import COLUMNS, PRINTS, WIDTH, Exhibits
from adapters.heads import Heads
from adapters.orders import ORDERS, Cursor, Order
from adapters.popular import counted, ranked
from adapters.reach import ALIVE, lent
from adapters.tsquery import terms
from commands.ports import EventStore
from domain.ids import NOBODY, AccountId, ImageId, ShareId
from projections.gallery import Card, Exhibit, Page, Query, Sort, Tally

RECENT = 5_000
"""Images that a process remembers, as long as nothing happens to them."""
ARRANGED = "left join unnest(%(arranged)s::uuid[]) with ordinality r(id, n) on r.id = i.id"
FROM_IMAGES = "from gallery.images i"
FROM = f"{FROM_IMAGES} {PRINTS}"


class PostgresGallery:
    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._exhibits = Exhibits(store)
        self._heads = Heads(database)
        self._recent: OrderedDict[ImageId, Exhibit] = OrderedDict()

    async def find(self, image_id: ImageId) -> Exhibit | None:
        query = f"select {COLUMNS} {FROM} where i.id = %s"
        rows = await self._database.rows(query, (image_id,))
        found = await (self._exhibits.of(rows[0]) if rows else self._exhibits.told(image_id))
        if found:
            self._recent[image_id] = found
            self._recent.move_to_end(image_id)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return found

    def forget(self, ids: Collection[UUID]) -> None:
        """What is recalled of them."""
        for id in ids:
            self._recent.pop(ImageId(id), None)

    async def close(self) -> None:
        await self._heads.close()

    async def recalled(self, image_id: ImageId) -> Exhibit | None:
        if image_id not in self._recent:
            return None
        head = await self._heads.of(image_id)
        known = self._recent.get(image_id)
        if known and known.card.version == head:
            return known
        self._recent.pop(image_id, None)
        return None

    async def cards(self, ids: Collection[ImageId]) -> Mapping[UUID, Card]:
        query = f"select {COLUMNS} {FROM} where i.id = any(%s)"
        rows = await self._database.rows(query, (list(ids),)) if ids else []
        found = [await self._exhibits.listed(row) for row in rows]
        return {exhibit.card.id: exhibit.card for exhibit in found if exhibit}

    async def list(self, query: Query) -> Page:
        if query.text and not terms(query.text).parts:
            return Page(exhibits=[], total=0, next_cursor=None)
        where, parameters = conditions(query)
        if query.text and not query.worded and await self._rare(parameters):
            where = where.replace(MATCHES, FEW_MATCHES)
        total = None
        if query.cursor:
            cursor = Cursor.of(query.cursor, query.sort)
            total = cursor.total
            parameters |= {"key": cursor.key, "id": cursor.id}
        if total is None:
            total = await self._total(query, where, parameters)
        offset = 0 if query.cursor else (query.page - 1) * query.limit
        parameters |= {"limit": query.limit + 1, "offset": offset}
        parameters["most"] = offset + query.limit + 1
        rows = await self._rows(query, where, parameters, total) if total else []
        shown = rows[: query.limit]
        exhibits = [await self._exhibits.listed(row) for row in shown]
        following = None
        if len(rows) > query.limit:
            key, id = shown[-1][WIDTH:]
            following = Cursor(query.sort, key, id, total).text
        return Page(
            exhibits=[exhibit for exhibit in exhibits if exhibit],
            total=total,
            next_cursor=following,
        )

    async def _rows(
        self, query: Query, where: str, parameters: dict[str, Any], total: int
    ) -> Sequence[Any]:
        """One more than asked for, where there are as many."""
        order = ORDERS[query.sort]
        ending = f" order by {order.sql} limit %(limit)s offset %(offset)s"
        ways = [_along(query, order, where.replace(MATCHES, "true"))] if along(query, total) else []
        if query.worded:
            where = where.replace(MATCHES, matching(query, total))
        for way in [*ways, _chosen(query, order, where, rare=few(query, total))]:
            asked = f"select {COLUMNS}, {order.column}, i.id {way}{ending}"
            rows = await self._database.rows(asked, parameters, plan_once=False)
            if len(rows) > query.limit:
                break
        return rows

    async def _rare(self, parameters: dict[str, Any]) -> bool:
        return bool((await self._database.rows(ARE_FEW, parameters, plan_once=False))[0][0])

    async def usage(self, account_id: AccountId) -> Tally:
        rows = await self._database.records(
            "select images, storage_bytes, reserved_bytes, uploads, listed from gallery.usage"
            " where account_id = %s",
            (account_id,),
        )
        return msgspec.convert(rows[0], Tally) if rows else Tally()

    async def lent_by(self, share_id: ShareId) -> ImageId | None:
        return cast("ImageId | None", await lender(self._database, "gallery.images", share_id))

    async def twin(self, card: Card) -> ImageId | None:
        older = " and (i.created_at, i.id) < (%(created)s, %(id)s)"
        twin = {"owner": card.owner_id, "checksum": card.checksum, "id": card.id}
        return await self._oldest(older, twin | {"created": card.created_at})

    async def oldest(self, owner_id: AccountId, checksum: str, besides: ImageId) -> ImageId | None:
        """The Twins port."""
        twin = {"owner": owner_id, "checksum": checksum, "id": besides}
        return await self._oldest(" and i.id <> %(id)s", twin)

    async def _oldest(self, among: str, twin: dict[str, Any]) -> ImageId | None:
        rows = await self._database.rows(
            "select i.id from gallery.images i where i.owner_id = %(owner)s"
            f" and i.checksum = %(checksum)s and {ALIVE} and not i.quarantined{among}"
            " order by i.created_at, i.id limit 1",
            twin,
        )
        return ImageId(rows[0][0]) if rows else None

    async def _total(self, query: Query, where: str, parameters: dict[str, Any]) -> int:
        """What everybody may list, and what is the viewer's own, is counted beforehand; what comes
        on top is little."""
        known = "0"
        if query.worded:
            known, where = f"(select count(*) from ({all_of(query)}) w)", "false"
        if query.counted:
            me, mine = query.viewer.account_id, query.owner or query.viewer.account_id
            counts = _TAGGED if query.tags else _COUNTED
            known = f"({counts.format('listed', 'whose')}) + ({counts.format('withheld', 'mine')})"
            where = " and ".join([lent(query), *filters(query)])
            parameters = parameters | {"tag": next(iter(query.tags), None)}
            parameters |= {"whose": query.owner or NOBODY, "mine": me if me == mine else None}
        asked = f"select {known} + (select count(*) from gallery.images i where {where})"
        return int((await self._database.rows(asked, parameters, plan_once=False))[0][0])


def _chosen(query: Query, order: Order, where: str, *, rare: bool) -> str:
    """From where the rows come: those that are asked for, beyond the cursor where there is one."""
    beyond = query.cursor is not None
    if query.sort is Sort.MOST_VIEWED and rare:
        behind = f" where {order.beyond}" if beyond else ""
        found = counted(where, query.period)
        return f"from {found} join gallery.images i on i.id = r.id {PRINTS}{behind}"
    if query.sort is Sort.MOST_VIEWED:
        found = ranked(where, query.period, of_owner=query.owner is not None, beyond=beyond)
        return f"from {found} join gallery.images i on i.id = r.id {PRINTS}"
    ranks = ARRANGED if query.sort is Sort.ARRANGED else ""
    return f"{FROM} {ranks} where {where}{f' and {order.beyond}' if beyond else ''}"


def _along(query: Query, order: Order, where: str) -> str:
    """What matches of those that come first in the order."""
    beyond = f" and {order.beyond}" if query.cursor else ""
    first = f"{FROM_IMAGES} where {where}{beyond} order by {order.sql} limit {SOON}"
    return f"from (select i.* {first}) i {PRINTS} where {IS_ONE}"


async def lender(database: Database, table: str, share_id: ShareId) -> UUID | None:
    """The row that has a share; by its index, which knows values and not keys alone."""
    query = f"select id from {table} where shares <> '{{}}' and (shares @> %s or shares @> %s)"
    states = [Jsonb({str(share_id): {"revoked": revoked}}) for revoked in (False, True)]
    rows = await database.rows(query, states)
    return rows[0][0] if rows else None


_COUNTED = """
    select coalesce(sum({0}), 0)::bigint from gallery.usage where account_id = %({1})s::uuid"""
_TAGGED = """
    select coalesce(sum({0}), 0)::bigint from gallery.tags
    where owner_id = %({1})s::uuid and tag = %(tag)s"""
