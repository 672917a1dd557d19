"""The keys that sign URLs: one after the other, each wrapped by the instance's key."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from adapters.database import Database
from adapters.keys import InstanceKey

LONGEST = timedelta(days=366)
"""No URL lives longer: so long an older key is believed, unless it is said otherwise."""
LOOK = 2.0
"""Seconds between looks for another key."""
PAUSE = 0.25
"""Seconds at least between looks for keys that are not known: anybody can name one."""


class UrlKey(msgspec.Struct, frozen=True, kw_only=True):
    key_id: str
    made_at: datetime | None
    """None for the first, which is older than anything."""
    ends_at: datetime | None
    """When what it signed is worth nothing; None while no other one follows it."""
    state: str
    """`signing`, `verifying`, `ended`."""


class UrlKeys:
    """What this process knows of them; a key that another one made is heard of in LOOK seconds,
    or when somebody holds up what it signed."""

    def __init__(self, database: Database, key: InstanceKey) -> None:
        self._database = database
        self._instance = key
        self._ring: Mapping[str, bytes] = {}
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")

    def ring(self) -> Mapping[str, bytes]:
        """The last one signs, all of them verify."""
        assert self._ring, "loaded before the first request"
        return self._ring

    async def load(self) -> None:
        self._looked_at = asyncio.get_running_loop().time()
        rows = await self._database.rows(_KEYS + " where state <> 'ended' order by number")
        self._ring = {str(number): self._key(wrapped) for number, wrapped, *_ in rows}

    async def meet(self, key_id: str) -> None:
        """Look for a key that is not known, before it is refused. Raises Unavailable."""
        asked_at = asyncio.get_running_loop().time()
        if key_id in self._ring or not (key_id.isdecimal() and len(key_id) < 9):
            return
        async with self._looking:
            if self._looked_at > asked_at:
                return
            await asyncio.sleep(max(self._looked_at + PAUSE - asked_at, 0))
            await self.load()

    async def rotate(self, keep: timedelta) -> UrlKey:
        """Another key signs from now on; what older ones signed is believed for `keep`."""
        wrapped = self._instance.wrap(os.urandom(32))
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("lock secrets.url_keys in exclusive mode")
            await connection.execute(_ROTATE, {"wrapped": wrapped, "keep": keep})
        return (await self.all())[-1]

    async def all(self) -> Sequence[UrlKey]:
        """The oldest first."""
        rows = await self._database.rows(_KEYS + " order by number")
        return [
            UrlKey(key_id=str(number), made_at=made_at, ends_at=ends_at, state=state)
            for number, _, made_at, ends_at, state in rows
        ]

    def _key(self, wrapped: bytes | None) -> bytes:
        return self._instance.unwrap(wrapped) if wrapped else self._instance.derived("urls")


# The first key has no row: a fresh installation holds nothing, and a restored one what it had.
_ROTATE = """
    insert into secrets.url_keys (number, wrapped, older_until)
    select coalesce(max(number), 1) + 1, %(wrapped)s, now() + %(keep)s from secrets.url_keys"""
_KEYS = """
    select number, wrapped, made_at, ends_at, state from (
        select number, wrapped, made_at, ends_at, case when ends_at is null then 'signing'
            when ends_at <= now() then 'ended' else 'verifying' end as state
        from (
            select number, wrapped, made_at, min(older_until) over (
                order by number rows between 1 following and unbounded following) as ends_at
            from (
                select 1 as number, null::bytea as wrapped, null::timestamptz as made_at,
                    null::timestamptz as older_until
                union all select number, wrapped, made_at, older_until from secrets.url_keys
            ) known
        ) succeeded
    ) keys"""
