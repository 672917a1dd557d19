"""The Bars port over secrets.bars."""

from adapters.database import Database
from domain.ids import AccountId


class PostgresBars:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def bar(self, account_id: AccountId) -> None:
        await self._database.write(
            "insert into secrets.bars values (%s) on conflict do nothing", (account_id,)
        )

    async def lift(self, account_id: AccountId) -> None:
        await self._database.write("delete from secrets.bars where account_id = %s", (account_id,))
