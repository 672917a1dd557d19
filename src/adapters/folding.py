"""How a rebuild begins: the streams are folded one by one, and their documents copied in."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import structlog
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composable, Composed, Identifier

from adapters.ahead import ahead
from adapters.copying import Copier
from adapters.database import DOWN
from adapters.event_store import EventLog
from adapters.feeding import BEHIND, told
from adapters.read_model import ReadModel
from adapters.recorder import patterns
from adapters.tables import summed
from domain.stream import Recorded
from projections.projection import Tallied

_log = structlog.get_logger()

PAGE = 1_000
"""Events that are read at once. While they are folded, all else in the process waits."""
BATCH = 4_000
"""Streams whose documents are copied at once."""
LAST = 2**63 - 1
MEMORY = "128MB"
"""Of the server's, to make an index in."""

Connection = AsyncConnection[Any]
Progress = Callable[[int, int], None]
"""Called with the position that what is folded by now would stand for, and the one to reach."""


class _Story(msgspec.Struct, gc=False):
    """One stream while it is folded."""

    id: UUID
    document: Any = None
    events: int = 0
    broken: bool = False
    """One of its events cannot be taken."""
    parked: Sequence[tuple[Recorded[Any], str]] = ()


class _Standing(msgspec.Struct, frozen=True):
    """How far it is. Its fields are columns of a table that is there until all is folded."""

    upto: int
    """The position as of which the streams are folded."""
    total: int
    """Events that concern the model."""
    events: int
    """Of the streams that are done."""
    stream_id: UUID
    """The last of them."""
    indexes: list[str]
    """Statements that make those that are made at the end, over all rows at once."""

    def position(self, more: int) -> int:
        return self.upto * (self.events + more) // max(self.total, 1)


class Folding:
    """Fills an empty generation with what the log says up to one position.

    Streams are read whole, in the order of their ids, and each document is written once. While one
    page is folded the server reads the next; while one batch is saved, the next is folded. However
    long the log is, memory holds two of each, and what they count for. Each batch is saved with how
    far that is: who is broken off goes on behind it.
    """

    def __init__(self, model: ReadModel[Any], log: EventLog) -> None:
        projection = model.projection
        self._model = model
        self._log = log
        self._documents = Copier(model.schema, projection.table, model.columns)
        self._parts = [(it, self._copier(it)) for it in projection.tallied]

    async def begin(self, connection: Connection) -> None:
        """In the transaction that makes the generation."""
        await connection.execute("set local search_path to pg_catalog")  # so that all are in full
        cursor = await connection.execute(_INDEXES, (self._model.schema,))
        indexes = await cursor.fetchall()
        for name, _ in indexes:
            drop = self._sql("drop index {schema}.{index}", index=Identifier(name))
            await connection.execute(drop)
        await connection.execute(self._sql(_BEGIN))
        for tallied in self._model.projection.tallied:
            await connection.execute(self._counting(_PARTS, tallied))
        head = await self._log.head()
        topics = patterns(self._model.projection.streams)
        later = [statement for _, statement in indexes]
        await connection.execute(self._sql(_NOTE), (head, later, topics, head))

    async def run(self, connection: Connection, progress: Progress) -> int:
        """From where it was broken off to the end. Returns how many events that were."""
        standing = await self._standing(connection)
        if standing is None:
            return 0
        count = 0
        progress(standing.position(0), standing.upto)
        async with aclosing(ahead(self._batches(standing))) as batches:
            async for batch in batches:
                count += await self._save(connection, batch)
                progress(standing.position(count), standing.upto)
        await self._finish(connection, standing)
        progress(standing.upto, standing.upto)
        return count

    async def _standing(self, connection: Connection) -> _Standing | None:
        """None where all is folded."""
        cursor = await connection.execute(_UNDER_WAY, (f"{self._model.schema}.folding",))
        if await cursor.fetchone() == (None,):
            return None
        cursor = await connection.execute(self._sql(_STANDING))
        return _Standing(*(await cursor.fetchone() or ()))

    async def _batches(self, standing: _Standing) -> AsyncGenerator[list[_Story], None]:
        batch = list[_Story]()
        async with aclosing(ahead(self._pages(standing))) as pages:
            async for page in pages:
                for event in page:
                    if not batch or batch[-1].id != event.stream_id:
                        if len(batch) == BATCH:
                            yield batch
                            batch = []
                        batch.append(_Story(event.stream_id))
                    self._tell(batch[-1], event)
        if batch:
            yield batch

    async def _pages(self, standing: _Standing) -> AsyncGenerator[list[Recorded[Any]], None]:
        after, kinds = (standing.stream_id, LAST), self._model.projection.streams
        while page := await self._log.streams(after, standing.upto, kinds, PAGE):
            yield page
            after = (page[-1].stream_id, page[-1].version)

    def _tell(self, story: _Story, event: Recorded[Any]) -> None:
        story.events += 1
        if story.broken or event.position in self._model.skipped:
            return
        try:
            story.document = self._model.projection.project(story.document, event)
        except Exception:
            story.broken = True  # how far it goes is found out when it is saved

    async def _save(self, connection: Connection, batch: Sequence[_Story]) -> int:
        """In one transaction; if that fails, in halves, until the bad stream is alone."""
        try:
            if any(it.broken for it in batch):
                raise ValueError("a stream that is not told to its end")
            await self._saved(connection, batch)
        except DOWN:
            raise
        except Exception:
            if len(batch) == 1:
                await self._saved(connection, [await self._as_far_as_it_goes(connection, batch[0])])
            else:
                middle = len(batch) // 2
                await self._save(connection, batch[:middle])
                await self._save(connection, batch[middle:])
        return sum(it.events for it in batch)

    async def _saved(self, connection: Connection, batch: Sequence[_Story]) -> None:
        documents = [it.document for it in batch if it.document is not None]
        async with connection.transaction():
            await self._documents.documents(connection, documents)
            await self._count(connection, documents)
            for event, error in (parked for it in batch for parked in it.parked):
                await self._model.put_aside(connection, event, error)
            events = sum(it.events for it in batch)
            await connection.execute(self._sql(_DONE), (batch[-1].id, events))

    async def _count(self, connection: Connection, documents: Sequence[Any]) -> None:
        for tallied, parts in self._parts:
            await parts.rows(connection, summed(tallied, documents))

    async def _as_far_as_it_goes(self, connection: Connection, story: _Story) -> _Story:
        """With the last document that can be saved. The event behind it, and all that follow, are
        put aside: as if they had come one by one."""
        standing = await self._standing(connection)
        assert standing is not None
        stored, _ = await self._log.recorder.read(story.id)
        events = await self._log.opened([it for it in stored if it.id <= standing.upto])
        document, parked = None, list[tuple[Recorded[Any], str]]()
        for event in events:
            if event.position in self._model.skipped:
                continue
            try:
                if parked:
                    raise RuntimeError(BEHIND)
                after = self._model.projection.project(document, event)
                async with connection.transaction(force_rollback=True):
                    await self._documents.documents(connection, [after] if after else [])
                document = after
            except DOWN:
                raise
            except Exception as error:
                name = self._model.schema
                _log.error("event parked", model=name, position=event.position, exc_info=error)
                parked.append((event, told(error)))
        return _Story(story.id, document, story.events, parked=parked)

    async def _finish(self, connection: Connection, standing: _Standing) -> None:
        async with connection.transaction():
            await connection.execute(_ROOM)
            for statement in standing.indexes:
                await connection.execute(statement.encode())
            for tallied in self._model.projection.tallied:
                await connection.execute(self._counting(_SUM, tallied))
                await connection.execute(self._counting(_DROP, tallied))
            await connection.execute(self._sql("drop table {schema}.folding"))
            await connection.execute(self._sql("analyze {schema}.{table}"))
            await self._model.advance(connection, 0, standing.upto)

    def _copier(self, tallied: Tallied[Any]) -> Copier:
        columns = [*tallied.key, *tallied.counters.__struct_fields__]
        return Copier(self._model.schema, f"{tallied.table}_parts", columns)

    def _counting(self, query: LiteralString, tallied: Tallied[Any]) -> Composed:
        counters = [Identifier(name) for name in tallied.counters.__struct_fields__]
        return self._sql(
            query,
            parts=Identifier(f"{tallied.table}_parts"),
            counts=Identifier(tallied.table),
            key=SQL(", ").join(map(Identifier, tallied.key)),
            counters=SQL(", ").join(counters),
            sums=SQL(", ").join(SQL("sum({0})").format(it) for it in counters),
        )

    def _sql(self, query: LiteralString, **names: Composable) -> Composed:
        schema, table = self._model.schema, self._model.projection.table
        return SQL(query).format(schema=Identifier(schema), table=Identifier(table), **names)


_INDEXES = """
    select i.relname::text, pg_get_indexdef(i.oid)
    from pg_index x join pg_class i on i.oid = x.indexrelid
    join pg_namespace n on n.oid = i.relnamespace
    where n.nspname = %s and not exists (select from pg_constraint where conindid = i.oid)"""
_BEGIN = """
    create table {schema}.folding (
        single boolean primary key default true check (single),
        upto bigint not null,
        total bigint not null,
        events bigint not null default 0,
        stream_id uuid not null default '00000000-0000-0000-0000-000000000000',
        indexes text[] not null
    )"""
_NOTE = """
    insert into {schema}.folding (upto, indexes, total) select %s, %s, count(*)
    from log.darkroom_events where topic like any(%s) and notification_id <= %s"""
_UNDER_WAY = "select to_regclass(%s)::text"
_STANDING = "select upto, total, events, stream_id, indexes from {schema}.folding"
_DONE = "update {schema}.folding set stream_id = %s, events = events + %s"
_PARTS = "create table {schema}.{parts} as select {key}, {counters} from {schema}.{counts}"
_SUM = """
    insert into {schema}.{counts} ({key}, {counters})
    select {key}, {sums} from {schema}.{parts} group by {key} order by {key}"""
_DROP = "drop table {schema}.{parts}"
_ROOM = f"set local maintenance_work_mem = '{MEMORY}'"
