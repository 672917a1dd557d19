"""The SharePasswords port over secrets.share_passwords; and a place that erasure visits."""

from uuid import UUID

from adapters.database import Database
from adapters.passwords import Argon2Passwords
from commands.erasure import Erasure
from domain.ids import ShareId


class PostgresSharePasswords:
    def __init__(self, database: Database, hashing: Argon2Passwords) -> None:
        self._database = database
        self._hashing = hashing

    async def keep(self, share_id: ShareId, of: UUID, password: str) -> None:
        hash = await self._hashing.hashed(password)
        await self._database.write(_KEEP, (share_id, of, hash))

    async def fits(self, share_id: ShareId, password: str) -> bool:
        query = "select hash from secrets.share_passwords where share_id = %s"
        rows = await self._database.rows(query, (share_id,))
        return await self._hashing.fits(rows[0][0] if rows else None, password)

    async def forget(self, share_id: ShareId) -> None:
        query = "delete from secrets.share_passwords where share_id = %s"
        await self._database.write(query, (share_id,))


class Locks:
    """Of an image or an album: the passwords of its links."""

    name = "share passwords"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def clear(self, erasure: Erasure) -> int:
        query = "delete from secrets.share_passwords where subject_id = %s"
        return await self._database.write(query, (erasure.subject,))


_KEEP = """
    insert into secrets.share_passwords (share_id, subject_id, hash) values (%s, %s, %s)
    on conflict (share_id) do nothing"""
