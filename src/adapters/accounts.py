"""The Accounts port over the read model in Postgres."""

import msgspec

from adapters.database import Database
from domain.ids import AccountId
from projections.accounts import Profile

_PROFILE = msgspec.json.Decoder(Profile)


class PostgresAccounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, account_id: AccountId) -> Profile | None:
        rows = await self._database.rows(
            "select row_to_json(p)::text from accounts.profiles p where id = %s", (account_id,)
        )
        return _PROFILE.decode(rows[0][0]) if rows else None
