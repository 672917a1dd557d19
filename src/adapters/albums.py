"""The Albums port: rows of the read model, each brought up to what the log says by now.

Whoever may see an image is decided by these, too: what was taken back must be hidden here, however
far behind the read model is.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec

from adapters.database import Database
from adapters.gallery import lender
from adapters.orders import ORDERS, Cursor
from adapters.organizations import PostgresOrganizations
from adapters.reach import albums_in_reach, in_reach
from commands.ports import EventStore
from domain.access import Role, Viewer
from domain.ids import AccountId, AlbumId, ImageId, ShareId
from projections.albums import AlbumCard, AlbumPage, AlbumQuery, Binder, Contents, project
from projections.gallery import Query

_COLUMNS = """row_to_json(i)::text,
    (select max(e.originator_version) from log.darkroom_events e where e.originator_id = i.id)"""
_CONTENTS = """
    select a.id, count(*), (array_agg(i.id order by i.created_at desc, i.id desc))[1],
        (array_agg(i.id) filter (where i.id = a.cover_id))[1]
    from albums.albums a join gallery.images i on i.albums <> '{{}}' and i.albums ? a.id::text
    where a.id = any(%(ids)s) and {reach} group by a.id"""
_CARD = msgspec.json.Decoder(AlbumCard)


class PostgresAlbums:
    def __init__(self, database: Database, store: EventStore) -> None:
        self._database = database
        self._store = store
        self._organizations = PostgresOrganizations(database, store)

    async def find(self, album_id: AlbumId) -> Binder | None:
        found = (await self.cards([album_id])).get(album_id)
        if found is None and (card := await self._told(album_id)):
            (found,) = await self._bound([card])
        return found

    async def cards(self, ids: Collection[AlbumId]) -> Mapping[UUID, Binder]:
        query = f"select {_COLUMNS} from albums.albums i where i.id = any(%s)"
        rows = await self._database.rows(query, (list(ids),)) if ids else []
        found = [card for row in rows if (card := await self._current(row))]
        return {binder.card.id: binder for binder in await self._bound(found)}

    async def lent_by(self, share_id: ShareId) -> AlbumId | None:
        return cast("AlbumId | None", await lender(self._database, "albums.albums", share_id))

    async def list(self, query: AlbumQuery) -> AlbumPage:
        order = ORDERS[query.sort]
        where, parameters = albums_in_reach(query)
        count = f"select count(*) from albums.albums i where {where}"
        total = int((await self._database.rows(count, parameters))[0][0])
        if query.cursor:
            cursor = Cursor.of(query.cursor, query.sort)
            where += f" and {order.beyond}"
            parameters |= {"key": cursor.key, "id": cursor.id}
        offset = 0 if query.cursor else (query.page - 1) * query.limit
        rows = await self._database.rows(
            f"select {_COLUMNS}, {order.column}, i.id from albums.albums i where {where}"
            f" order by {order.sql} limit %(limit)s offset %(offset)s",
            parameters | {"limit": query.limit + 1, "offset": offset},
        )
        shown = rows[: query.limit]
        cards = [card for row in shown if (card := await self._current(row))]
        last = Cursor(query.sort, *shown[-1][2:]).text if shown else None
        return AlbumPage(
            binders=await self._bound(cards),
            total=total,
            next_cursor=last if len(rows) > query.limit else None,
        )

    async def contents(
        self, ids: Collection[AlbumId], viewer: Viewer, *, lent: bool = False
    ) -> Mapping[AlbumId, Contents]:
        reach, parameters = in_reach(Query(viewer=viewer, lent=lent))
        query = _CONTENTS.format(reach=reach)
        rows = await self._database.rows(query, parameters | {"ids": list(ids)}) if ids else []
        return {
            AlbumId(id): Contents(images=count, cover_id=ImageId(chosen or newest))
            for id, count, newest, chosen in rows
        }

    async def _bound(self, cards: Sequence[AlbumCard]) -> Sequence[Binder]:
        teams = await self._organizations.cards({it.owner_id for it in cards if it.team_id})

        def roles(card: AlbumCard) -> Mapping[AccountId, Role]:
            owner = teams.get(card.owner_id)
            return owner.state.roles(card.team_id) if owner else {}

        return [Binder(card=it, roles=roles(it)) for it in cards]

    async def _current(self, row: Sequence[Any]) -> AlbumCard | None:
        card, head = _CARD.decode(row[0]), row[1]
        return card if card.version == head else await self._told(card.id)

    async def _told(self, album_id: AlbumId) -> AlbumCard | None:
        card: AlbumCard | None = None
        for recorded in await self._store.load(album_id):
            card = project(card, recorded)
        return card
