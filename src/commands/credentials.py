"""Who is behind a bearer token, as of this very moment."""

from typing import Protocol

import msgspec

from domain.ids import AccountId


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    plan: str


class Credentials(Protocol):
    async def check(self, token: str) -> Bearer:
        """Raises Unauthenticated for anything we did not issue, or that no longer holds."""
        ...
