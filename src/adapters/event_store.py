"""The log: the library's application over Postgres, and the EventStore port on top of it."""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Protocol, cast
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    IntegrityError,
    Mapper,
    Notification,
    OperationalError,
    StoredEvent,
)
from opentelemetry import trace
from psycopg.conninfo import conninfo_to_dict

from adapters.database import Database
from adapters.recorder import GroupCommitRecorder, GuardRow, KeyRow, OverQuota
from commands.correlation import CORRELATION
from commands.ports import Batch, Bring, Clock, Guard, Reserve, SetQuota, StreamMoved
from domain.catalogue import EVENTS, PERSONAL
from domain.ids import NOBODY, AccountId
from domain.refusals import QuotaExceeded, Refusal, TransferExceeded, Unavailable
from domain.retired import RETIRED, upcast
from domain.stream import Event, Personal, Recorded, tag
from domain.transfer import BOUNDLESS, left_of

_tracer = trace.get_tracer("darkroom")

SCHEMA = "log"
NONCE = 12
FRESH = 60.0
"""Seconds that a key is used without asking whether it was destroyed meanwhile."""


class KeyWrap(Protocol):
    """The instance's key, which wraps the keys of streams (RFC 3394)."""

    def wrap(self, key: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes) -> bytes: ...


class Keyring:
    """Keys of streams: the most recently used, unwrapped, in memory only."""

    def __init__(self, instance: KeyWrap, *, size: int = 20_000) -> None:
        self._instance = instance
        self._size = size
        self._keys: OrderedDict[UUID, AESGCM] = OrderedDict()
        self._since: dict[UUID, float] = {}
        self._provisional: dict[UUID, bytes] = {}

    def get(self, stream_id: UUID) -> AESGCM | None:
        return self._keys.get(stream_id)

    def fresh(self, stream_id: UUID) -> bool:
        """Whether its key is here, and was stored a short while ago."""
        return time.monotonic() - self._since.get(stream_id, -FRESH) < FRESH

    def unwrapped(self, wrapped: bytes) -> AESGCM:
        return AESGCM(self._instance.unwrap(wrapped))

    def learn(self, stream_id: UUID, wrapped: bytes) -> None:
        """Take in the key as it is stored; what was provisional gives way to it."""
        self._provisional.pop(stream_id, None)
        self._since[stream_id] = time.monotonic()
        if stream_id not in self._keys:
            self._keep(stream_id, self.unwrapped(wrapped))

    def provision(self, stream_id: UUID) -> bytes:
        """A key for a stream that does not exist yet, wrapped; the same until it is stored."""
        if stream_id not in self._provisional:
            key = AESGCM.generate_key(256)
            self._provisional[stream_id] = self._instance.wrap(key)
            self._keep(stream_id, AESGCM(key))
        return self._provisional[stream_id]

    def settled(self, stream_id: UUID, *, stored: bool) -> None:
        """The first append of a stream is over: its provisional key is the key, or nothing."""
        self._provisional.pop(stream_id, None)
        if not stored:
            self.forget(stream_id)

    def forget(self, stream_id: UUID) -> None:
        self._keys.pop(stream_id, None)
        self._since.pop(stream_id, None)

    def forget_all(self, stream_ids: Collection[UUID]) -> None:
        for stream_id in stream_ids:
            self.forget(stream_id)

    def _keep(self, stream_id: UUID, key: AESGCM) -> None:
        self._keys[stream_id] = key
        if len(self._keys) > self._size:
            oldest, _ = self._keys.popitem(last=False)
            self._since.pop(oldest, None)


class _State(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is stored of an event: envelope and fact in the clear, personal content sealed."""

    at: datetime
    by: UUID | None
    """None is nobody, too."""
    event: msgspec.Raw
    sealed: bytes | None = None
    operation: UUID | None = None
    correlation: UUID | None = None


class EventMapper(Mapper[UUID]):
    """Recorded <-> StoredEvent. The topic is the event's tag, so modules may move.

    `keyring` opens the sealed part; without the stream's key, `personal` reads as None.
    """

    keyring: Keyring

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        recorded = cast("Recorded[Event]", domain_event)
        event = recorded.event
        topic = tag(type(event))
        sealed = None
        personal: Personal | None = getattr(event, "personal", None)
        if personal is not None:
            sealed = self._seal(personal, recorded.stream_id, topic)
            event = msgspec.structs.replace(event, personal=None)
        fact = msgspec.Raw(_encode(event))
        state = _State(
            recorded.at, recorded.by, fact, sealed, recorded.operation, recorded.correlation
        )
        return StoredEvent(recorded.stream_id, recorded.version, topic, _encode(state))

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        return cast("DomainEventProtocol[UUID]", self.recorded(stored_event))

    def recorded(self, stored: StoredEvent) -> Recorded[Any]:
        """The envelope and the fact, with its position if it came from the log by position."""
        return self.opened(*_place(stored), self.keyring.get(cast("UUID", stored.originator_id)))

    def envelope(self, stored: StoredEvent) -> Recorded[Any]:
        """The same with what is personal left closed, whether there is a key or not."""
        return self.opened(*_place(stored), None)

    def opened(
        self,
        position: int | None,
        stream_id: UUID,
        version: int,
        topic: str,
        stored: bytes,
        key: AESGCM | None,
    ) -> Recorded[Any]:
        """The same of what its row holds, with a key that is at hand."""
        state = _STATE.decode(stored)
        event = _EVENTS[topic].decode(state.event)
        if state.sealed is not None and key is not None:
            personal = _open(state.sealed, key, stream_id, topic)
            event = msgspec.structs.replace(event, personal=personal)
        return Recorded(
            stream_id=stream_id,
            version=version,
            at=state.at,
            by=state.by or NOBODY,
            event=upcast(event),
            position=position,
            operation=state.operation,
            correlation=state.correlation,
        )

    def _seal(self, personal: Personal, stream_id: UUID, topic: str) -> bytes:
        key = self.keyring.get(stream_id)
        assert key is not None, "a stream's key is there before its first append"
        nonce = os.urandom(NONCE)
        return nonce + key.encrypt(nonce, _encode(personal), _bound_to(stream_id, topic))


_encode = msgspec.msgpack.Encoder().encode
_STATE = msgspec.msgpack.Decoder(_State)
_EVERY = {**EVENTS, **RETIRED}
_EVENTS = {name: msgspec.msgpack.Decoder(kind) for name, kind in _EVERY.items()}
_PERSONAL = {name: msgspec.msgpack.Decoder(kind) for name, kind in PERSONAL.items()}


def _place(stored: StoredEvent) -> tuple[int | None, UUID, int, str, bytes]:
    position = stored.id if isinstance(stored, Notification) else None
    stream_id = cast("UUID", stored.originator_id)
    return position, stream_id, stored.originator_version, stored.topic, stored.state


def _open(sealed: bytes, key: AESGCM, stream_id: UUID, topic: str) -> Personal:
    try:
        plain = key.decrypt(sealed[:NONCE], sealed[NONCE:], _bound_to(stream_id, topic))
    except InvalidTag as error:
        raise ValueError(f"the sealed part of {topic} in {stream_id} was tampered with") from error
    return _PERSONAL[topic].decode(plain)


def _bound_to(stream_id: UUID, topic: str) -> bytes:
    """Associated data: a sealed part opens only where it was written."""
    return stream_id.bytes + topic.encode()


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

    async def head(self) -> int:
        """The last position; 0 of an empty log."""
        rows = await self.database.rows("select max(notification_id) from log.darkroom_events")
        return rows[0][0] or 0

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
        "MAPPER_TOPIC": "adapters.event_store:EventMapper",
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
