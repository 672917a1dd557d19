"""A projection's tables in Postgres: documents and position move in one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, LiteralString, TypeVar
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from adapters.database import Database
from adapters.tables import Tables
from domain.catalogue import stream_of
from domain.stream import Recorded, tag
from projections.projection import ALL, Projection

D = TypeVar("D", bound=msgspec.Struct)
Connection = AsyncConnection[Any]

BOOKKEEPING = """
create table position (single boolean primary key default true check (single), position bigint);
insert into position (position) values (0);
create table parked (
    position bigint primary key,
    stream_id uuid not null,
    topic text not null,
    error text not null,
    at timestamptz not null default now()
);
create index on parked (stream_id);
"""


_MISSING = r"""
    select 1 from information_schema.columns n where n.table_schema = %(now)s and not exists (
        select from information_schema.columns c where c.table_schema = %(known)s
        and c.table_name = n.table_name and c.column_name = n.column_name)
    union all
    select 1 from pg_indexes n where n.schemaname = %(now)s and not exists (
        select from pg_indexes c where c.schemaname = %(known)s
        and split_part(c.indexdef, ' ON ', 2)
            = replace(split_part(n.indexdef, ' ON ', 2), %(now)s || '.', %(known)s || '.'))
    limit 1"""


class PositionMoved(Exception):
    """Somebody else has projected, or swapped in another generation, since we looked."""


class ReadModel(Generic[D]):
    """One generation of a projection, in the schema of that name."""

    def __init__(self, projection: Projection[D], schema: str | None = None) -> None:
        self.projection = projection
        self.schema = schema or projection.name
        self.columns = [field.name for field in msgspec.structs.fields(projection.document)]
        self._decode = msgspec.json.Decoder(projection.document).decode
        self._tables = Tables(self.schema)
        self._composed: dict[str, bytes] = {}
        self.skipped: frozenset[int] = frozenset()
        """Positions of events that it is made without."""

    async def create(self, connection: Connection) -> bool:
        """Make schema and tables. False where they were there: nothing happens then."""
        async with connection.transaction():
            await connection.execute(SQL("select pg_advisory_xact_lock(hashtext('read models'))"))
            cursor = await connection.execute(
                "select 1 from pg_namespace where nspname = %s", (self.schema,)
            )
            if await cursor.fetchone():
                return False
            await connection.execute(self._sql("create schema {schema}"))
            await connection.execute(self._sql("set local search_path to {schema}, pg_catalog"))
            await connection.execute((self.projection.ddl + BOOKKEEPING).encode())
        return True

    async def fits(self, connection: Connection) -> bool:
        """Whether its tables have every column and index that they have now; an older version may
        have made them. What they have now is seen from tables that are made and dropped at once."""
        names = {"now": Identifier(f"{self.schema}_now")}
        async with connection.transaction(force_rollback=True):
            await connection.execute(SQL("create schema {now}").format(**names))
            await connection.execute(
                SQL("set local search_path to {now}, pg_catalog").format(**names)
            )
            await connection.execute((self.projection.ddl + BOOKKEEPING).encode())
            await connection.execute("set local search_path to pg_catalog")
            both = {"now": f"{self.schema}_now", "known": self.schema}
            cursor = await connection.execute(_MISSING, both)
            return await cursor.fetchone() is None

    async def drop(self, connection: Connection) -> None:
        await connection.execute(self._sql("drop schema if exists {schema} cascade"))

    async def position(self, connection: Connection) -> int:
        cursor = await connection.execute(self._sql("select position from {schema}.position"))
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    async def apply(
        self,
        connection: Connection,
        events: Sequence[Recorded[Any]],
        *,
        after: int,
        upto: int,
        lazily: bool = False,
    ) -> bool:
        """Project `events` and move from position `after` to `upto`, or do neither.

        Raises PositionMoved if the model does not stand at `after`. Where they change nothing, and
        `lazily`, nothing is written, which is False. It is on disk when it returns: a crash could
        be made good from the log, but not for a writer who was told that it can be read, and reads
        before that.
        """
        ours = self._taken(events)
        known = {it.stream_id for it in ours} - {it.stream_id for it in ours if it.version == 1}
        if lazily and not known and not any(self._folded({}, ours).values()):
            return False
        async with connection.pipeline(), connection.transaction():  # round trips: 3, not 7
            await self._hold(connection)
            before = await self._load(connection, known)
            changed = _changed(before, self._folded(before, ours))
            if lazily and not changed:
                return False
            await self._save(connection, before, changed)
            await self.advance(connection, after, upto)
        return True

    def wants(self, topic: str) -> bool:
        """Whether it is made of events with this tag."""
        return stream_of(topic) in self.projection.streams

    def _taken(self, events: Iterable[Recorded[Any]]) -> list[Recorded[Any]]:
        return [
            it
            for it in events
            if self.wants(tag(type(it.event))) and it.position not in self.skipped
        ]

    async def park(
        self,
        connection: Connection,
        event: Recorded[Any],
        error: str,
        *,
        after: int,
        behind: bool = False,
    ) -> bool:
        """Put an event aside with its reason, and move past it.

        One that is only `behind` another of its stream is not, where that is no longer parked.
        """
        assert event.position is not None
        async with connection.transaction():
            await self._hold(connection)
            if behind and event.stream_id not in await self.parked(connection):
                return False
            await self.put_aside(connection, event, error)
            await self.advance(connection, after, event.position)
        return True

    async def put_aside(self, connection: Connection, event: Recorded[Any], error: str) -> None:
        insert = self._sql(
            "insert into {schema}.parked (position, stream_id, topic, error)"
            " values (%s, %s, %s, %s)"
        )
        topic = tag(type(event.event))
        await connection.execute(insert, (event.position, event.stream_id, topic, error))

    async def refold(
        self,
        connection: Connection,
        stream_id: UUID,
        history: Callable[[], Awaitable[Sequence[Recorded[Any]]]],
    ) -> int:
        """Make one document again from its whole history, up to where the model stands.

        Returns how many events of it were parked, and are not any more. Raises whatever the
        projection raises; then everything stays as it was.
        """
        async with connection.transaction():
            lock = generation_lock(self.projection.name)
            await connection.execute("select pg_advisory_xact_lock(hashtext(%s))", (lock,))
            position = await self.position(connection)
            past = [it for it in await history() if it.position and it.position <= position]
            before = await self._load(connection, {stream_id})
            after = self._folded({}, self._taken(past))
            await self._save(connection, before, _changed(before, {stream_id: None} | after))
            delete = self._sql("delete from {schema}.parked where stream_id = %s")
            return (await connection.execute(delete, (stream_id,))).rowcount

    async def parked(self, connection: Connection) -> set[UUID]:
        """Streams that have an event put aside: their later events must wait for it."""
        query = self._sql("select distinct stream_id from {schema}.parked")
        return {row[0] for row in await (await connection.execute(query)).fetchall()}

    async def _hold(self, connection: Connection) -> None:
        """Keep the generation from being swapped until the transaction ends."""
        await connection.execute(
            "select pg_advisory_xact_lock_shared(hashtext(%s))",
            (generation_lock(self.projection.name),),
            prepare=True,
        )

    async def _load(self, connection: Connection, ids: set[UUID]) -> dict[UUID, D]:
        query = self._sql(
            "select id, row_to_json(d)::text from {schema}.{table} d where id = any(%s)"
        )
        if not ids:
            return {}
        rows = await (await connection.execute(query, (list(ids),), prepare=True)).fetchall()
        return {id: self._decode(document) for id, document in rows}

    def _folded(
        self, before: Mapping[UUID, D], events: Sequence[Recorded[Any]]
    ) -> dict[UUID, D | None]:
        after: dict[UUID, D | None] = dict(before)
        for event in events:
            document = after.get(event.stream_id)
            after[event.stream_id] = self.projection.project(document, event)
        return after

    async def _save(
        self, connection: Connection, before: Mapping[UUID, D], changed: Mapping[UUID, D | None]
    ) -> None:
        if gone := [id for id, new in changed.items() if new is None]:
            delete = self._sql("delete from {schema}.{table} where id = any(%s)")
            await connection.execute(delete, (gone,), prepare=True)
        if kept := [new for new in changed.values() if new is not None]:
            await self._tables.put(connection, self.projection.table, self.columns, kept)
        for tallied in self.projection.tallied if changed else ():
            gained, lost = changed.values(), [before.get(id) for id in changed]
            await self._tables.count(connection, tallied, gained, lost)

    async def advance(self, connection: Connection, after: int, upto: int) -> None:
        """Within a transaction. Raises PositionMoved."""
        cursor = await connection.execute(
            self._sql(
                "update {schema}.position set position = %s where position = %s returning position"
            ),
            (upto, after),
            prepare=True,
        )
        if await cursor.fetchone() is None:
            raise PositionMoved

    def _sql(self, query: LiteralString) -> bytes:
        """The query for this generation's tables; composing it costs more than sending it."""
        if query not in self._composed:
            composed = SQL(query).format(
                schema=Identifier(self.schema), table=Identifier(self.projection.table)
            )
            self._composed[query] = composed.as_bytes(None)
        return self._composed[query]


def _changed(before: Mapping[UUID, D], after: Mapping[UUID, D | None]) -> dict[UUID, D | None]:
    return {id: new for id, new in after.items() if new != before.get(id)}


def generation_lock(name: str) -> str:
    """Held shared by who writes a generation, exclusively by who swaps in the next one."""
    return f"generation of {name}"


async def slowest(database: Database) -> int:
    """The position that every read model has reached."""
    async with database.connection() as connection:
        return min([await ReadModel(projection).position(connection) for projection in ALL])
