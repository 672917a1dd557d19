"""The Accounts port over the read model in Postgres."""

from typing import Any

import msgspec

from adapters.database import Database
from adapters.listed import listed
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

    async def search(self, sought: Sought) -> Found:
        where, parameters = _conditions(sought)
        profiles, total, following = await listed(
            self._database,
            _PROFILE,
            table="accounts.profiles",
            at="created_at",
            where=where,
            parameters=parameters,
            limit=sought.limit,
            page=sought.page,
            cursor=sought.cursor,
            newest=True,
        )
        return Found(profiles=profiles, total=total, next_cursor=following)


def _conditions(sought: Sought) -> tuple[str, dict[str, Any]]:
    """Found as it is written: nothing a caller sends is a pattern."""
    parameters: dict[str, Any] = {}
    where = ["true"]
    if sought.text:
        parameters["text"] = sought.text.lower()
        where.append(
            "(strpos(lower(r.username), %(text)s) > 0 or strpos(lower(r.email), %(text)s) > 0)"
        )
    if sought.plan is not None:
        parameters["plan"] = sought.plan
        where.append("r.plan = %(plan)s")
    if sought.suspended is not None:
        parameters["suspended"] = sought.suspended
        where.append("r.suspended = %(suspended)s")
    return " and ".join(where), parameters
