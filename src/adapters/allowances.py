"""The Allowances port: what came in as appends count it, what left as the counter does."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from adapters.database import Database
from commands.transfers import Allowance
from domain import transfer
from domain.ids import AccountId
from domain.plan import Plan

REFRESH = 5.0
"""Seconds between looks for who has used up what may leave; counts are a second old at most."""


class PostgresAllowances:
    def __init__(
        self, database: Database, plans: Mapping[str, Plan], now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._plans = plans
        self._now = now
        self._spent: Mapping[AccountId, Allowance] = {}

    async def uploads(self, owner_id: AccountId) -> Allowance:
        now = self._now()
        counter = transfer.counter(owner_id, now)
        asked = {"owner": owner_id, "counter": counter}
        ((used, plan),) = await self._database.rows(_UPLOADS, asked)
        limit = self._plans[plan].upload_bytes if plan in self._plans else None
        left = transfer.left_of(now)
        return Allowance(limit=limit, used=used, counter=counter, left=left, plan=plan)

    async def downloads(self, owner_id: AccountId) -> Allowance:
        now = self._now()
        asked = {"owner": owner_id, "month": transfer.begin_of(now).date()}
        ((used, plan),) = await self._database.rows(_DOWNLOADS, asked)
        limit = self._plans[plan].download_bytes if plan in self._plans else None
        return self._of(owner_id, used, limit)

    def spent(self, owner_id: AccountId) -> Allowance | None:
        return self._spent.get(owner_id)

    async def refresh(self) -> None:
        """Raises Unavailable."""
        limits = {name: it.download_bytes for name, it in self._plans.items() if it.download_bytes}
        asked: dict[str, Any] = {
            "month": transfer.begin_of(self._now()).date(),
            "plans": list(limits),
            "limits": list(limits.values()),
            "least": min(limits.values(), default=transfer.BOUNDLESS),
        }
        self._spent = {
            AccountId(id): self._of(AccountId(id), used, limit)
            for id, used, limit in await self._database.rows(_SPENT, asked)
        }

    def _of(self, owner_id: AccountId, used: int, limit: int | None) -> Allowance:
        left = transfer.left_of(self._now())
        return Allowance(limit=limit, used=used, counter=owner_id, left=left)


_PLAN = """coalesce((select plan from accounts.profiles where id = %(owner)s),
        (select plan from organizations.organizations where id = %(owner)s))"""
_UPLOADS = f"""
    select coalesce((select used from log.account_usage where account_id = %(counter)s), 0),
        {_PLAN}"""  # noqa: S608 - our own words
_DOWNLOADS = f"""
    select coalesce((select egress_bytes from counting.months
        where owner_id = %(owner)s and month = %(month)s), 0), {_PLAN}"""  # noqa: S608 - our own words
_SPENT = """
    select m.owner_id, m.egress_bytes, l.most
    from counting.months m
    left join accounts.profiles p on p.id = m.owner_id
    left join organizations.organizations o on o.id = m.owner_id
    join unnest(%(plans)s::text[], %(limits)s::bigint[]) l (plan, most)
        on l.plan = coalesce(p.plan, o.plan)
    where m.month = %(month)s and m.egress_bytes >= %(least)s and m.egress_bytes >= l.most"""
