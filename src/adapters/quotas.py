"""The Quotas port: the counters that quotas are held to."""

import msgspec

from adapters.database import Database
from domain.plan import THRESHOLDS
from projections.quotas import Holder, Overview


class PostgresQuotas:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def overview(self, *, limit: int) -> Overview:
        ((holders, used, derivatives, quota),) = await self._database.rows(_TOTALS)
        reached = await self._database.rows(_REACHED, (list(THRESHOLDS),))
        fullest = await self._database.records(_FULLEST, (limit,))
        return Overview(
            holders=holders,
            used=int(used),
            derivatives=int(derivatives),
            quota=int(quota),
            reached=dict(reached),
            fullest=msgspec.convert(fullest, list[Holder]),
        )


# An erased account's counter stays, without room; what came in in a month is counted beside them.
_HOLDING = """u.quota > 0 and (exists (select from accounts.profiles p where p.id = u.account_id)
        or exists (select from organizations.organizations o where o.id = u.account_id))"""
_TOTALS = f"""
    select count(*), coalesce(sum(used), 0), coalesce(sum(derivatives), 0), coalesce(sum(quota), 0)
    from log.quota_usage u where {_HOLDING}"""  # noqa: S608 - our own words
_REACHED = f"""
    select t.percent, count(u.account_id)
    from unnest(%s::int[]) as t (percent) left join log.quota_usage u
    on {_HOLDING} and u.used::numeric * 100 >= u.quota::numeric * t.percent
    group by t.percent order by t.percent"""  # noqa: S608 - our own words
_FULLEST = """
    select u.account_id as id, p.id is null as organization,
        coalesce(p.username, o.name) as name, coalesce(p.plan, o.plan) as plan,
        u.used, u.derivatives, u.quota
    from log.quota_usage u
    left join accounts.profiles p on p.id = u.account_id
    left join organizations.organizations o on o.id = u.account_id
    where u.quota > 0 and coalesce(p.id, o.id) is not null
    order by u.used::numeric / u.quota desc, u.account_id limit %s"""
