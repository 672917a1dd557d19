"""The Reports port: what was metered, by period and owner, and what is not metered yet."""

from collections.abc import Collection, Sequence
from datetime import datetime

from adapters.database import Database
from adapters.metering import usage_of, used_by
from domain.ids import AccountId
from domain.statement import FIELDS
from projections.metering import Due, Line, Owner


class PostgresReports:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(
        self,
        since: datetime,
        until: datetime,
        *,
        by_day: bool,
        owners: Collection[AccountId] | None,
    ) -> Sequence[Line]:
        asked = {
            "since": since,
            "until": until,
            "form": "YYYY-MM-DD" if by_day else "YYYY-MM",
            "owners": None if owners is None else list(owners),
        }
        return [
            Line(
                period=period,
                owner=Owner(AccountId(id), organization),
                corrects=corrects,
                usage=usage_of(figures),
            )
            for period, id, organization, corrects, *figures in await self._database.rows(
                _REPORT, asked
            )
        ]

    async def unmetered(
        self, now: datetime, *, owners: Collection[AccountId] | None
    ) -> Sequence[Due]:
        rows = await self._database.rows("select hour from metering.progress")
        if not rows or rows[0][0] is None:
            return []
        since = rows[0][0]
        asked = {"hour": since, "until": now, "owners": None if owners is None else list(owners)}
        return [
            Due(Owner(AccountId(id), organization), since, usage_of(figures))
            for id, organization, *figures in await self._database.rows(_USED_BY_SOME, asked)
        ]


_NAMES = ", ".join(FIELDS)
_SUMS = ", ".join(f"sum({name}) as {name}" for name in FIELDS)
_USED_BY_SOME = used_by("and (%(owners)s::uuid[] is null or s.owner_id = any(%(owners)s))")
_REPORT = f"""
    with known as (
        select case when corrects then at else hour end as counted, hour, owner_id, organization,
            corrects, {_NAMES}
        from metering.lines
        where (%(owners)s::uuid[] is null or owner_id = any(%(owners)s)))
    select to_char(counted at time zone 'UTC', %(form)s) as period, owner_id,
        bool_or(organization),
        case when corrects then to_char(hour at time zone 'UTC', 'YYYY-MM') end as corrected,
        {_SUMS}
    from known where counted >= %(since)s and counted < %(until)s
    group by period, owner_id, corrected order by period, owner_id, corrected nulls first"""  # noqa: S608 - our own words
