"""What the reaper and the storage check ask of Postgres: of the read model, and of the log."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Notification

from adapters.database import Database
from adapters.event_store import EventLog
from domain.ids import ImageId
from domain.stream import Recorded
from projections.reaper import Due


class PostgresUploads:
    """The Uploads port over the gallery."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime, *, after: Due | None, limit: int) -> Sequence[Due]:
        since, last = after or (datetime.min.replace(tzinfo=UTC), UUID(int=0))
        rows = await self._database.rows(_DUE, (now, since, last, limit))
        return [(expires_at, ImageId(id)) for expires_at, id in rows]

    async def attempts(self, ids: Collection[ImageId]) -> Mapping[ImageId, UUID]:
        rows = await self._database.rows(_ATTEMPTS, (list(ids),))
        return {ImageId(id): attempt for id, attempt in rows}


class PostgresTrash:
    """The Trash port over the gallery."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def overdue(self, now: datetime, *, after: Due | None, limit: int) -> Sequence[Due]:
        since, last = after or (datetime.min.replace(tzinfo=UTC), UUID(int=0))
        rows = await self._database.rows(_OVERDUE, (now, since, last, limit))
        return [(purge_after, ImageId(id)) for purge_after, id in rows]


class LogHistories:
    """The Histories port over the log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def of(self, ids: Collection[ImageId]) -> Mapping[ImageId, Sequence[Recorded[Any]]]:
        rows = await self._log.database.rows(_HISTORIES, (list(ids),))
        stored = [
            Notification(oid, version, topic, state, id) for oid, version, topic, state, id in rows
        ]
        found: dict[ImageId, list[Recorded[Any]]] = defaultdict(list)
        for recorded in await self._log.opened(stored):
            found[ImageId(recorded.stream_id)].append(recorded)
        return found


_DUE = """
    select expires_at, id from gallery.images
    where not finalized and not closed and expires_at <= %s and (expires_at, id) > (%s, %s)
    order by expires_at, id limit %s"""
_OVERDUE = """
    select purge_after, id from gallery.images
    where deleted_at is not null and purge_after < %s and (purge_after, id) > (%s, %s)
    order by purge_after, id limit %s"""
_ATTEMPTS = "select id, attempt from gallery.images where id = any(%s) and finalized"
_HISTORIES = """
    select originator_id, originator_version, topic, state, notification_id
    from log.darkroom_events where originator_id = any(%s) and starts_with(topic, 'image.')
    order by originator_id, originator_version"""
