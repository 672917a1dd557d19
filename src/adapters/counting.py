"""The Counter port: sums in memory, written down every second in one statement.

A process that is killed loses what it counted since; one that stops loses nothing. A batch has a
number, so a connection lost at its commit makes nothing count twice.
"""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from adapters import metrics
from adapters.database import Database
from adapters.sums import Batch, Sum
from commands.counts import Counts, Onlooker, Sight, Visitor
from domain.ids import ShareId
from projections.gallery import Period

FLUSH = 0.8
"""Seconds between writings: with the writing itself no count is older than one."""
TOGETHER = 64
"""Looks that are counted in one go."""
REMEMBERED = 100_000
"""Viewers that are not sent again within their hour; forgetting one costs a row on the wire."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIELDS = Counts.__struct_fields__


class PostgresCounter:
    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime],
        recognized: Callable[[Visitor], Onlooker],
    ) -> None:
        self._database = database
        self._now = now
        self._recognized = recognized
        self._writer = uuid4()
        self._number = 0
        self._looks: list[Sight] = []
        self._batch = Batch()
        self._sent: Batch | None = None
        self._salts: dict[date, bytes] = {}
        self._hour = self._next = datetime.min.replace(tzinfo=UTC)
        self._salt = b""
        self._known: set[int] = set()

    def saw(self, sight: Sight) -> None:
        """Counted with those that come next: one after the other, a look costs a third."""
        now = self._now()
        if not self._hour <= now < self._next:
            self._turn_to(now)
        self._looks.append(sight)
        if len(self._looks) >= TOGETHER:
            self._count()

    def opened(self, share_id: ShareId, of: UUID) -> None:
        self._batch.opened(share_id, of, self._now())

    async def work(self) -> None:
        """Whatever is due by now. Raises Unavailable."""
        await self.load()
        await self.flush()

    async def load(self) -> None:
        """The salts of today and tomorrow: no midnight waits for the database."""
        today = self._now().date()
        for day in (today, today + DAY):
            if day not in self._salts:
                self._salts[day] = await self._shared_salt(day)

    async def flush(self) -> None:
        """Write down what was counted. Raises Unavailable; then it is tried again, as it is."""
        self._count()
        if self._sent is None:
            if not self._batch:
                return
            self._sent, self._batch = self._batch, Batch()
            self._number += 1
        parameters = self._sent.parameters()
        parameters |= {"writer": self._writer, "number": self._number, "at": self._now()}
        parameters |= self._periods()
        metrics.COUNTS_WAITING.set(self._waiting)
        with metrics.COUNTS_SECONDS.time():
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(hashtext('counting'))")
                await connection.execute(_FLUSH.encode(), parameters)
        self._sent = None
        metrics.COUNTS_WAITING.set(self._waiting)

    def _periods(self) -> dict[str, Any]:
        today = self._now().date()
        since = [today - DAY * (period.days - 1) for period in Period]
        return {"periods": [period.value for period in Period], "since": since}

    @property
    def _waiting(self) -> int:
        return sum(it.waiting for it in (self._batch, self._sent) if it)

    def _turn_to(self, now: datetime) -> None:
        self._count()
        self._hour = now.replace(minute=0, second=0, microsecond=0)
        self._next = self._hour + HOUR
        self._known.clear()
        self._salt = self._salts.get(now.date(), self._salt)

    def _count(self) -> None:
        looks, self._looks = self._looks, []
        onlookers: dict[Visitor, Onlooker] = {}
        for sight in looks:
            sum = self._batch.sum_of(sight.image_id, self._hour, self._salt)
            if sum is None:
                metrics.COUNTS_DROPPED.inc()
                continue
            sum.egress_bytes += sight.egress
            if sight.again:
                sum.repeats += 1
                continue
            who = onlookers.get(sight.by)
            if who is None:
                who = onlookers[sight.by] = self._recognized(sight.by)
            if who.robot:
                sum.robots += 1
            else:
                self._looked(sight, who.name, sum)

    def _looked(self, sight: Sight, viewer: str, sum: Sum) -> None:
        sum.originals += sight.original
        sum.variants += not sight.original
        sum.shared += sight.shared
        sum.transforms += sight.transform
        if sight.opened:
            self.opened(*sight.opened)
        known = hash((sight.image_id.int, sight.download, viewer))
        if known not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known.add(known)
            self._batch.looked(sum, viewer, download=sight.download)

    async def _shared_salt(self, day: date) -> bytes:
        """Of all processes: whoever comes first makes it."""
        await self._database.write(_NEW_SALT, (day, os.urandom(32)))
        rows = await self._database.rows("select salt from counting.salts where day = %s", (day,))
        return bytes(rows[0][0])


async def sweep(database: Database, now: datetime) -> None:
    """Forget viewers of past hours, and what their hashes were made with."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    await database.write("delete from counting.salts where day < %s", (now.date(),))
    await database.write("delete from counting.seen where at < %s", (hour - HOUR,))
    await database.write("delete from counting.writers where at < %s", (now - DAY,))


_NEW_SALT = "insert into counting.salts (day, salt) values (%s, %s) on conflict do nothing"

_NAMES = ", ".join(FIELDS)
_SUMS = ", ".join(f"sum({field})::bigint as {field}" for field in FIELDS)


def _added(table: str, keys: str, conflict: str) -> str:
    """Rows of `new`, summed by `keys`, on top of what the table has."""
    more = ", ".join(f"{field} = t.{field} + excluded.{field}" for field in FIELDS)
    return (  # all of it our own words
        f"insert into counting.{table} as t ({keys}, {_NAMES})"  # noqa: S608
        f" select {keys}, {_SUMS} from new group by {keys}"
        f" on conflict ({conflict}) do update set {more}"
    )


_FLUSH = f"""
with mine as (
    insert into counting.writers as w (id, last, at) values (%(writer)s, %(number)s, now())
    on conflict (id) do update set last = excluded.last, at = excluded.at
        where w.last < excluded.last
    returning 1),
fresh as (
    insert into counting.seen (viewer, look, at)
    select viewer, look, %(at)s
    from unnest(%(viewers)s::bigint[], %(looks)s::bigint[]) as l (viewer, look)
    where exists (select from mine)
        and not exists (select from counting.seen s where s.viewer = l.viewer offset 0)
    returning look),
people as (
    select look / 2 as number, count(*) filter (where look %% 2 = 0) as views,
        count(*) filter (where look %% 2 = 1) as downloads
    from fresh group by 1),
counted as (
    select image_id, hour, coalesce(views, 0) as views, coalesce(downloads, 0) as downloads,
        egress_bytes, originals, variants, shared, robots, repeats, transforms
    from unnest(%(images)s::uuid[], %(hours)s::timestamptz[], %(egress_bytes)s::bigint[],
        %(originals)s::bigint[], %(variants)s::bigint[], %(shared)s::bigint[],
        %(robots)s::bigint[], %(repeats)s::bigint[], %(transforms)s::bigint[]) with ordinality
        as s (image_id, hour, egress_bytes, originals, variants, shared, robots, repeats,
        transforms, number)
    left join people using (number)
    where exists (select from mine)),
new as (
    select c.*, i.owner_id, (c.hour at time zone 'UTC')::date as day,
        date_trunc('month', c.hour at time zone 'UTC')::date as month
    from counted c cross join lateral (
        select owner_id from gallery.images i where i.id = c.image_id offset 0) i),
links as (
    insert into counting.links as t (share_id, subject_id, views, last_viewed_at)
    select share_id, subject_id, times, at from unnest(%(links)s::uuid[], %(lent)s::uuid[],
        %(followed)s::bigint[], %(followed_at)s::timestamptz[]) as l (share_id, subject_id, times,
        at)
    where exists (select from mine) and (
        exists (select from gallery.images i where i.id = subject_id)
        or exists (select from albums.albums a where a.id = subject_id))
    on conflict (share_id) do update set views = t.views + excluded.views,
        last_viewed_at = greatest(t.last_viewed_at, excluded.last_viewed_at)),
recent as (
    insert into counting.recent as t (period, image_id, owner_id, views)
    select p.period, n.image_id, n.owner_id, sum(n.views) from new n
    join unnest(%(periods)s::text[], %(since)s::date[]) as p (period, since) on n.day >= p.since
    where n.views > 0 group by 1, 2, 3
    on conflict (image_id, period) do update set views = t.views + excluded.views),
by_image as ({_added("images", "image_id, owner_id", "image_id")}),
by_month as ({_added("months", "owner_id, month", "owner_id, month")}),
by_day as ({_added("days", "image_id, day", "image_id, day")})
{_added("hours", "owner_id, hour", "owner_id, hour")}"""  # noqa: S608 - our own words
"""What is counted of an image that was purged meanwhile is dropped: nothing of it may come back.
Whose an image is is looked up one by one, whatever Postgres thinks: they are few, beside all.
Viewers need no `on conflict`: the lock lets one process at a time look who is there."""
