"""The Limiter port in Postgres."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from adapters.database import Database
from adapters.together import Together
from domain.limits import MICRO, Count, Policy
from domain.refusals import Unavailable

PATIENCE = 0.5
"""Seconds that a request may wait to be counted."""
PAUSE = 1.0
"""Seconds without counting, where it was waited for in vain."""
MANY = 10_000

_Asked = tuple[Policy, str]

_log = structlog.get_logger()


class PostgresLimiter:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(self._take)
        self._refused: dict[_Asked, tuple[float, Count]] = {}
        """Who can get nothing before a known moment: used cells never come back earlier."""
        self._silent_until = 0.0

    async def take(self, policy: Policy, key: str) -> Count:
        now = asyncio.get_running_loop().time()
        if now < self._silent_until:
            raise Unavailable(dependency="database")
        if count := self._still_refused((policy, key), now):
            return count
        return await self._together.answer((policy, key))

    async def give_back(self, policy: Policy, key: str) -> None:
        await self._database.write(_GIVE_BACK, (policy.every, _name(policy, key)))

    async def sweep(self) -> None:
        """Forget who has everything back."""
        await self._database.run(_SWEEP)

    async def _take(self, asked: Mapping[_Asked, int]) -> Mapping[_Asked, Sequence[Count]]:
        try:
            async with asyncio.timeout(PATIENCE):
                taken = await self._count(asked)
        except (Unavailable, TimeoutError) as error:
            _log.warning("nothing is counted", pause=PAUSE)
            self._silent_until = asyncio.get_running_loop().time() + PAUSE
            raise Unavailable(dependency="database") from error
        return {it: self._told(it, many, *taken[_name(*it)]) for it, many in asked.items()}

    async def _count(self, asked: Mapping[_Asked, int]) -> Mapping[str, Sequence[int]]:
        columns = (
            [_name(policy, key) for policy, key in asked],
            list(asked.values()),
            [policy.most for policy, _ in asked],
            [policy.every for policy, _ in asked],
            [policy.step for policy, _ in asked],
        )
        async with self._database.connection() as connection:
            cursor = await connection.execute(_TAKE, columns, prepare=True)
            return {key: figures for key, *figures in await cursor.fetchall()}

    def _told(
        self, asked: _Asked, many: int, since: int, at: int, used_until: int, granted: int
    ) -> Sequence[Count]:
        """To each of so many what is left after it: those behind it have used the rest."""
        policy, _ = asked
        counts = [
            Count(
                policy=policy,
                granted=place <= granted,
                since=since,
                at=at,
                used_until=used_until - max(granted - place, 0) * policy.every,
            )
            for place in range(1, many + 1)
        ]
        if granted < many:
            self._remember(asked, counts[-1], asyncio.get_running_loop().time())
        return counts

    def _remember(self, asked: _Asked, count: Count, now: float) -> None:
        if len(self._refused) >= MANY:
            self._refused = {it: known for it, known in self._refused.items() if known[0] > now}
        if len(self._refused) < MANY:
            self._refused[asked] = (now + (count.next_at - count.at) / MICRO, count)

    def _still_refused(self, asked: _Asked, now: float) -> Count | None:
        until, count = self._refused.get(asked, (0.0, None))
        if count is None:
            return None
        if until <= now:
            del self._refused[asked]
            return None
        left = int((until - now) * MICRO)
        return Count(
            policy=count.policy,
            granted=False,
            since=count.since,
            at=count.next_at - left,
            used_until=count.used_until,
        )


def _name(policy: Policy, key: str) -> str:
    return f"{policy.name} {key}"


# Rows are locked in the order of their keys, so that two processes never wait for each other. The
# time is the database's, for all of them the same; one that waited for a row is late, never early.
_TAKE = """
    insert into limits.counts as c
        (key, since, at, used_until, asked, granted, most, every, step)
    select key, now, now, now + least(asked, most) * every, asked, least(asked, most),
        most, every, step
    from unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
            as a (key, asked, most, every, step),
        (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as now) clock
    order by key
    on conflict (key) do update set
        (since, at, used_until, asked, granted, most, every, step) = (
            select began, excluded.at, used + given * excluded.every, excluded.asked, given,
                excluded.most, excluded.every, excluded.step
            from (
                select began, used, greatest(0, least(excluded.asked,
                    (tick + excluded.most * excluded.every - used) / excluded.every)) as given
                from (
                    select began, tick, case when c.used_until <= excluded.at then began
                        when c.every = excluded.every then c.used_until
                        else tick + ((c.used_until - tick)::float8 * excluded.every
                            / c.every)::bigint end as used
                    from (
                        select began,
                            began + (excluded.at - began) / excluded.step * excluded.step as tick
                        from (
                            select case when c.used_until <= excluded.at then excluded.at
                                else least(c.since, excluded.at) end as began
                        ) rested
                    ) ticking
                ) carried
            ) counted
        )
    returning key, since, at, used_until, granted"""
_GIVE_BACK = "update limits.counts set used_until = used_until - %s where key = %s"
_SWEEP = """
    delete from limits.counts
    where used_until < (extract(epoch from clock_timestamp()) * 1000000)::bigint"""
