"""The SecondFactors port over tables of secrets."""

from collections.abc import Sequence

from adapters.database import Database
from adapters.sealing import Sealer
from adapters.secret_tokens import hashed
from commands.second_factor import Factor
from domain.ids import AccountId


class PostgresSecondFactors:
    def __init__(self, database: Database, sealer: Sealer, pepper: bytes) -> None:
        self._database = database
        self._sealer = sealer
        self._pepper = pepper.hex()
        """Recovery codes are short: who reads the database must not be able to try them all."""

    async def find(self, account_id: AccountId) -> Factor | None:
        rows = await self._database.rows(_FIND, (account_id,))
        if not rows:
            return None
        sealed, confirmed = rows[0]
        return Factor(secret=self._sealer.open(sealed, account_id.bytes), confirmed=confirmed)

    async def propose(self, account_id: AccountId, secret: bytes) -> None:
        sealed = self._sealer.seal(secret, account_id.bytes)
        await self._database.write(_PROPOSE, (account_id, sealed))

    async def use(self, account_id: AccountId, step: int) -> bool:
        return bool(await self._database.write(_USE, (step, account_id, step)))

    async def confirm(self, account_id: AccountId, recovery_codes: Sequence[str]) -> None:
        hashes = [self._hashed(account_id, code) for code in recovery_codes]
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_FORGET_CODES, (account_id,))
            await connection.execute(_KEEP_CODES, (account_id, hashes))
            await connection.execute(_CONFIRM, (account_id,))

    async def recover(self, account_id: AccountId, recovery_code: str) -> bool:
        return bool(
            await self._database.write(
                _RECOVER, (account_id, self._hashed(account_id, recovery_code))
            )
        )

    async def forget(self, account_id: AccountId) -> None:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_FORGET_CODES, (account_id,))
            await connection.execute(
                "delete from secrets.second_factors where account_id = %s", (account_id,)
            )

    def _hashed(self, account_id: AccountId, code: str) -> bytes:
        return hashed(f"{self._pepper} {account_id.hex} {code}")


_FIND = "select secret, confirmed from secrets.second_factors where account_id = %s"
_PROPOSE = """
    insert into secrets.second_factors as f (account_id, secret) values (%s, %s)
    on conflict (account_id) do update set secret = excluded.secret, last_step = 0
    where not f.confirmed"""
_USE = """
    update secrets.second_factors set last_step = %s where account_id = %s and last_step < %s"""
_CONFIRM = "update secrets.second_factors set confirmed = true where account_id = %s"
_FORGET_CODES = "delete from secrets.recovery_codes where account_id = %s"
_KEEP_CODES = """
    insert into secrets.recovery_codes (account_id, hash)
    select %s, unnest(%s::bytea[])"""
_RECOVER = "delete from secrets.recovery_codes where account_id = %s and hash = %s"
