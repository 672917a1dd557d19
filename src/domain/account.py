"""One person's account. Secrets are not facts: password hashes and tokens live elsewhere."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import api_key, preset, upload_token
from domain.access import Visibility
from domain.account_marks import (
    AccountReinstated,
    AccountSuspended,
    AdministratorAppointed,
    AdministratorDismissed,
    Device,
    EmailVerified,
    Ground,
    Mark,
    NewDeviceSeen,
    PasswordChanged,
    PlanChanged,
    QuotaChanged,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SignedOut,
    Strike,
    StrikeLifted,
    Struck,
    crossed,
    left_by,
    strikes_after,
)
from domain.api_key import ApiKeyEvent, ApiKeyIssued, ApiKeyRevoked
from domain.ids import ImageId, KeyId, TokenId
from domain.preset import PresetDropped, PresetEvent, PresetKept
from domain.refusals import Conflict, NotFound, OwnerMustStay
from domain.stream import Event, Personal, news, said
from domain.upload_token import UploadTokenEvent, UploadTokenIssued, UploadTokenRevoked


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


class LinkedIdentity(Personal, frozen=True, kw_only=True):
    """Who the person is to an OpenID Connect provider."""

    issuer: str
    subject: str


class IdentityLinked(Event, frozen=True, kw_only=True, tag="account.identity-linked"):
    personal: LinkedIdentity | None


class SettingsChanged(Event, frozen=True, kw_only=True, tag="account.settings-changed"):
    """None leaves a setting as it was."""

    default_visibility: Visibility | None = None
    keep_gps: bool | None = None
    notify: dict[str, bool] | None = None
    duplicates: Duplicates | None = None


class AccountErased(Event, frozen=True, kw_only=True, tag="account.erased"):
    """The stream's key, every secret and every image are destroyed because of this."""


_Kept: TypeAlias = ApiKeyEvent | UploadTokenEvent | PresetEvent
AccountEvent: TypeAlias = (
    AccountRegistered
    | UsernameChanged
    | SettingsChanged
    | IdentityLinked
    | _Kept
    | Mark
    | Strike
    | AccountErased
)

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
    keys: api_key.Keys = {}
    tokens: upload_token.Tokens = {}
    linked: tuple[LinkedIdentity, ...] = ()
    presets: preset.Presets = {}
    verified: bool = False
    """The e-mail address."""
    second_factor: bool = False
    suspended: bool = False
    administrator: bool = False
    signed_out: UUID | None = None
    """The last request that did it."""
    strikes: Sequence[ImageId] = ()
    """What it brought in that is taken down."""
    reached: int = 0
    """Per cent of the quota that the owner was told of."""
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
            return replace(account, **said(event))
        case IdentityLinked(personal=personal):
            return replace(account, linked=(*account.linked, *([personal] if personal else [])))
        case Struck() | StrikeLifted():
            return replace(account, strikes=strikes_after(account.strikes, event))
        case AccountErased():
            return Account(username="", email="", plan=account.plan, quota_bytes=0, erased=True)
        case _:
            return replace(account, **_left_by(account, event))


def _left_by(account: Account, event: _Kept | Mark) -> dict[str, object]:
    match event:
        case ApiKeyIssued() | ApiKeyRevoked():
            return {"keys": api_key.evolve(account.keys, event)}
        case UploadTokenIssued() | UploadTokenRevoked():
            return {"tokens": upload_token.evolve(account.tokens, event)}
        case PresetKept() | PresetDropped():
            return {"presets": preset.evolve(account.presets, event)}
        case _:
            return left_by(event)


def wants(account: Account, kind: str, channel: str) -> bool:
    """Whether to tell somebody of a kind of news, by mail or else: unless they said no, to the
    kind by this channel (`quota.mail`) or, where they said nothing of that, to the kind."""
    return account.notify.get(f"{kind}.{channel}", account.notify.get(kind, True))


# Decisions


def register(
    account: Account | None, *, identity: Identity, plan: str, quota_bytes: int
) -> list[AccountEvent]:
    if account is not None:
        if (account.username, account.email) == (identity.username, identity.email):
            return []
        raise Conflict
    return [AccountRegistered(plan=plan, quota_bytes=quota_bytes, personal=identity)]


def rename(account: Account | None, *, to: str) -> list[AccountEvent]:
    account = _existing(account)
    return [] if account.username == to else [UsernameChanged(personal=Username(username=to))]


def change_settings(account: Account | None, *, to: SettingsChanged) -> list[AccountEvent]:
    changed = news(to, _existing(account))
    return [SettingsChanged(**changed)] if changed else []


def link(account: Account | None, *, to: LinkedIdentity) -> list[AccountEvent]:
    return [] if to in _existing(account).linked else [IdentityLinked(personal=to)]


def issue_key(account: Account | None, **asked: Any) -> list[ApiKeyEvent]:
    return api_key.issue(_existing(account).keys, **asked)


def revoke_key(account: Account | None, *, key_id: KeyId) -> list[ApiKeyEvent]:
    return api_key.revoke(_existing(account).keys, key_id=key_id)


def save_preset(account: Account | None, *, name: str, ops: str) -> list[AccountEvent]:
    return [*preset.save(_existing(account).presets, name=name, ops=ops)]


def remove_preset(account: Account | None, *, name: str) -> list[AccountEvent]:
    return [*preset.remove(_existing(account).presets, name=name)]


def change_password(account: Account | None) -> list[AccountEvent]:
    _existing(account)
    return [PasswordChanged()]


def meet(account: Account | None, *, device: Device) -> list[AccountEvent]:
    """Nothing where the account is no more, as for its usage."""
    return [] if account is None or account.erased else [NewDeviceSeen(personal=device)]


def verify_email(account: Account | None) -> list[AccountEvent]:
    return [] if _existing(account).verified else [EmailVerified()]


def enable_second_factor(account: Account | None) -> list[AccountEvent]:
    return [] if _existing(account).second_factor else [SecondFactorEnabled()]


def disable_second_factor(account: Account | None) -> list[AccountEvent]:
    return [SecondFactorDisabled()] if _existing(account).second_factor else []


def issue_token(account: Account | None, **asked: Any) -> list[AccountEvent]:
    return [*upload_token.issue(_existing(account).tokens, **asked)]


def revoke_token(account: Account | None, *, token_id: TokenId) -> list[AccountEvent]:
    return [*upload_token.revoke(_existing(account).tokens, token_id=token_id)]


def suspend(account: Account | None, *, reason: str) -> list[AccountEvent]:
    if _existing(account).suspended:
        return []
    return [AccountSuspended(personal=Ground(reason=reason))]


def reinstate(account: Account | None, *, reason: str) -> list[AccountEvent]:
    if not _existing(account).suspended:
        return []
    return [AccountReinstated(personal=Ground(reason=reason))]


def appoint(account: Account | None, *, reason: str) -> list[AccountEvent]:
    if _existing(account).administrator:
        return []
    return [AdministratorAppointed(personal=Ground(reason=reason))]


def dismiss(account: Account | None, *, reason: str) -> list[AccountEvent]:
    if not _existing(account).administrator:
        return []
    return [AdministratorDismissed(personal=Ground(reason=reason))]


def sign_out(account: Account | None, *, request: UUID, reason: str) -> list[AccountEvent]:
    if _existing(account).signed_out == request:
        return []
    return [SignedOut(request=request, personal=Ground(reason=reason))]


def change_plan(
    account: Account | None, *, to: str, quota_bytes: int, reason: str
) -> list[AccountEvent]:
    account = _existing(account)
    if (account.plan, account.quota_bytes) == (to, quota_bytes):
        return []
    return [PlanChanged(plan=to, quota_bytes=quota_bytes, personal=Ground(reason=reason))]


def change_quota(account: Account | None, *, to: int, reason: str) -> list[AccountEvent]:
    if _existing(account).quota_bytes == to:
        return []
    return [QuotaChanged(quota_bytes=to, personal=Ground(reason=reason))]


def strike(account: Account | None, *, image_id: ImageId) -> list[AccountEvent]:
    """Nothing where the account is no more, as for its usage."""
    if account is None or account.erased or image_id in account.strikes:
        return []
    return [Struck(image_id=image_id)]


def lift_strike(account: Account | None, *, image_id: ImageId) -> list[AccountEvent]:
    return [StrikeLifted(image_id=image_id)] if account and image_id in account.strikes else []


def note_usage(account: Account | None, *, used: int, quota: int) -> list[AccountEvent]:
    """Nothing where the account is no more: nobody is there to be told."""
    if account is None or account.erased:
        return []
    return [*crossed(account.reached, used=used, quota=quota)]


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
