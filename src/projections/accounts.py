"""Profiles and settings of accounts."""

from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from domain import account
from domain.access import Visibility
from domain.account import Duplicates
from domain.ids import AccountId
from domain.stream import Recorded

NAME = "accounts"
STREAMS = frozenset({"account"})


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One account. Its fields are the columns of accounts.profiles."""

    id: AccountId
    version: int
    username: str
    email: str
    plan: str
    quota_bytes: int
    default_visibility: Visibility = Visibility.PRIVATE
    keep_gps: bool = False
    notify: dict[str, bool] = {}
    duplicates: Duplicates = Duplicates.KEEP
    verified: bool = False
    second_factor: bool = False
    created_at: datetime


class Accounts(Protocol):
    """The read port."""

    async def find(self, account_id: AccountId) -> Profile | None: ...


def project(profile: Profile | None, recorded: Recorded[Any]) -> Profile | None:
    event = recorded.event
    if isinstance(event, account.AccountRegistered):
        identity = event.personal or account.Identity(username="", email="")
        return Profile(
            id=AccountId(recorded.stream_id),
            version=recorded.version,
            username=identity.username,
            email=identity.email,
            plan=event.plan,
            quota_bytes=event.quota_bytes,
            created_at=recorded.at,
        )
    if profile is None or isinstance(event, account.AccountErased):
        return None
    return replace(profile, version=recorded.version, **_changes(event))


def _changes(event: Any) -> dict[str, Any]:
    match event:
        case account.UsernameChanged(personal=personal):
            return {"username": personal.username if personal else ""}
        case account.SettingsChanged():
            return account.given(event)
        case account.EmailVerified():
            return {"verified": True}
        case account.SecondFactorEnabled() | account.SecondFactorDisabled():
            return {"second_factor": isinstance(event, account.SecondFactorEnabled)}
    return {}
