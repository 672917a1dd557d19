"""One person's account. Secrets are not facts: password hashes and tokens live elsewhere."""

from enum import StrEnum
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.access import Visibility
from domain.refusals import Conflict, NotFound, OwnerMustStay
from domain.stream import Event, Personal


class Duplicates(StrEnum):
    """What to make of bytes that the owner has already."""

    KEEP = "keep"
    """Another image."""
    RETURN = "return"
    """The image that is there."""


# Events


class Identity(Personal, frozen=True, kw_only=True):
    username: str
    email: str


class Username(Personal, frozen=True, kw_only=True):
    username: str


class AccountRegistered(Event, frozen=True, kw_only=True, tag="account.registered"):
    plan: str
    quota_bytes: int
    personal: Identity | None


class UsernameChanged(Event, frozen=True, kw_only=True, tag="account.username-changed"):
    personal: Username | None


class SettingsChanged(Event, frozen=True, kw_only=True, tag="account.settings-changed"):
    """None leaves a setting as it was."""

    default_visibility: Visibility | None = None
    keep_gps: bool | None = None
    notify: dict[str, bool] | None = None
    duplicates: Duplicates | None = None


class AccountErased(Event, frozen=True, kw_only=True, tag="account.erased"):
    """The stream's key, every secret and every image are destroyed because of this."""


AccountEvent: TypeAlias = AccountRegistered | UsernameChanged | SettingsChanged | AccountErased

# State


class Account(msgspec.Struct, frozen=True, kw_only=True):
    username: str
    email: str
    plan: str
    quota_bytes: int
    default_visibility: Visibility = Visibility.PRIVATE
    keep_gps: bool = False
    notify: dict[str, bool] = {}
    duplicates: Duplicates = Duplicates.KEEP
    erased: bool = False


def evolve(account: Account | None, event: AccountEvent) -> Account:
    if isinstance(event, AccountRegistered):
        identity = event.personal or Identity(username="", email="")
        return Account(
            username=identity.username,
            email=identity.email,
            plan=event.plan,
            quota_bytes=event.quota_bytes,
        )
    assert account is not None, "an account stream opens with AccountRegistered"
    match event:
        case UsernameChanged(personal=personal):
            return replace(account, username=personal.username if personal else "")
        case SettingsChanged():
            return replace(account, **given(event))
        case AccountErased():
            return replace(account, username="", email="", quota_bytes=0, erased=True)
        case _:
            assert_never(event)


def given(settings: SettingsChanged) -> dict[str, object]:
    fields = msgspec.structs.asdict(settings)
    return {name: value for name, value in fields.items() if value is not None}


# Decisions


def register(
    account: Account | None, *, identity: Identity, plan: str, quota_bytes: int
) -> list[AccountEvent]:
    if account is not None:
        if (account.username, account.email) == (
            identity.username,
            identity.email,
        ):
            return []
        raise Conflict
    return [AccountRegistered(plan=plan, quota_bytes=quota_bytes, personal=identity)]


def rename(account: Account | None, *, to: str) -> list[AccountEvent]:
    account = _existing(account)
    return [] if account.username == to else [UsernameChanged(personal=Username(username=to))]


def change_settings(account: Account | None, *, to: SettingsChanged) -> list[AccountEvent]:
    account = _existing(account)
    changed = {name: value for name, value in given(to).items() if value != getattr(account, name)}
    return [SettingsChanged(**changed)] if changed else []  # type: ignore[arg-type]  # fields of the same struct


def erase(account: Account | None, *, owned: int = 0) -> list[AccountEvent]:
    """`owned` is how many organizations would have no owner then."""
    _existing(account)
    if owned:
        raise OwnerMustStay(organizations=owned)
    return [AccountErased()]


def erase_again(account: Account | None) -> list[AccountEvent]:
    """Where a restored log knows it again."""
    return [] if account is None or account.erased else [AccountErased()]


def _existing(account: Account | None) -> Account:
    if account is None or account.erased:
        raise NotFound
    return account
