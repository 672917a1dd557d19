"""Where somebody is signed in, and from what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from commands.credentials import Claims
from domain.access import Scope
from domain.ids import AccountId, SessionId


class Session(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    family: SessionId
    refresh_token: str

    @property
    def claims(self) -> Claims:
        scopes = frozenset({Scope.PERSON})
        return Claims(account_id=self.account_id, session_id=self.family, scopes=scopes)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody signs in from."""

    client: str = ""
    """Its address."""
    agent: str = ""
    """What it calls itself."""


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    id: SessionId
    opened_at: datetime
    last_used_at: datetime
    """When it last traded its refresh token."""
    expires_at: datetime
    device: Device


class Sessions(Protocol):
    """Families of refresh tokens (RFC 9700, 4.14.2): one living head each."""

    async def open(self, account_id: AccountId, device: Device) -> Session: ...

    async def rotate(self, refresh_token: str, device: Device) -> Session:
        """The next head. A token used twice kills its whole family. Raises Unauthenticated."""
        ...

    async def close(self, refresh_token: str) -> None:
        """Ends the family; an unknown token is no error."""
        ...

    async def of(self, account_id: AccountId) -> Sequence[OpenSession]:
        """Those that can still go on, the last used first."""
        ...

    async def end(self, account_id: AccountId, session_id: SessionId) -> bool:
        """From now on. False if the account has no such session."""
        ...

    async def end_all(self, account_id: AccountId, *, but: SessionId | None = None) -> None:
        """From now on."""
        ...
