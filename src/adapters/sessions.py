"""Sessions: families of refresh tokens, of which only the newest lives (RFC 9700, 4.14.2)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from adapters.database import Database
from adapters.secret_tokens import hashed, made
from commands.ports import Clock
from commands.sessions import Device, OpenSession, Session
from domain.ids import AccountId, SessionId
from domain.refusals import Unauthenticated

PREFIX = "drt_"


class PostgresSessions:
    """The Sessions port over secrets.sessions and secrets.refresh_tokens."""

    def __init__(self, database: Database, *, lifetime: timedelta, now: Clock) -> None:
        self._database = database
        self._lifetime = lifetime
        self._now = now

    async def open(self, account_id: AccountId, device: Device) -> Session:
        token, family = made(PREFIX), SessionId(uuid4())
        await self._database.write(
            _OPEN, self._parameters(token, device, id=family, account=account_id)
        )
        return Session(account_id=account_id, family=family, refresh_token=token)

    async def rotate(self, refresh_token: str, device: Device) -> Session:
        token, old = made(PREFIX), hashed(refresh_token)
        rows = await self._database.changed(_ROTATE, self._parameters(token, device, old=old))
        if not rows:  # unknown, expired, or used before: then somebody has a copy
            await self._database.write(_END_FAMILY, {"hash": old})
            raise Unauthenticated
        family, account_id = rows[0]
        return Session(account_id=AccountId(account_id), family=family, refresh_token=token)

    async def close(self, refresh_token: str) -> None:
        await self._database.write(_END_FAMILY, {"hash": hashed(refresh_token)})

    async def of(self, account_id: AccountId) -> Sequence[OpenSession]:
        rows = await self._database.rows(_LIST, {"account": account_id, "now": self._now()})
        return [
            OpenSession(
                id=SessionId(id),
                opened_at=opened_at,
                last_used_at=last_used_at,
                expires_at=expires_at,
                device=Device(client=client, agent=agent),
            )
            for id, opened_at, last_used_at, expires_at, client, agent in rows
        ]

    async def end(self, account_id: AccountId, session_id: SessionId) -> bool:
        return bool(await self._database.write(_END, {"id": session_id, "account": account_id}))

    async def end_all(self, account_id: AccountId, *, but: SessionId | None = None) -> None:
        await self._database.write(_END_ALL, {"account": account_id, "but": but})

    async def sweep(self) -> None:
        """Forget what has expired."""
        await self._database.write(_SWEEP, {"now": self._now()})

    def _parameters(self, token: str, device: Device, **more: Any) -> dict[str, Any]:
        now = self._now()
        return more | {
            "new": hashed(token),
            "now": now,
            "expires": now + self._lifetime,
            "client": device.client,
            "agent": device.agent,
        }


_OPEN = """
    with opened as (
        insert into secrets.sessions
            (id, account_id, opened_at, last_used_at, expires_at, client, agent)
        values (%(id)s, %(account)s, %(now)s, %(now)s, %(expires)s, %(client)s, %(agent)s)
    ) insert into secrets.refresh_tokens (hash, family, account_id, expires_at)
    values (%(new)s, %(id)s, %(account)s, %(expires)s)"""
_ROTATE = """
    with living as (
        update secrets.sessions s
        set last_used_at = %(now)s, expires_at = %(expires)s,
            client = %(client)s, agent = %(agent)s
        from secrets.refresh_tokens t
        where t.hash = %(old)s and not t.used and t.expires_at > %(now)s and s.id = t.family
        returning s.id
    ), used as (
        update secrets.refresh_tokens set used = true
        where hash = %(old)s and not used and family in (select id from living)
        returning family, account_id
    ) insert into secrets.refresh_tokens (hash, family, account_id, expires_at)
    select %(new)s, family, account_id, %(expires)s from used returning family, account_id"""
_END_FAMILY = """
    with ended as (
        delete from secrets.sessions
        where id = (select family from secrets.refresh_tokens where hash = %(hash)s)
    ) delete from secrets.refresh_tokens
    where family = (select family from secrets.refresh_tokens where hash = %(hash)s)"""
_LIST = """
    select id, opened_at, last_used_at, expires_at, client, agent from secrets.sessions
    where account_id = %(account)s and expires_at > %(now)s order by last_used_at desc, id"""
_END = """
    with ended as (
        delete from secrets.sessions where id = %(id)s and account_id = %(account)s returning id
    ), dead as (
        delete from secrets.refresh_tokens where family in (select id from ended)
    ) select 1 from ended"""
_END_ALL = """
    with ended as (
        delete from secrets.sessions
        where account_id = %(account)s and id is distinct from %(but)s::uuid returning id
    ) delete from secrets.refresh_tokens where family in (select id from ended)"""
_SWEEP = """
    with ended as (
        delete from secrets.sessions where expires_at <= %(now)s returning id
    ) delete from secrets.refresh_tokens
    where family in (select id from ended) or expires_at <= %(now)s"""
