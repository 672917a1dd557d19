"""The Accounts port over the read model in Postgres."""

from typing import Any

import msgspec

from adapters.cursors import Cursor
from adapters.database import Database
from domain.ids import AccountId
from projections.accounts import Found, Profile, Sought

_PROFILE = msgspec.json.Decoder(Profile)


class PostgresAccounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, account_id: AccountId) -> Profile | None:
        rows = await self._database.rows(
            "select row_to_json(p)::text from accounts.profiles p where id = %s", (account_id,)
        )
        return _PROFILE.decode(rows[0][0]) if rows else None

    async def plan(self, account_id: AccountId) -> str | None:
        """The PlanOf port."""
        rows = await self._database.rows(
            "select plan from accounts.profiles where id = %s", (account_id,)
        )
        return str(rows[0][0]) if rows else None

    async def search(self, sought: Sought) -> Found:
        where, parameters = _conditions(sought)
        ((total,),) = await self._database.rows(
            f"select count(*) from accounts.profiles p where {where}", parameters
        )
        if sought.cursor:
            where += " and (p.created_at, p.id) < (%(created_at)s, %(id)s)"
            last = Cursor.read(sought.cursor)
            parameters |= {"created_at": last.at, "id": last.id}
        offset = 0 if sought.cursor else (sought.page - 1) * sought.limit
        rows = await self._database.rows(
            f"select row_to_json(p)::text from accounts.profiles p where {where}"
            " order by p.created_at desc, p.id desc limit %(limit)s offset %(offset)s",
            parameters | {"limit": sought.limit + 1, "offset": offset},
        )
        profiles = [_PROFILE.decode(row) for (row,) in rows]
        shown = profiles[: sought.limit]
        more = len(profiles) > sought.limit
        return Found(
            profiles=shown,
            total=total,
            next_cursor=Cursor(shown[-1].created_at, shown[-1].id).text if more else None,
        )


def _conditions(sought: Sought) -> tuple[str, dict[str, Any]]:
    """Found as it is written: nothing a caller sends is a pattern."""
    parameters: dict[str, Any] = {}
    where = ["true"]
    if sought.text:
        parameters["text"] = sought.text.lower()
        where.append(
            "(strpos(lower(p.username), %(text)s) > 0 or strpos(lower(p.email), %(text)s) > 0)"
        )
    if sought.plan is not None:
        parameters["plan"] = sought.plan
        where.append("p.plan = %(plan)s")
    if sought.suspended is not None:
        parameters["suspended"] = sought.suspended
        where.append("p.suspended = %(suspended)s")
    return " and ".join(where), parameters
