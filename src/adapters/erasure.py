"""The list of what is to be destroyed, in Postgres; the log says what belongs on it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Json

from adapters.database import Database
from adapters.event_store import EventLog
from commands.erasure import Erasure, Kind, receipt_id
from commands.ports import EventStore, Hasher
from domain import image
from domain.abuse_report import ReportErased, ReportFiled
from domain.account import AccountErased, AccountRegistered
from domain.album import AlbumCreated, AlbumDeleted
from domain.ids import AccountId
from domain.image_events import Purged, UploadInitiated
from domain.organization import OrganizationCreated, OrganizationDeleted
from domain.stream import Recorded, fold, tag

ORDERS = (
    *(tag(Purged), tag(AccountErased), tag(AlbumDeleted), tag(OrganizationDeleted)),
    tag(ReportErased),
)
REVISIT = timedelta(minutes=20)
"""Until then, requests that began before the purge may have written something."""
LONGEST = 60
"""Seconds between looks at what cannot be finished yet."""
PAGE = 500
TIDY = timedelta(hours=1)


class PostgresErasures:
    """The Erasures port, and the reactor's Ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, erasure: Erasure) -> None:
        await self._database.write(_OPEN, msgspec.to_builtins(erasure, builtin_types=_TYPES))

    async def find(self, receipt_id: UUID) -> Erasure | None:
        return next(iter(await self._found("receipt_id = %(id)s", {"id": receipt_id})), None)

    async def due(self, limit: int) -> Sequence[Erasure]:
        where = "visits_left > 0 and not_before <= now() order by not_before, position limit %(n)s"
        return await self._found(where, {"n": limit})

    async def record(self, erasure: Erasure) -> None:
        await self._database.write(
            _RECORD, {"id": erasure.subject, "removed": Json(erasure.removed)}
        )

    async def postpone(self, erasure: Erasure) -> None:
        await self._database.write(_POSTPONE, {"id": erasure.subject, "longest": LONGEST})

    async def complete(self, erasure: Erasure) -> None:
        await self._database.write(_COMPLETE, {"id": erasure.subject, "revisit": REVISIT})

    async def untidy(self) -> bool:
        """Whether anything was erased since the tables were rewritten, an hour ago or longer."""
        return bool((await self._database.rows(_UNTIDY, (TIDY,)))[0][0])

    async def tidied(self, since: datetime) -> None:
        await self._database.write(
            "update erasure.progress set compacted_at = %(at)s", {"at": since}
        )

    async def reopen(self, subjects: Sequence[UUID] | None = None) -> None:
        """Visit every place again, for these or for all; and read the log from its beginning."""
        await self._database.write("update erasure.progress set position = 0", {})
        where = "" if subjects is None else "where subject = any(%(ids)s)"
        await self._database.write(_REOPEN + where, {"ids": list(subjects or ())})

    async def _found(self, where: str, parameters: dict[str, Any]) -> list[Erasure]:
        query = f"select {_COLUMNS} from erasure.tasks where {where}"  # noqa: S608 - our own words
        return msgspec.convert(await self._database.records(query, parameters), list[Erasure])


class Orders:
    """What the log says is to be destroyed: nothing of it can get lost between two processes."""

    def __init__(
        self, log: EventLog, store: EventStore, hasher: Hasher, erasures: PostgresErasures
    ) -> None:
        self._database = log.database
        self._store = store
        self._hasher = hasher
        self._erasures = erasures

    async def take(self) -> int:
        """Put on the list whatever is new in the log."""
        count = 0
        while rows := await self._database.rows(_NEXT, (list(ORDERS), PAGE)):
            for position, subject in rows:
                await self._erasures.open(await self._erasure(subject, position))
            await self._database.write("update erasure.progress set position = %s", (position,))
            count += len(rows)
        return count

    async def resurrected(self) -> list[UUID]:
        """Streams that have a key although it was to be destroyed: a backup brought it back."""
        return [row[0] for row in await self._database.rows(_RESURRECTED, (list(ORDERS),))]

    async def _erasure(self, subject: UUID, position: int) -> Erasure:
        history = await self._store.load(subject)
        first, order = history[0].event, next(it for it in history if it.position == position)
        kind = _KINDS[type(first)]
        return Erasure(
            subject=subject,
            kind=kind,
            receipt_id=receipt_id(subject, self._hasher),
            owner_id=_owner(kind, history),
            position=position,
            requested_at=order.at,
        )


def _owner(kind: Kind, history: Sequence[Recorded[Any]]) -> AccountId:
    if kind is Kind.IMAGE:
        state = fold(image.evolve, history)
        assert state is not None
        return state.owner_id
    first = history[0]
    if kind is Kind.REPORT:
        return AccountId(first.by)
    return AccountId(first.event.owner_id if kind is Kind.ALBUM else first.stream_id)


_KINDS: dict[type, Kind] = {
    UploadInitiated: Kind.IMAGE,
    AccountRegistered: Kind.ACCOUNT,
    AlbumCreated: Kind.ALBUM,
    OrganizationCreated: Kind.ORGANIZATION,
    ReportFiled: Kind.REPORT,
}
"""By what a stream opens with."""
_TYPES = (UUID, datetime)
_COLUMNS = ", ".join(Erasure.__struct_fields__)
_OPEN = """
    insert into erasure.tasks (subject, kind, receipt_id, owner_id, position, requested_at)
    values (%(subject)s, %(kind)s, %(receipt_id)s, %(owner_id)s, %(position)s, %(requested_at)s)
    on conflict (subject) do nothing"""
_UNTIDY = """
    select p.compacted_at < now() - %s::interval
        and exists (select from erasure.tasks where completed_at > p.compacted_at)
    from erasure.progress p"""
_RECORD = "update erasure.tasks set removed = %(removed)s, attempts = 0 where subject = %(id)s"
_POSTPONE = """
    update erasure.tasks set attempts = attempts + 1,
        not_before = now() + interval '1 second' * least(0.1 * power(2, attempts), %(longest)s)
    where subject = %(id)s"""
_COMPLETE = """
    update erasure.tasks set completed_at = coalesce(completed_at, now()), again = true,
        attempts = 0, visits_left = visits_left - 1, not_before = now() + %(revisit)s
    where subject = %(id)s"""
_REOPEN = """
    update erasure.tasks set completed_at = null, again = true, attempts = 0,
        visits_left = 2, not_before = '-infinity' """
_NEXT = """
    select notification_id, originator_id from log.darkroom_events
    where topic = any(%s) and notification_id > (select position from erasure.progress)
    order by notification_id limit %s"""
_RESURRECTED = """
    select k.stream_id from log.stream_keys k join log.darkroom_events e
    on e.originator_id = k.stream_id and e.topic = any(%s)
    where e.notification_id <= (select position from erasure.progress)"""
