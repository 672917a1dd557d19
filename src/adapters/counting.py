"""The Counter port: sums in memory, written down every second in one statement.

A process that is killed loses what it counted since; one that stops loses nothing. A batch has a
number, so a connection lost at its commit makes nothing count twice.
"""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog

from adapters import metrics
from adapters.database import Database
from commands.counts import Counts, Sight
from domain.ids import ImageId, ShareId
from projections.gallery import Period

FLUSH = 0.8
"""Seconds between writings: with the writing itself no count is older than one."""
MOST = 200_000
"""Sums that are held while the database is away; what comes then for other images is dropped."""
REMEMBERED = 100_000
"""Viewers that are not sent again within their hour; forgetting one costs a row on the wire."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_DIGEST = 16
"""Bytes of a viewer's hash."""
FIELDS = Counts.__struct_fields__

_log = structlog.get_logger()


class _Sum:
    __slots__ = (
        "egress_bytes",
        "originals",
        "repeats",
        "robots",
        "shared",
        "transforms",
        "variants",
    )

    def __init__(self) -> None:
        self.egress_bytes = self.originals = self.variants = self.shared = 0
        self.robots = self.repeats = self.transforms = 0


class _Batch:
    """What is counted together: by image and hour, and each viewer once."""

    def __init__(self) -> None:
        self.sums: dict[tuple[ImageId, datetime], _Sum] = {}
        self.viewers: dict[tuple[ImageId, datetime, bool], set[bytes]] = {}
        """Of an image in an hour, those who looked, and those who took it away."""
        self.links: dict[tuple[ShareId, UUID], tuple[int, datetime]] = {}
        """How often each was followed, and when last."""

    def __bool__(self) -> bool:
        return bool(self.sums or self.links)

    @property
    def waiting(self) -> int:
        return len(self.sums) + sum(map(len, self.viewers.values()))

    def parameters(self) -> dict[str, Any]:
        sums, seen = self.sums, self.viewers
        return {
            "images": [image for image, _ in sums],
            "hours": [hour for _, hour in sums],
            **{name: [getattr(it, name) for it in sums.values()] for name in _Sum.__slots__},
            "viewers": [b"".join(it) for it in seen.values()],
            "viewed": [image for image, _, _ in seen],
            "viewed_at": [hour for _, hour, _ in seen],
            "taken": [download for _, _, download in seen],
            "links": [share for share, _ in self.links],
            "lent": [of for _, of in self.links],
            "followed": [times for times, _ in self.links.values()],
            "followed_at": [at for _, at in self.links.values()],
        }


class PostgresCounter:
    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._writer = uuid4()
        self._number = 0
        self._batch = _Batch()
        self._sent: _Batch | None = None
        self._salts: dict[date, bytes] = {}
        self._hour = datetime.min.replace(tzinfo=UTC)
        self._salt = b""
        self._known: set[int] = set()

    def saw(self, sight: Sight) -> None:
        hour = self._this_hour()
        sum = self._sum(sight.image_id, hour)
        if sum is None:
            metrics.COUNTS_DROPPED.inc()
            return
        sum.egress_bytes += sight.egress
        if sight.again:
            sum.repeats += 1
        elif sight.robot:
            sum.robots += 1
        else:
            self._looked(sight, sum, hour)

    def opened(self, share_id: ShareId, of: UUID) -> None:
        links = self._batch.links
        times, _ = links.get((share_id, of), (0, None))
        if times or len(links) < MOST:
            links[share_id, of] = (times + 1, self._now())

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
        if self._sent is None:
            if not self._batch:
                return
            self._sent, self._batch = self._batch, _Batch()
            self._number += 1
        parameters = self._sent.parameters()
        parameters |= {"writer": self._writer, "number": self._number, **self._periods()}
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

    def _looked(self, sight: Sight, sum: _Sum, hour: datetime) -> None:
        sum.originals += sight.original
        sum.variants += not sight.original
        sum.shared += sight.shared
        sum.transforms += sight.transform
        if sight.opened:
            self.opened(*sight.opened)
        known = hash((sight.image_id, sight.download, sight.viewer))
        if known not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known.add(known)
            group = (sight.image_id, hour, sight.download)
            self._batch.viewers.setdefault(group, set()).add(self._hashed(sight, hour))

    def _hashed(self, sight: Sight, hour: datetime) -> bytes:
        mark = b"%b%02d%d" % (sight.image_id.bytes, hour.hour, sight.download)
        mark += sight.viewer.encode()
        return hashlib.blake2b(mark, key=self._salt, digest_size=_DIGEST).digest()

    def _sum(self, image_id: ImageId, hour: datetime) -> _Sum | None:
        sums = self._batch.sums
        found = sums.get((image_id, hour))
        if found is None and len(sums) < MOST:
            found = sums[image_id, hour] = _Sum()
        return found

    def _this_hour(self) -> datetime:
        now = self._now()
        if not self._hour <= now < self._hour + HOUR:
            self._hour = now.replace(minute=0, second=0, microsecond=0)
            self._known.clear()
            self._salt = self._salts.get(now.date(), self._salt)
        return self._hour

    async def _shared_salt(self, day: date) -> bytes:
        """Of all processes: whoever comes first makes it."""
        await self._database.write(_NEW_SALT, (day, os.urandom(32)))
        rows = await self._database.rows("select salt from counting.salts where day = %s", (day,))
        return bytes(rows[0][0])


async def sweep(database: Database, now: datetime) -> None:
    """Forget viewers of past hours, and what their hashes were made with."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    await database.write("delete from counting.salts where day < %s", (now.date(),))
    await database.write("delete from counting.seen where hour < %s", (hour - HOUR,))
    await database.write("delete from counting.writers where at < %s", (now - DAY,))


_NEW_SALT = "insert into counting.salts (day, salt) values (%s, %s) on conflict do nothing"

_SUMS = ", ".join(f"sum({field})::bigint as {field}" for field in FIELDS)
_NAMES = ", ".join(FIELDS)


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
looks as (
    select substring(viewers from n + 1 for {_DIGEST}) as viewer, image_id, hour, taken
    from unnest(%(viewers)s::bytea[], %(viewed)s::uuid[], %(viewed_at)s::timestamptz[],
        %(taken)s::boolean[]) as l (viewers, image_id, hour, taken)
    cross join generate_series(0, octet_length(viewers) - 1, {_DIGEST}) n
    where exists (select from mine)),
fresh as (
    insert into counting.seen (viewer, hour) select viewer, hour from looks
    on conflict do nothing returning viewer),
counted as (
    select image_id, hour, (not taken)::int as views, taken::int as downloads, 0 as egress_bytes,
        0 as originals, 0 as variants, 0 as shared, 0 as robots, 0 as repeats, 0 as transforms
    from looks join fresh using (viewer)
    union all
    select image_id, hour, 0, 0, egress_bytes, originals, variants, shared, robots, repeats,
        transforms
    from unnest(%(images)s::uuid[], %(hours)s::timestamptz[], %(egress_bytes)s::bigint[],
        %(originals)s::bigint[], %(variants)s::bigint[], %(shared)s::bigint[],
        %(robots)s::bigint[], %(repeats)s::bigint[], %(transforms)s::bigint[]) as s (image_id,
        hour, egress_bytes, originals, variants, shared, robots, repeats, transforms)
    where exists (select from mine)),
summed as (select image_id, hour, {_SUMS} from counted group by image_id, hour),
new as (
    select c.*, i.owner_id, (c.hour at time zone 'UTC')::date as day,
        date_trunc('month', c.hour at time zone 'UTC')::date as month
    from summed c cross join lateral (
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
Whose an image is is looked up one by one, whatever Postgres thinks: they are few, beside all."""
