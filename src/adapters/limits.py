"""The Limiter port in Postgres: whatever is asked while a statement is under way goes in the next.

However busy a process is, it has one statement at a time on its way, and its cost is shared.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, repeat

import structlog

from adapters.database import Database
from domain.limits import MICRO, Count, Policy
from domain.refusals import Unavailable

PATIENCE = 0.5
"""Seconds that a request may wait to be counted."""
PAUSE = 1.0
"""Seconds without counting, where it was waited for in vain."""
MANY = 10_000

_Asked = tuple[Policy, str]
_Waiting = dict[_Asked, list["asyncio.Future[Count]"]]

_log = structlog.get_logger()


class PostgresLimiter:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: _Waiting = defaultdict(list)
        self._working: asyncio.Task[None] | None = None
        self._refused: dict[_Asked, tuple[float, Count]] = {}
        """Who can get nothing before a known moment: used cells never come back earlier."""
        self._silent_until = 0.0

    async def take(self, policy: Policy, key: str) -> Count:
        loop = asyncio.get_running_loop()
        if loop.time() < self._silent_until:
            raise Unavailable(dependency="database")
        if count := self._still_refused((policy, key), loop.time()):
            return count
        answer: asyncio.Future[Count] = loop.create_future()
        self._waiting[policy, key].append(answer)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def give_back(self, policy: Policy, key: str) -> None:
        await self._database.write(_GIVE_BACK, (policy.every, _name(policy, key)))

    async def sweep(self) -> None:
        """Forget who has everything back."""
        await self._database.run(_SWEEP)

    async def _work(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, defaultdict(list)
            try:
                async with asyncio.timeout(PATIENCE):
                    counted = await self._count(waiting)
            except (Unavailable, TimeoutError):
                _log.warning("nothing is counted", pause=PAUSE)
                self._silent_until = asyncio.get_running_loop().time() + PAUSE
                _refuse(waiting, Unavailable(dependency="database"))
            except Exception as error:
                _refuse(waiting, error)
                raise
            else:
                self._tell(waiting, counted)

    async def _count(self, waiting: _Waiting) -> dict[str, Sequence[int]]:
        columns = (
            [_name(policy, key) for policy, key in waiting],
            [len(answers) for answers in waiting.values()],
            [policy.most for policy, _ in waiting],
            [policy.every for policy, _ in waiting],
            [policy.step for policy, _ in waiting],
        )
        async with self._database.connection() as connection:
            cursor = await connection.execute(_TAKE, columns, prepare=True)
            return {key: figures for key, *figures in await cursor.fetchall()}

    def _tell(self, waiting: _Waiting, counted: dict[str, Sequence[int]]) -> None:
        now = asyncio.get_running_loop().time()
        for (policy, key), answers in waiting.items():
            since, at, used_until, granted = counted[_name(policy, key)]
            fates = chain(repeat(True, granted), repeat(False))
            for place, (answer, fate) in enumerate(zip(answers, fates, strict=False), start=1):
                later = max(granted - place, 0) * policy.every
                """What those behind it in the same statement have used."""
                count = Count(
                    policy=policy,
                    granted=fate,
                    since=since,
                    at=at,
                    used_until=used_until - later,
                )
                if not answer.done():
                    answer.set_result(count)
            if granted < len(answers):
                self._remember((policy, key), count, now)

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


def _refuse(waiting: _Waiting, error: Exception) -> None:
    for answer in chain.from_iterable(waiting.values()):
        if not answer.done():
            answer.set_exception(error)


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
