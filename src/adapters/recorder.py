"""The library's Postgres recorder, with an asynchronous, group-committing way in.

Concurrent appends of a process share one transaction: one lock, one flush to disk, one
notification. The synchronous interface, the table and the errors stay the library's own.
"""

import asyncio
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    DatabaseError,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.sql import SQL, Composed, Identifier, Literal

from adapters import metrics
from adapters.database import DOWN, Database
from domain.refusals import Unavailable

LOCK = 0x6461726B  # "dark": the advisory lock that all appenders of a database share
MAX_BATCH = 500
ATTEMPTS = 6

CONFLICT, OVER_QUOTA = -1, -2


class OverQuota(IntegrityError):
    """A guard stood against the append."""


class GuardRow(msgspec.Struct, frozen=True):
    account_id: UUID
    delta: int
    quota: int | None = None
    """Sets the limit, where given; otherwise `delta` is counted against it."""


class KeyRow(msgspec.Struct, frozen=True):
    stream_id: UUID
    wrapped: bytes


class _Request(msgspec.Struct, frozen=True):
    events: Sequence[StoredEvent]
    guards: Sequence[GuardRow]
    keys: Sequence[KeyRow]
    done: "asyncio.Future[list[int]]"

    @property
    def places(self) -> set[tuple[Any, int]]:
        return {(event.originator_id, event.originator_version) for event in self.events}


class GroupCommitRecorder(PostgresApplicationRecorder):
    """`append` is the way in; give it a `database` before the first one."""

    database: Database

    def __init__(
        self, datastore: PostgresDatastore, *, events_table_name: str = "stored_events"
    ) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        assert not datastore.enable_db_functions, (
            "the stock function takes no lock: events get lost"
        )
        # An advisory lock excludes like the library's table lock, and lets VACUUM and ANALYZE pass.
        self.lock_table_statements = [
            SQL("SET LOCAL lock_timeout = '{0}s'").format(datastore.lock_timeout),
            SQL("SELECT pg_advisory_xact_lock({0})").format(Literal(LOCK)),
        ]
        names = {
            "schema": Identifier(datastore.schema),
            "table": Identifier(events_table_name),
            "channel": Identifier(self.channel_name),
            "lock": Literal(LOCK),
            "erased": Identifier(f"{events_table_name}_ended"),
        }
        ours = SQL((files("adapters") / "log.sql").read_text())
        self.sql_create_statements[self.create_insert_function_statement_index] = ours.format(
            **names
        )
        self._append = _formatted(_APPEND, datastore.schema, events_table_name)
        self._select = _formatted(_SELECT, datastore.schema, events_table_name)
        self._page = _formatted(_PAGE, datastore.schema, events_table_name)
        self._streams = _formatted(_STREAMS, datastore.schema, events_table_name)
        self._stored = _formatted(_STORED, datastore.schema, events_table_name)
        self._queue: list[_Request] = []
        self._drainer: asyncio.Task[None] | None = None

    async def append(
        self,
        events: Sequence[StoredEvent],
        guards: Sequence[GuardRow] = (),
        keys: Sequence[KeyRow] = (),
    ) -> list[int]:
        """Positions of the events. Raises IntegrityError, OverQuota or OperationalError."""
        if not events:
            return []
        done: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._queue.append(_Request(events, guards, keys, done))
        if self._drainer is None:
            self._drainer = asyncio.create_task(self._drain())
        return await done  # a client that goes away cancels this, and unwrites nothing

    async def read(self, stream_id: UUID) -> tuple[list[Notification], bytes | None]:
        """The stream's events and its wrapped key, in one round trip."""
        rows = await self.database.rows(self._select, (stream_id,))
        events = [
            Notification(stream_id, version, topic, state, id)
            for version, topic, state, id, _ in rows
        ]
        return events, rows[0][-1] if rows else None

    async def page(self, after: int, limit: int, before: int | None = None) -> list[Notification]:
        """Events at positions above `after` (and below `before`), in order."""
        rows = await self.database.rows(self._page, (after, before or 2**63 - 1, limit))
        return [
            Notification(oid, version, topic, state, id) for id, oid, version, topic, state in rows
        ]

    async def streams(
        self, after: tuple[UUID, int], upto: int, names: Iterable[str], limit: int
    ) -> list[tuple[int, UUID, int, str, bytes, bytes | None]]:
        """Events up to a position, stream by stream, behind a version of a stream: as position,
        stream, version, topic, state, and the stream's wrapped key. `names` are those of the kinds
        of streams."""
        stream, version = after
        given = {
            "stream": stream,
            "version": version,
            "upto": upto,
            "topics": patterns(names),
            "limit": limit,
        }
        return await self.database.rows(self._streams, given)

    async def _drain(self) -> None:
        try:
            while batch := self._take():
                await self._commit(batch)
        finally:
            self._drainer = None

    def _take(self) -> list[_Request]:
        """Requests for one transaction: no place in a stream twice, not more than MAX_BATCH."""
        batch: list[_Request] = []
        rest: list[_Request] = []
        places: set[tuple[Any, int]] = set()
        for request in self._queue:
            crowded = batch and len(places) + len(request.events) > MAX_BATCH
            if crowded or request.places & places:
                rest.append(request)
            else:
                batch.append(request)
                places |= request.places
        self._queue = rest
        return batch

    async def _commit(self, batch: list[_Request]) -> None:
        """Answer every request of the batch, through lost connections too."""
        try:
            for attempt in range(ATTEMPTS):
                try:
                    if attempt:
                        await asyncio.sleep(0.1 * 2**attempt)
                        batch = await self._without_stored(batch)
                    return await self._try(batch)
                except (*DOWN, Unavailable):
                    if attempt == ATTEMPTS - 1:
                        raise
        except Exception as error:
            failure: Exception = OperationalError(str(error))
            if not isinstance(error, (*DOWN, Unavailable)):
                failure = DatabaseError(str(error))
            failure.__cause__ = error
            for request in batch:
                _fail(request, failure)

    async def _try(self, batch: list[_Request]) -> None:
        with metrics.COMMIT_SECONDS.time():
            async with self.database.connection() as connection:
                cursor = await connection.execute(
                    self._append, _columns(batch), prepare=True, binary=True
                )
                rows = await cursor.fetchall()
        metrics.COMMITTED.inc(sum(len(request.events) for request in batch))
        positions: dict[int, list[int]] = {}
        for request, position in rows:
            positions.setdefault(request, []).append(position)
        for index, request in enumerate(batch):
            _answer(request, positions[index])

    async def _without_stored(self, batch: list[_Request]) -> list[_Request]:
        """After an unknown outcome: answer what did commit, return what did not.

        A state holds a time and a random nonce, so equal bytes are the very same event.
        """
        open_requests = []
        for request in batch:
            rows = await self.database.rows(
                self._stored,
                (
                    [event.originator_id for event in request.events],
                    [event.originator_version for event in request.events],
                    [event.state for event in request.events],
                ),
            )
            if len(rows) == len(request.events):
                _answer(request, [position for (position,) in rows])
            else:
                open_requests.append(request)
        return open_requests


_APPEND = """
    select request, nid from {schema}.append(
        %b::int, %b::int[], %b::uuid[], %b::bigint[], %b::text[], %b::bytea[],
        %b::int[], %b::uuid[], %b::bigint[], %b::bigint[], %b::int[], %b::uuid[], %b::bytea[])"""
_SELECT = """
    select e.originator_version, e.topic, e.state, e.notification_id, k.wrapped
    from {schema}.{table} e
    left join {schema}.stream_keys k on k.stream_id = e.originator_id
    where e.originator_id = %s order by e.originator_version"""
_PAGE = """
    select notification_id, originator_id, originator_version, topic, state from {schema}.{table}
    where notification_id > %s and notification_id < %s order by notification_id limit %s"""
_STREAMS = """
    select e.notification_id, e.originator_id, e.originator_version, e.topic, e.state, k.wrapped
    from {schema}.{table} e left join {schema}.stream_keys k
        on k.stream_id = e.originator_id and k.stream_id >= %(stream)s
    where (e.originator_id, e.originator_version) > (%(stream)s, %(version)s)
        and e.notification_id <= %(upto)s and e.topic like any(%(topics)s)
    order by e.originator_id, e.originator_version limit %(limit)s"""
_STORED = """
    select e.notification_id from {schema}.{table} e
    join unnest(%s::uuid[], %s::bigint[], %s::bytea[]) as t(o, v, s)
    on e.originator_id = t.o and e.originator_version = t.v and e.state = t.s
    order by e.notification_id"""


def patterns(names: Iterable[str]) -> list[str]:
    """For LIKE: the tags of what happens in streams of these kinds."""
    return [f"{name}.%" for name in names]


def _formatted(query: str, schema: str, table: str) -> str:
    composed: Composed = SQL(query).format(schema=Identifier(schema), table=Identifier(table))
    return composed.as_string(None)


def _columns(batch: list[_Request]) -> tuple[Any, ...]:
    events = [(i, event) for i, request in enumerate(batch) for event in request.events]
    guards = [(i, guard) for i, request in enumerate(batch) for guard in request.guards]
    keys = [(i, key) for i, request in enumerate(batch) for key in request.keys]
    return (
        len(batch),
        [i for i, _ in events],
        [event.originator_id for _, event in events],
        [event.originator_version for _, event in events],
        [event.topic for _, event in events],
        [event.state for _, event in events],
        [i for i, _ in guards],
        [guard.account_id for _, guard in guards],
        [guard.delta for _, guard in guards],
        [guard.quota for _, guard in guards],
        [i for i, _ in keys],
        [key.stream_id for _, key in keys],
        [key.wrapped for _, key in keys],
    )


def _answer(request: _Request, positions: list[int]) -> None:
    if positions[0] == CONFLICT:
        _fail(request, IntegrityError("another writer came first"))
    elif positions[0] == OVER_QUOTA:
        _fail(request, OverQuota("over quota"))
    elif not request.done.done():
        request.done.set_result(positions)


def _fail(request: _Request, error: Exception) -> None:
    if not request.done.done():
        request.done.set_exception(error)
        request.done.exception()  # an abandoned request's failure is nobody's news
