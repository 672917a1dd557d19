"""The Bars port over secrets.bars."""

from adapters.database import Database
from domain.ids import AccountId


class PostgresBars:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def bar(self, account_id: AccountId) -> None:
        await self._run("insert into secrets.bars values (%s) on conflict do nothing", account_id)

    async def lift(self, account_id: AccountId) -> None:
        await self._run("delete from secrets.bars where account_id = %s", account_id)

    async def _run(self, statement: str, account_id: AccountId) -> None:
        async with self._database.connection() as connection:
            await connection.execute(statement.encode(), (account_id,))
