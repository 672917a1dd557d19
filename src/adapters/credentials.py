"""The Credentials port: tokens by their signature, and what they stand for by the read model."""

from adapters.database import Database
from commands.credentials import Bearer
from commands.ports import AccessTokens

UNKNOWN_PLAN = ""
"""Of an account that the read model does not know yet."""


class BearerCredentials:
    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._database = database
        self._tokens = tokens

    async def check(self, token: str) -> Bearer:
        account_id = self._tokens.verify(token)
        rows = await self._database.rows(_PLAN, (account_id,))
        return Bearer(account_id=account_id, plan=rows[0][0] if rows else UNKNOWN_PLAN)


_PLAN = "select plan from accounts.profiles where id = %s"
