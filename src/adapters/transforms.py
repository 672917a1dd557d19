"""The Shelf port in Postgres; and what keeps the shelf from growing without end."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.database import Database
from commands import object_keys
from commands.erasure import Erasure
from commands.ports import ObjectStore
from commands.transforming import Claim
from domain.ids import ImageId
from domain.refusals import TransformBudgetSpent

HOUR = 3_600.0
FLUSH = 30.0
"""Seconds between writings of what was used."""
REMEMBERED = 20_000
"""Entries of which a process knows when it last wrote down that they were used."""
PAGE = 500
"""Objects that are evicted at a time."""

Entry = tuple[ImageId, str]


class PostgresShelf:
    def __init__(self, database: Database, now: Callable[[], datetime], *, budget: int) -> None:
        self._database = database
        self._now = now
        self._budget = budget
        self._written: OrderedDict[Entry, float] = OrderedDict()
        self._used: set[Entry] = set()

    async def claim(
        self, image_id: ImageId, name: str, *, lease: float, charged: bool, lost: bool
    ) -> Claim:
        today = self._now()
        asked = {"image": image_id, "name": name, "lease": lease, "lost": lost, "day": today.date()}
        async with self._database.connection() as connection, connection.transaction():
            cursor = await connection.execute(_CLAIM, asked)
            if await cursor.fetchone():
                if charged:
                    cursor = await connection.execute(_SPEND, asked | {"budget": self._budget})
                    if not self._budget or not await cursor.fetchone():  # undoes the claim, too
                        raise TransformBudgetSpent(
                            budget=self._budget, retryAfter=_until_tomorrow(today)
                        )
                return Claim.OURS
            cursor = await connection.execute(_SIZE, asked)
            found = await cursor.fetchone()
        return Claim.STORED if found and found[0] is not None else Claim.TAKEN

    async def keep(self, image_id: ImageId, name: str, size: int) -> bool:
        asked = {"image": image_id, "name": name, "size": size}
        return bool(await self._database.write(_KEEP, asked))

    async def give_back(self, image_id: ImageId, name: str) -> None:
        await self._database.write(_GIVE_BACK, (image_id, name))

    def used(self, image_id: ImageId, name: str) -> None:
        entry, moment = (image_id, name), time.monotonic()
        if moment - self._written.get(entry, -HOUR) < HOUR:
            return
        self._written[entry] = moment
        self._written.move_to_end(entry)
        self._used.add(entry)
        while len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    async def flush(self) -> None:
        used, self._used = self._used, set()
        if not used:
            return
        images, names = zip(*used, strict=True)
        await self._database.write(_USED, (list(images), list(names)))


class Clearance:
    """Evicts what was not used for longest, as soon as all of it together is more than `most`."""

    def __init__(self, database: Database, objects: ObjectStore, *, most: int) -> None:
        self._database = database
        self._objects = objects
        self._most = most

    async def work(self) -> int:
        """How many were evicted."""
        count = 0
        while over := await self._over():
            keys = [object_keys.named(id, name) for id, name, _ in over]
            await self._objects.delete(keys)  # first: a row without its object is made good
            images, names, moments = zip(*over, strict=True)
            async with self._database.connection() as connection, connection.transaction():
                await connection.execute(_WEIGHED, (list(images),))
                await connection.execute(_EVICT, (list(images), list(names), list(moments)))
            count += len(over)
        await self._database.run(_GIVEN_UP)
        await self._database.run(_PAST)
        return count

    async def _over(self) -> Sequence[tuple[Any, ...]]:
        ((total,),) = await self._database.rows(_TOTAL)
        if total <= self._most:
            return []
        return await self._database.rows(_OLDEST, (total - self._most, PAGE))


class Transforms:
    """A place that holds something of an image: what was made of it; its objects go with others."""

    name = "transforms"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        return await self._database.write(_CLEAR, {"image": erasure.subject})


def _until_tomorrow(now: datetime) -> int:
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, int((tomorrow - now).total_seconds()))


_CLAIM = """
    insert into transforms.made (image_id, name, held_until)
    values (%(image)s, %(name)s, now() + %(lease)s * interval '1 second')
    on conflict (image_id, name) do update set held_until = excluded.held_until, size = null
    where (made.size is null and made.held_until < now()) or (made.size is not null and %(lost)s)
    returning 1"""
_SPEND = """
    insert into transforms.budgets as b (image_id, day, spent) values (%(image)s, %(day)s, 1)
    on conflict (image_id, day) do update set spent = b.spent + 1 where b.spent < %(budget)s
    returning 1"""
_SIZE = "select size from transforms.made where image_id = %(image)s and name = %(name)s"
_KEEP = """
    update transforms.made set size = %(size)s, used_at = now()
    where image_id = %(image)s and name = %(name)s and size is null
    and exists (select from log.stream_keys where stream_id = %(image)s)
    and %(size)s <= coalesce((select derivatives.room(i.owner_id) from gallery.images i
        where i.id = %(image)s), %(size)s)"""
_GIVE_BACK = "delete from transforms.made where image_id = %s and name = %s and size is null"
_USED = """
    update transforms.made m set used_at = now() from unnest(%s::uuid[], %s::text[]) u (id, name)
    where m.image_id = u.id and m.name = u.name and m.used_at < now() - interval '1 hour'"""
_TOTAL = "select coalesce(sum(size), 0)::bigint from transforms.made"
_OLDEST = """
    select image_id, name, used_at from (
        select *, sum(size) over (order by used_at, image_id, name) - size as before
        from transforms.made where size is not null) m
    where before < %s order by used_at, image_id, name limit %s"""
# Triggers count them off, image by image. Whoever counts one on holds that image and wants the sum,
# so nobody holds the sum and wants another image.
_WEIGHED = """
    select from derivatives.weights where image_id = any(%s) order by image_id for update"""
_EVICT = """
    delete from transforms.made m using unnest(%s::uuid[], %s::text[], %s::timestamptz[])
        u (id, name, at)
    where m.image_id = u.id and m.name = u.name and m.used_at = u.at and m.size is not null"""
_GIVEN_UP = """
    delete from transforms.made where size is null and held_until < now() - interval '1 hour'"""
_PAST = "delete from transforms.budgets where day < current_date - 1"
_CLEAR = """
    with budgets as (delete from transforms.budgets where image_id = %(image)s)
    delete from transforms.made where image_id = %(image)s"""
