"""The log: the library's application over Postgres, and the EventStore port on top of it."""

import asyncio
import math
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
)
from opentelemetry import trace
from psycopg.conninfo import conninfo_to_dict

from adapters.database import Database
from adapters.event_mapper import EventMapper
from adapters.keyring import Keyring
from adapters.recorder import GroupCommitRecorder, GuardRow, KeyRow, OverQuota
from commands.correlation import CORRELATION
from commands.ports import Batch, Bring, Clock, Guard, Reserve, SetQuota, StreamMoved
from domain.catalogue import PERSONAL
from domain.ids import AccountId
from domain.refusals import QuotaExceeded, Refusal, TransferExceeded, Unavailable
from domain.stream import Recorded, tag
from domain.transfer import BOUNDLESS, left_of

_tracer = trace.get_tracer("darkroom")

SCHEMA = "log"


class EventLog(Application[UUID]):
    """The library's application, on our recorder and mapper. Connects while it is built."""

    name = "darkroom"
    recorder: GroupCommitRecorder
    mapper: EventMapper

    def __init__(self, database: Database, keyring: Keyring, *, create: bool = False) -> None:
        super().__init__(_environment(database.conninfo, create=create))
        self.recorder.database = database
        self.mapper.keyring = keyring
        self.database = database
        self.keyring = keyring
        self._learning = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._head, self._asked = 0, -math.inf

    async def head(self) -> int:
        """The last position; 0 of an empty log."""
        rows = await self.database.rows("select max(notification_id) from log.darkroom_events")
        return rows[0][0] or 0

    async def lately(self, seconds: float) -> int:
        """The last position as it was so many seconds ago, or later: asked once for all."""
        async with self._asking:
            now = time.monotonic()
            if now - self._asked >= seconds:
                self._head, self._asked = await self.head(), now
            return self._head

    async def opened(self, stored: Sequence[Notification]) -> list[Recorded[Any]]:
        """Decoded events, the keys of their streams fetched in one round trip; once for all who
        want them at the same time."""
        if not stored:
            return []  # and not behind others who learn keys
        async with self._learning:
            await self._learn({cast("UUID", event.originator_id) for event in stored})
        return [self.mapper.recorded(event) for event in stored]

    async def streams(
        self, after: tuple[UUID, int], upto: int, names: Iterable[str], limit: int
    ) -> list[Recorded[Any]]:
        """Events up to a position, stream by stream, behind a version of a stream.

        `names` are those of the streams' kinds. No key is remembered: each is needed once.
        """
        events, last, key = list[Recorded[Any]](), None, None
        rows = await self.recorder.streams(after, upto, names, limit)
        for position, stream_id, version, topic, state, wrapped in rows:
            if stream_id != last:
                last, key = stream_id, self.keyring.unwrapped(wrapped) if wrapped else None
            events.append(self.mapper.opened(position, stream_id, version, topic, state, key))
        return events

    async def _learn(self, streams: Iterable[UUID]) -> None:
        stale = [stream_id for stream_id in streams if not self.keyring.fresh(stream_id)]
        if not stale:
            return
        query = "select stream_id, wrapped from log.stream_keys where stream_id = any(%s)"
        found: dict[UUID, bytes] = dict(await self.database.rows(query, (stale,)))
        for stream_id in stale:
            if stream_id in found:
                self.keyring.learn(stream_id, found[stream_id])
            else:
                self.keyring.forget(stream_id)


def _environment(conninfo: str, *, create: bool) -> dict[str, str]:
    where = conninfo_to_dict(conninfo)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "APPLICATION_RECORDER_TOPIC": "adapters.recorder:GroupCommitRecorder",
        "MAPPER_TOPIC": "adapters.event_mapper:EventMapper",
        "POSTGRES_DBNAME": str(where.get("dbname", "darkroom")),
        "POSTGRES_HOST": str(where.get("host", "")),
        "POSTGRES_PORT": str(where.get("port", 5432)),
        "POSTGRES_USER": str(where.get("user", "postgres")),
        "POSTGRES_PASSWORD": str(where.get("password", "")) or "unused",
        "POSTGRES_SCHEMA": SCHEMA,
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_LOCK_TIMEOUT": "5",
        "CREATE_TABLE": "y" if create else "n",
    }


class EventSourcedStore:
    """The EventStore port."""

    def __init__(self, log: EventLog, now: Clock, operation: UUID | None = None) -> None:
        self._log = log
        self._now = now
        self._operation = operation

    def within(self, operation: UUID) -> "EventSourcedStore":
        return EventSourcedStore(self._log, self._now, operation)

    async def load(self, stream_id: UUID) -> Sequence[Recorded[Any]]:
        events, wrapped = await self._log.recorder.read(stream_id)
        if wrapped:
            self._log.keyring.learn(stream_id, wrapped)
        elif events:
            self._log.keyring.forget(stream_id)
        return [self._log.mapper.recorded(event) for event in events]

    async def append(
        self, batches: Sequence[Batch], *, by: AccountId, guards: Sequence[Guard] = ()
    ) -> int:
        keys = self._new_keys(batches)
        stored = self._stored(batches, by)
        try:
            with _tracer.start_as_current_span("append"):
                rows = [*chain.from_iterable(map(_rows, guards))]
                positions = await self._log.recorder.append(stored, rows, keys)
        except OverQuota as error:
            self._settle(keys, stored=False)
            raise await self._exceeded(guards) from error
        except IntegrityError as error:
            self._settle(keys, stored=False)
            raise StreamMoved from error
        except OperationalError as error:
            raise Unavailable(dependency="database") from error
        self._settle(keys, stored=True)
        return positions[-1]

    def _new_keys(self, batches: Sequence[Batch]) -> list[KeyRow]:
        return [
            KeyRow(batch.stream_id, self._log.keyring.provision(batch.stream_id))
            for batch in batches
            if batch.after == 0 and any(tag(type(event)) in PERSONAL for event in batch.events)
        ]

    def _settle(self, keys: Sequence[KeyRow], *, stored: bool) -> None:
        for key in keys:
            self._log.keyring.settled(key.stream_id, stored=stored)

    def _stored(self, batches: Sequence[Batch], by: AccountId) -> list[StoredEvent]:
        at, correlation = self._now(), CORRELATION.get()
        return [
            self._log.mapper.to_stored_event(
                cast(
                    "DomainEventProtocol[UUID]",
                    Recorded(
                        stream_id=batch.stream_id,
                        version=version,
                        at=at,
                        by=by,
                        event=event,
                        operation=self._operation,
                        correlation=correlation,
                    ),
                )
            )
            for batch in batches
            for version, event in enumerate(batch.events, start=batch.after + 1)
        ]

    async def _exceeded(self, guards: Sequence[Guard]) -> Refusal:
        for guard in guards:
            if isinstance(guard, Bring):
                figures = await self._figures(guard.counter, guard.bytes)
                return TransferExceeded(**figures, retryAfter=left_of(self._now()))
        asked = next(it for it in guards if isinstance(it, Reserve) and it.bytes > 0)
        return QuotaExceeded(**await self._figures(asked.account_id, asked.bytes))

    async def _figures(self, account_id: AccountId, bytes: int) -> dict[str, int]:
        query = "select quota, used from log.quota_usage where account_id = %s"
        rows = await self._log.database.rows(query, (account_id,))
        quota, used = rows[0] if rows else (0, 0)
        return {"limitBytes": quota, "usedBytes": used, "requestedBytes": bytes}


def _rows(guard: Guard) -> list[GuardRow]:
    match guard:
        case SetQuota(account_id=account_id, quota_bytes=quota_bytes):
            return [GuardRow(account_id, 0, quota_bytes)]
        case Bring(counter=counter, limit=limit, bytes=bytes):
            most = BOUNDLESS if limit is None else limit
            return [GuardRow(counter, 0, most), GuardRow(counter, bytes)]
        case Reserve(account_id=account_id, bytes=bytes):
            return [GuardRow(account_id, bytes)]
