"""What is on or off about an account, or a figure of it: its events, and what they leave behind."""

from collections.abc import Sequence
from typing import Any, TypeAlias, assert_never
from uuid import UUID

from domain import plan
from domain.ids import ImageId
from domain.stream import Event, Personal

# Events


class Ground(Personal, frozen=True, kw_only=True):
    """Why an administrator did it."""

    reason: str


class Device(Personal, frozen=True, kw_only=True):
    """What somebody signed in from."""

    address: str
    agent: str


class NewDeviceSeen(Event, frozen=True, kw_only=True, tag="account.new-device-seen"):
    """Somebody signed in from where nobody had, by what nobody had used: the owner, or a thief."""

    personal: Device | None


class PasswordChanged(Event, frozen=True, kw_only=True, tag="account.password-changed"):
    """Every other session ended with it."""


class EmailVerified(Event, frozen=True, kw_only=True, tag="account.email-verified"):
    """Whoever holds the account reads what is sent to its address."""


class SecondFactorEnabled(Event, frozen=True, kw_only=True, tag="account.second-factor-enabled"):
    pass


class SecondFactorDisabled(Event, frozen=True, kw_only=True, tag="account.second-factor-disabled"):
    pass


class AccountSuspended(Event, frozen=True, kw_only=True, tag="account.suspended"):
    """Nobody enters by it until it is reinstated."""

    personal: Ground | None


class AccountReinstated(Event, frozen=True, kw_only=True, tag="account.reinstated"):
    personal: Ground | None


class SignedOut(Event, frozen=True, kw_only=True, tag="account.signed-out"):
    """Every session ended, by an administrator's word."""

    request: UUID
    """The same where it was sent twice."""
    personal: Ground | None


class AdministratorAppointed(Event, frozen=True, kw_only=True, tag="account.appointed"):
    """One of those who run this installation."""

    personal: Ground | None


class AdministratorDismissed(Event, frozen=True, kw_only=True, tag="account.dismissed"):
    personal: Ground | None


class PlanChanged(Event, frozen=True, kw_only=True, tag="account.plan-changed"):
    plan: str
    quota_bytes: int
    personal: Ground | None


class QuotaChanged(Event, frozen=True, kw_only=True, tag="account.quota-changed"):
    quota_bytes: int
    personal: Ground | None


class QuotaThresholdReached(Event, frozen=True, kw_only=True, tag="account.quota-reached"):
    percent: int


class QuotaThresholdLeft(Event, frozen=True, kw_only=True, tag="account.quota-left"):
    """So much is free again that the owner is to be told when it no longer is."""

    percent: int
    """The highest threshold that is still reached; 0 for none."""


class Struck(Event, frozen=True, kw_only=True, tag="account.struck"):
    """An image that it brought in was taken down. That counts when the image is gone, too."""

    image_id: ImageId


class StrikeLifted(Event, frozen=True, kw_only=True, tag="account.strike-lifted"):
    """It was reinstated."""

    image_id: ImageId


Strike: TypeAlias = Struck | StrikeLifted
Mark: TypeAlias = (
    NewDeviceSeen
    | PasswordChanged
    | EmailVerified
    | SecondFactorEnabled
    | SecondFactorDisabled
    | AccountSuspended
    | AccountReinstated
    | SignedOut
    | AdministratorAppointed
    | AdministratorDismissed
    | PlanChanged
    | QuotaChanged
    | QuotaThresholdReached
    | QuotaThresholdLeft
)

# State


def left_by(event: Mark) -> dict[str, Any]:
    """The fields of the account that it sets."""
    match event:
        case NewDeviceSeen() | PasswordChanged():
            return {}
        case SignedOut(request=request):
            return {"signed_out": request}
        case EmailVerified():
            return {"verified": True}
        case AdministratorAppointed() | AdministratorDismissed():
            return {"administrator": isinstance(event, AdministratorAppointed)}
        case SecondFactorEnabled() | SecondFactorDisabled():
            return {"second_factor": isinstance(event, SecondFactorEnabled)}
        case AccountSuspended() | AccountReinstated():
            return {"suspended": isinstance(event, AccountSuspended)}
        case _:
            return _figures(event)


def _figures(
    event: PlanChanged | QuotaChanged | QuotaThresholdReached | QuotaThresholdLeft,
) -> dict[str, Any]:
    match event:
        case PlanChanged(plan=plan, quota_bytes=quota_bytes):
            return {"plan": plan, "quota_bytes": quota_bytes}
        case QuotaChanged(quota_bytes=quota_bytes):
            return {"quota_bytes": quota_bytes}
        case QuotaThresholdReached(percent=percent) | QuotaThresholdLeft(percent=percent):
            return {"reached": percent}
        case _:
            assert_never(event)


def strikes_after(strikes: Sequence[ImageId], event: Strike) -> list[ImageId]:
    others = [id for id in strikes if id != event.image_id]
    return [*others, event.image_id] if isinstance(event, Struck) else others


# Decisions


def crossed(reached: int, *, used: int, quota: int) -> list[Mark]:
    """Each threshold that was passed upwards, once; or how far it has come down again."""
    up, down = plan.crossed(reached, used=used, quota=quota)
    left = [] if down is None else [QuotaThresholdLeft(percent=down)]
    return [*(QuotaThresholdReached(percent=it) for it in up), *left]
