"""The ApiKeys port over secrets.api_keys."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from adapters.database import Database
from adapters.secret_tokens import hashed, made
from domain.api_key import ApiKey
from domain.ids import AccountId, KeyId

PREFIX = "drk_"
FLUSH = 5.0
"""Seconds between notes of which keys were used."""


class PostgresApiKeys:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[KeyId, datetime] = {}

    async def keep(self, account_id: AccountId, key_id: KeyId, key: ApiKey) -> str:
        secret = made(PREFIX)
        row = (key_id, account_id, hashed(secret), sorted(key.scopes), key.expires_at)
        await self._database.write(_KEEP, row)
        return secret

    async def forget(self, key_ids: Sequence[KeyId]) -> None:
        await self._database.write(
            "delete from secrets.api_keys where id = any(%s)", (list(key_ids),)
        )

    async def last_used(self, account_id: AccountId) -> Mapping[KeyId, datetime]:
        rows = await self._database.rows(_LAST_USED, (account_id,))
        return {KeyId(id): at for id, at in rows}

    def used(self, key_id: KeyId) -> None:
        """Just now. No request waits until that is written down."""
        self._used[key_id] = datetime.now(UTC)

    async def flush(self) -> None:
        """Write down which keys were used."""
        used, self._used = self._used, {}
        if used:
            await self._database.write(_USED, (list(used), list(used.values())))


_KEEP = """
    insert into secrets.api_keys (id, account_id, hash, scopes, expires_at)
    values (%s, %s, %s, %s, %s) on conflict (id) do update set hash = excluded.hash"""
_LAST_USED = """
    select id, last_used_at from secrets.api_keys
    where account_id = %s and last_used_at is not null"""
_USED = """
    update secrets.api_keys k set last_used_at = greatest(k.last_used_at, u.at)
    from unnest(%s::uuid[], %s::timestamptz[]) as u (id, at) where k.id = u.id"""
