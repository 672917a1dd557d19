"""The Meters port: image and statement events of the log as tables, beside counts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from eventsourcing.persistence import Notification

from adapters.event_store import EventLog
from domain import image_events as image
from domain import statement
from domain.ids import AccountId
from domain.statement import FIELDS, Usage
from domain.stream import Recorded, tag
from projections.metering import HOUR, Due, Owner, Standing

PAGE = 1_000
LATEST = timedelta(days=3)
"""How long counts may be under way from a process that cannot reach the database."""
_TOPICS = [
    tag(kind)
    for kind in (
        *(image.UploadInitiated, image.UploadTransferred, image.ImageFinalized, image.Purged),
        *(statement.StatementOpened, statement.UsageMetered, statement.UsageCorrected),
        statement.StatementClosed,
    )
]
Statement = tuple[str, dict[str, Any]]


class PostgresMeters:
    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._database = log.database

    async def follow(self) -> None:
        while rows := await self._database.rows(_NEXT, {"topics": _TOPICS, "limit": PAGE}):
            stored = [
                Notification(id, version, topic, state, position)
                for position, id, version, topic, state in rows
            ]
            events = await self._log.opened(stored)
            async with self._database.connection() as connection, connection.transaction():
                async with connection.pipeline():
                    for recorded in events:
                        for query, parameters in told(recorded):
                            await connection.execute(query.encode(), parameters, prepare=True)
                position = {"position": rows[-1][0]}
                await connection.execute(_FOLLOWED, position)

    async def metered_until(self, now: datetime) -> datetime:
        this = now.replace(minute=0, second=0, microsecond=0)
        await self._database.write(_BEGIN, {"hour": this})
        rows = await self._database.rows("select hour from metering.progress")
        hour: datetime = rows[0][0]
        return hour

    async def used(self, hour: datetime) -> Sequence[Due]:
        return await self._due(_USED, {"hour": hour, "until": hour + HOUR})

    async def late(self) -> Sequence[Due]:
        found = list[Due]()
        for owner_id, hour in await self._database.rows(_LATE, {"latest": LATEST}):
            asked = {"hour": hour, "until": hour + HOUR, "owner": owner_id}
            found += await self._due(_USED_BY_ONE, asked)
        return found

    async def settled(self, due: Collection[Due]) -> None:
        pairs = {"owners": [it.owner.id for it in due], "hours": [it.hour for it in due]}
        await self._database.write(_SETTLED, pairs)

    async def advance(self, hour: datetime) -> None:
        await self._database.write("update metering.progress set hour = %s", (hour,))

    async def open_before(self, month: str) -> Sequence[tuple[Owner, str]]:
        rows = await self._database.rows(_OPEN, (month,))
        return [(Owner(AccountId(id), organization), month) for id, organization, month in rows]

    async def closed(self, owner_id: AccountId, month: str) -> bool:
        id = statement.statement_id(owner_id, month)
        query = "select closed from metering.statements where id = %s"
        return bool((await self._database.rows(query, (id,)) or [(False,)])[0][0])

    async def standing(
        self, owners: Sequence[AccountId], hour: datetime
    ) -> Mapping[AccountId, Standing]:
        month = statement.month_of(hour)
        ids = [statement.statement_id(owner, month) for owner in owners]
        rows = await self._database.rows(_STANDING, {"ids": ids, "hour": hour})
        return {
            AccountId(owner): Standing(
                statement.Statement(month=month, closed=closed, hours={hour: usage_of(figures)}),
                version,
            )
            for owner, closed, version, *figures in rows
        }

    async def _due(self, query: str, asked: dict[str, Any]) -> Sequence[Due]:
        rows = await self._database.rows(query, asked)
        return [
            Due(Owner(AccountId(id), organization), asked["hour"], usage_of(figures))
            for id, organization, *figures in rows
        ]


def told(recorded: Recorded[Any]) -> Sequence[Statement]:
    """What an event changes in the tables. Whole seconds: figures are whole numbers."""
    event, at = recorded.event, recorded.at.replace(microsecond=0)
    key: dict[str, Any] = {"id": recorded.stream_id, "at": at, "position": recorded.position}
    key |= {"version": recorded.version}
    match event:
        case image.UploadInitiated(owner_id=owner_id, uploader_id=uploader_id):
            entrusted = uploader_id is not None and uploader_id != owner_id
            return [(_SPAN, key | {"owner": owner_id, "organization": entrusted})]
        case image.UploadTransferred(to=to):
            return [(_TRANSFERRED, key | {"owner": to})]
        case image.ImageFinalized(size=size):
            return [(_KEPT, key | {"size": size}), (_SURPRISE, key)]
        case image.Purged():
            return [(_GONE, key), (_SURPRISE, key)]
        case _:
            return _of_statement(event, key)


def _of_statement(event: Any, key: dict[str, Any]) -> Sequence[Statement]:
    match event:
        case statement.StatementOpened(owner_id=owner_id, organization=organization, month=month):
            more = {"owner": owner_id, "organization": organization, "month": month}
            return [(_OPENED, key | more)]
        case statement.UsageMetered(hour=hour, usage=usage):
            return [(_LINE, key | {"hour": hour, "corrects": False} | _figures(usage))]
        case statement.UsageCorrected(hour=hour, usage=usage):
            return [(_LINE, key | {"hour": hour, "corrects": True} | _figures(usage))]
        case statement.StatementClosed():
            return [(_CLOSED, key)]
    return []


def _figures(usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in FIELDS}


def usage_of(figures: Sequence[Any]) -> Usage:
    return Usage(**{name: int(it) for name, it in zip(FIELDS, figures, strict=True)})


_NAMES = ", ".join(FIELDS)
_NEXT = """
    select notification_id, originator_id, originator_version, topic, state
    from log.darkroom_events
    where topic = any(%(topics)s) and notification_id > (select position from metering.progress)
    order by notification_id limit %(limit)s"""
_FOLLOWED = "update metering.progress set position = greatest(position, %(position)s)"
_BEGIN = """
    update metering.progress
    set hour = coalesce((select max(hour) + interval '1 hour' from metering.lines), %(hour)s)
    where hour is null"""
_SPAN = """
    insert into metering.spans (image_id, owner_id, organization, size)
    values (%(id)s, %(owner)s, %(organization)s, 0) on conflict do nothing"""
_TRANSFERRED = """
    update metering.spans set owner_id = %(owner)s, organization = true where image_id = %(id)s"""
_KEPT = "update metering.spans set kept_from = %(at)s, size = %(size)s where image_id = %(id)s"
_GONE = "update metering.spans set kept_until = %(at)s where image_id = %(id)s"
_SURPRISE = """
    insert into metering.late (owner_id, hour)
    select s.owner_id, h from metering.spans s cross join metering.progress p
    cross join generate_series(date_trunc('hour', %(at)s::timestamptz, 'UTC'),
        p.hour - interval '1 hour', interval '1 hour') h
    where s.image_id = %(id)s on conflict do nothing"""
"""An event from an hour that was metered without it: nothing, but where clocks disagree."""
_OPENED = """
    insert into metering.statements (id, owner_id, organization, month, closed, version)
    values (%(id)s, %(owner)s, %(organization)s, %(month)s, false, %(version)s)
    on conflict do nothing"""
_CLOSED = """
    update metering.statements set closed = true, version = greatest(version, %(version)s)
    where id = %(id)s"""
_KNOWN = ", ".join(f"coalesce(sum(l.{name}), 0)" for name in FIELDS)
_STANDING = f"""
    select s.owner_id, s.closed, s.version, {_KNOWN}
    from metering.statements s
    left join metering.lines l on l.owner_id = s.owner_id and l.hour = %(hour)s
        and l.statement_id = s.id
    where s.id = any(%(ids)s) group by s.id"""  # noqa: S608 - our own words
_LINE = f"""
    with taken as (
        update metering.statements set version = greatest(version, %(version)s)
        where id = %(id)s)
    insert into metering.lines (position, statement_id, owner_id, organization, hour, at, corrects,
        {_NAMES})
    select %(position)s, s.id, s.owner_id, s.organization, %(hour)s, %(at)s, %(corrects)s,
        {", ".join(f"%({name})s" for name in FIELDS)}
    from metering.statements s where s.id = %(id)s on conflict do nothing"""  # noqa: S608 - our own words


def used_by(owner: str) -> str:
    """What everybody used between two moments, or some; its columns are those of Usage."""
    return f"""
    with spans as (
        select s.owner_id, sum(s.size * extract(epoch from (
                least(coalesce(s.kept_until, %(until)s), %(until)s)
                - greatest(s.kept_from, %(hour)s)))::bigint) as storage_byte_seconds,
            count(*) filter (where s.kept_from >= %(hour)s) as uploads
        from metering.spans s
        where s.kept_from < %(until)s and coalesce(s.kept_until, 'infinity') >= %(hour)s {owner}
        group by s.owner_id),
    counts as (
        select s.owner_id, sum(s.views) as views, sum(s.downloads) as downloads,
            sum(s.egress_bytes) as egress_bytes, sum(s.transforms) as transforms
        from counting.hours s where s.hour >= %(hour)s and s.hour < %(until)s {owner}
        group by s.owner_id)
    select owner_id,
        coalesce((select t.organization from metering.spans t
            where t.owner_id = coalesce(u.owner_id, c.owner_id) limit 1), false),
        coalesce(storage_byte_seconds, 0), coalesce(uploads, 0), coalesce(views, 0),
        coalesce(downloads, 0), coalesce(egress_bytes, 0), coalesce(transforms, 0)
    from spans u full join counts c using (owner_id)"""  # noqa: S608 - our own words


_USED = used_by("")
_USED_BY_ONE = used_by("and s.owner_id = %(owner)s")
_LATE = """
    select owner_id, hour from metering.late
    union
    select c.owner_id, c.hour from counting.hours c
    left join lateral (
        select coalesce(sum(l.views), 0) as views, coalesce(sum(l.downloads), 0) as downloads,
            coalesce(sum(l.egress_bytes), 0) as egress_bytes,
            coalesce(sum(l.transforms), 0) as transforms
        from metering.lines l where l.owner_id = c.owner_id and l.hour = c.hour) l on true
    where c.hour < (select hour from metering.progress) and c.hour >= now() - %(latest)s::interval
    and c.hour >= coalesce((select min(hour) from metering.lines), 'infinity')
    and (l.views, l.downloads, l.egress_bytes, l.transforms)
        is distinct from (c.views, c.downloads, c.egress_bytes, c.transforms)"""
_SETTLED = """
    delete from metering.late l using unnest(%(owners)s::uuid[], %(hours)s::timestamptz[])
        as s (owner_id, hour)
    where l.owner_id = s.owner_id and l.hour = s.hour"""
_OPEN = """
    select owner_id, organization, month from metering.statements
    where not closed and month < %s order by month, owner_id limit 1000"""
