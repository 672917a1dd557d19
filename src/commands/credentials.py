"""Who is behind a bearer token, as of this very moment."""

from typing import Protocol

import msgspec

from domain.access import Scope
from domain.ids import AccountId, KeyId, SessionId, TokenId


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    plan: str
    scopes: frozenset[Scope]
    session_id: SessionId | None = None
    """Where somebody signed in."""
    key_id: KeyId | None = None
    """Where it is an API key."""
    token_id: TokenId | None = None
    """Where it is an upload token: in the hands of a guest."""


class Credentials(Protocol):
    async def check(self, token: str) -> Bearer:
        """Raises Unauthenticated for anything we did not issue, or that no longer holds."""
        ...

    async def client(self, secret: str) -> Bearer:
        """The same for an API key, and nothing that was traded for one."""
        ...
