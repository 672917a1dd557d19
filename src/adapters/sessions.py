"""Sessions: families of refresh tokens, of which only the newest lives (RFC 9700, 4.14.2)."""

import hashlib
import secrets
from datetime import timedelta
from uuid import uuid4

from adapters.database import Database
from commands.ports import Clock, Session
from domain.ids import AccountId
from domain.refusals import Unauthenticated

PREFIX = "drt_"

_ROTATE = """
    with used as (
        update secrets.refresh_tokens set used = true
        where hash = %(old)s and not used and expires_at > %(now)s
        returning family, account_id
    ) insert into secrets.refresh_tokens (hash, family, account_id, expires_at)
    select %(new)s, family, account_id, %(expires)s from used returning family, account_id"""
_END_FAMILY = """
    delete from secrets.refresh_tokens
    where family = (select family from secrets.refresh_tokens where hash = %s)"""


class PostgresSessions:
    """The Sessions port over secrets.refresh_tokens."""

    def __init__(self, database: Database, *, lifetime: timedelta, now: Clock) -> None:
        self._database = database
        self._lifetime = lifetime
        self._now = now

    async def open(self, account_id: AccountId) -> Session:
        token, family = _token(), uuid4()
        async with self._database.connection() as connection:
            await connection.execute(
                "insert into secrets.refresh_tokens (hash, family, account_id, expires_at)"
                " values (%s, %s, %s, %s)",
                (_hash(token), family, account_id, self._now() + self._lifetime),
            )
        return Session(account_id=account_id, family=family, refresh_token=token)

    async def rotate(self, refresh_token: str) -> Session:
        token, now = _token(), self._now()
        parameters = {
            "old": _hash(refresh_token),
            "new": _hash(token),
            "now": now,
            "expires": now + self._lifetime,
        }
        async with self._database.connection() as connection:
            row = await (await connection.execute(_ROTATE, parameters)).fetchone()
            if row is None:  # unknown, expired, or used before: then somebody has a copy
                await connection.execute(_END_FAMILY, (_hash(refresh_token),))
                raise Unauthenticated
        family, account_id = row
        return Session(account_id=AccountId(account_id), family=family, refresh_token=token)

    async def close(self, refresh_token: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute(_END_FAMILY, (_hash(refresh_token),))


def _token() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
