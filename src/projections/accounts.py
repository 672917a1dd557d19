"""Profiles and settings of accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from domain import account, preset
from domain.access import Visibility
from domain.account import Duplicates
from domain.account_marks import Mark, StrikeLifted, Struck, left_by, strikes_after
from domain.ids import AccountId, ImageId
from domain.stream import Recorded, said

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
    suspended: bool = False
    strikes: list[ImageId] = []
    administrator: bool = False
    reached: int = 0
    presets: dict[str, str] = {}
    """Transforms by name."""
    created_at: datetime


_FIELDS = frozenset(Profile.__struct_fields__)


class Accounts(Protocol):
    """The read port."""

    async def find(self, account_id: AccountId) -> Profile | None: ...

    async def search(self, sought: "Sought") -> "Found":
        """The newest first. Raises Validation for a cursor that is none."""
        ...


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
    if isinstance(event, preset.PresetEvent):
        presets = dict(preset.evolve(profile.presets, event))
        return replace(profile, version=recorded.version, presets=presets)
    return replace(profile, version=recorded.version, **_changes(profile, event))


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts an administrator looks for. Everything given must match."""

    text: str | None = None
    """In the name or the address."""
    plan: str | None = None
    suspended: bool | None = None
    limit: int = 20
    page: int = 1
    cursor: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    profiles: Sequence[Profile]
    total: int
    next_cursor: str | None


def _changes(profile: Profile, event: Any) -> dict[str, Any]:
    match event:
        case account.UsernameChanged(personal=personal):
            return {"username": personal.username if personal else ""}
        case account.SettingsChanged():
            return said(event)
        case Struck() | StrikeLifted():
            return {"strikes": strikes_after(profile.strikes, event)}
    if not isinstance(event, Mark):
        return {}
    return {name: value for name, value in left_by(event).items() if name in _FIELDS}
