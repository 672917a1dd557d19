"""What people and programs prove themselves by."""

from typing import Any, Protocol

import msgspec

from domain.access import Scope
from domain.ids import AccountId, KeyId, SessionId, TokenId


class Passwords(Protocol):
    async def set(self, account_id: AccountId, password: str) -> None:
        """Hash and keep; replaces the old one. Durable when it returns."""
        ...

    async def verify(self, account_id: AccountId | None, password: str) -> bool:
        """Costs the same for an unknown account (None) as for a wrong password."""
        ...

    async def forget(self, account_id: AccountId) -> None: ...


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says of its bearer. Whether it still holds, is asked apart."""

    account_id: AccountId
    session_id: SessionId | None = None
    """One of the two: where somebody signed in,"""
    key_id: KeyId | None = None
    """or the API key that it was traded for."""
    scopes: frozenset[Scope]


class AccessTokens(Protocol):
    def issue(self, claims: Claims) -> tuple[str, int]:
        """A bearer token and the seconds it lives."""
        ...

    def verify(self, token: str) -> Claims:
        """Raises Unauthenticated for anything we did not issue, or that has expired."""
        ...

    def jwks(self) -> dict[str, Any]:
        """RFC 7517: the public keys."""
        ...


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
    """Who is behind a bearer token, as of this very moment."""

    async def check(self, token: str) -> Bearer:
        """Raises Unauthenticated for anything we did not issue, or that no longer holds."""
        ...

    async def client(self, secret: str) -> Bearer:
        """The same for an API key, and nothing that was traded for one."""
        ...
