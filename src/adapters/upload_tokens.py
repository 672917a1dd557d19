"""The UploadTokens port over tables of secrets."""

from collections.abc import Mapping

from adapters.database import Database
from adapters.secret_tokens import hashed, made
from commands.upload_tokens import Terms
from domain.ids import AccountId, ImageId, TokenId
from domain.media import Format
from domain.refusals import FileTooLarge, UploadTokenSpent
from domain.upload_token import UploadToken

PREFIX = "dru_"


class PostgresUploadTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, account_id: AccountId, token_id: TokenId, token: UploadToken) -> str:
        secret = made(PREFIX)
        row = {
            "id": token_id,
            "account": account_id,
            "hash": hashed(secret),
            "number": token.number,
            "max_bytes": token.max_bytes,
            "format": token.format,
            "album": token.album_id,
            "expires_at": token.expires_at,
        }
        await self._database.write(_KEEP, row)
        return secret

    async def forget(self, account_id: AccountId, token_id: TokenId) -> None:
        await self._database.write(_FORGET, (token_id, account_id))

    async def remaining(self, account_id: AccountId) -> Mapping[TokenId, int]:
        rows = await self._database.rows(_REMAINING, (account_id,))
        return {TokenId(id): remaining for id, remaining in rows}

    async def take(self, token_id: TokenId, image_id: ImageId, size: int) -> Terms:
        async with self._database.connection() as connection, connection.transaction():
            row = await (await connection.execute(_LOCK, (token_id,))).fetchone()
            if row is None:
                raise UploadTokenSpent
            remaining, max_bytes, format, album_id = row
            if max_bytes is not None and size > max_bytes:
                raise FileTooLarge(limitBytes=max_bytes, requestedBytes=size)
            taken = await connection.execute(_NOTE, {"image": image_id, "token": token_id})
            if taken.rowcount:
                if remaining < 1:
                    raise UploadTokenSpent
                await connection.execute(_COUNT, (-1, token_id))
        return Terms(format=Format(format) if format else None, album_id=album_id)

    async def give_back(self, token_id: TokenId, image_id: ImageId) -> None:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_LOCK, (token_id,))
            gone = await connection.execute(_UNNOTE, (image_id, token_id))
            await connection.execute(_COUNT, (gone.rowcount, token_id))

    async def took(self, token_id: TokenId, image_id: ImageId) -> bool:
        return bool(await self._database.rows(_TOOK, (image_id, token_id)))


_KEEP = """
    insert into secrets.upload_tokens
        (id, account_id, hash, remaining, max_bytes, format, album_id, expires_at)
    values (%(id)s, %(account)s, %(hash)s, %(number)s, %(max_bytes)s, %(format)s, %(album)s,
        %(expires_at)s)
    on conflict (id) do update set hash = excluded.hash"""
_FORGET = "delete from secrets.upload_tokens where id = %s and account_id = %s"
_REMAINING = "select id, remaining from secrets.upload_tokens where account_id = %s"
_LOCK = """
    select remaining, max_bytes, format, album_id from secrets.upload_tokens
    where id = %s for update"""
_NOTE = """
    insert into secrets.guest_uploads (image_id, token_id, account_id)
    select %(image)s, id, account_id from secrets.upload_tokens where id = %(token)s
    on conflict do nothing"""
_COUNT = "update secrets.upload_tokens set remaining = remaining + %s where id = %s"
_UNNOTE = "delete from secrets.guest_uploads where image_id = %s and token_id = %s"
_TOOK = "select 1 from secrets.guest_uploads where image_id = %s and token_id = %s"
