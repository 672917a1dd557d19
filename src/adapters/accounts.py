"""The Accounts port over the read model in Postgres."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from adapters.database import Database
from domain.ids import AccountId
from domain.refusals import Validation
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
            last = _cursor(sought.cursor)
            parameters |= {"created_at": last.created_at, "id": last.id}
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
            next_cursor=_Cursor(shown[-1].created_at, shown[-1].id).text if more else None,
        )


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    created_at: Annotated[datetime, Meta(tz=True)]
    id: UUID

    @property
    def text(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def _cursor(text: str) -> _Cursor:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Validation(errors=[{"field": "cursor", "message": "is not one of ours"}]) from error


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
