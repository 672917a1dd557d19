"""The Usages port: the counters that quotas are held to, beside what was noted of them."""

from collections.abc import Sequence
from uuid import UUID

from adapters.database import Database
from domain.ids import AccountId
from domain.plan import SLACK, THRESHOLDS
from projections.thresholds import Usage


class PostgresUsages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def unsettled(self, *, after: AccountId | None, limit: int) -> Sequence[Usage]:
        parameters = {
            "after": after or UUID(int=0),
            "limit": limit,
            "thresholds": list(THRESHOLDS),
            "slack": SLACK,
        }
        rows = await self._database.rows(_UNSETTLED, parameters)
        return [
            Usage(account_id=AccountId(id), organization=organization, used=used, quota=quota)
            for id, organization, used, quota in rows
        ]


# Whoever has passed the next threshold, or is well below the last one that was noted.
_UNSETTLED = """
    select u.account_id, p.organization, u.used, u.quota
    from log.quota_usage u join (
        select id, false as organization, reached from accounts.profiles
        union all select id, true, reached from organizations.organizations) p
        on p.id = u.account_id
    where u.account_id > %(after)s and (
        exists (select from unnest(%(thresholds)s::int[]) as t (percent)
            where t.percent > p.reached and u.used > 0
            and u.used::numeric * 100 >= u.quota::numeric * t.percent)
        or p.reached > 0
            and u.used::numeric * 100 <= u.quota::numeric * (p.reached - %(slack)s))
    order by u.account_id limit %(limit)s"""
