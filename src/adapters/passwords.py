"""Passwords: argon2id, hashed in threads, a bounded number at a time."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from adapters.database import Database
from domain.ids import AccountId

T = TypeVar("T")

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # OWASP; 25 ms here
_NOBODYS = _HASHER.hash("the hash that an unknown account is checked against")


class Argon2Passwords:
    """The Passwords port over secrets.passwords. `at_once` bounds memory: 19 MiB for each."""

    def __init__(self, database: Database, *, at_once: int = 2) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(at_once)

    async def set(self, account_id: AccountId, password: str) -> None:
        await self._keep(account_id, await self.hashed(password))

    async def verify(self, account_id: AccountId | None, password: str) -> bool:
        known = await self._hash_of(account_id) if account_id else None
        if not await self.fits(known, password) or known is None:
            return False
        if account_id and _HASHER.check_needs_rehash(known):
            await self.set(account_id, password)
        return True

    async def forget(self, account_id: AccountId) -> None:
        await self._database.write(
            "delete from secrets.passwords where account_id = %s", (account_id,)
        )

    async def hashed(self, password: str) -> str:
        return await self._hashing(lambda: _HASHER.hash(password))

    async def fits(self, hash: str | None, password: str) -> bool:
        """Costs the same for no hash at all."""
        matches = await self._hashing(lambda: _matches(hash or _NOBODYS, password))
        return hash is not None and matches

    async def _hash_of(self, account_id: AccountId) -> str | None:
        rows = await self._database.rows(
            "select hash from secrets.passwords where account_id = %s", (account_id,)
        )
        return rows[0][0] if rows else None

    async def _keep(self, account_id: AccountId, hash: str) -> None:
        await self._database.write(
            "insert into secrets.passwords values (%s, %s)"
            " on conflict (account_id) do update set hash = excluded.hash",
            (account_id, hash),
        )

    async def _hashing(self, work: Callable[[], T]) -> T:
        async with self._turns:
            return await asyncio.to_thread(work)


def _matches(hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(hash, password)
    except (VerificationError, InvalidHashError):
        return False
