"""What administrators do to accounts; `by` was proven to be one. Each act has its reason."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Guard, Receipt, SetQuota
from commands.sessions import Sessions
from domain import account
from domain.account import Account, AccountEvent
from domain.ids import AccountId
from domain.plan import Plan
from domain.refusals import Validation


class Bars(Protocol):
    """Accounts that nobody enters by, whatever they hold in their hands; asked on each request."""

    async def bar(self, account_id: AccountId) -> None:
        """From now on. Durable when it returns."""
        ...

    async def lift(self, account_id: AccountId) -> None: ...


class Suspend(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    reason: str


class Reinstate(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    reason: str


class Appoint(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    reason: str


class Dismiss(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    reason: str


class SignOut(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    request: UUID
    """The same where a repeated request must find what it did."""
    reason: str


class ChangePlan(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    plan: str
    reason: str


class ChangeQuota(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    account_id: AccountId
    quota_bytes: int
    reason: str


async def suspend(command: Suspend, *, store: EventStore, bars: Bars) -> Receipt:
    """Barred only once the account is known to be there; again, where we died between."""
    receipt = await _act(
        command, lambda state: account.suspend(state, reason=command.reason), store=store
    )
    await bars.bar(command.account_id)
    return receipt


async def reinstate(command: Reinstate, *, store: EventStore, bars: Bars) -> Receipt:
    receipt = await _act(
        command, lambda state: account.reinstate(state, reason=command.reason), store=store
    )
    await bars.lift(command.account_id)
    return receipt


async def appoint(command: Appoint, *, store: EventStore) -> Receipt:
    decide = partial(account.appoint, reason=command.reason)
    return await _act(command, decide, store=store)


async def dismiss(command: Dismiss, *, store: EventStore) -> Receipt:
    """From the next request on."""
    decide = partial(account.dismiss, reason=command.reason)
    return await _act(command, decide, store=store)


async def sign_out(command: SignOut, *, store: EventStore, sessions: Sessions) -> Receipt:
    receipt = await _act(
        command,
        lambda state: account.sign_out(state, request=command.request, reason=command.reason),
        store=store,
    )
    await sessions.end_all(command.account_id)
    return receipt


async def change_plan(
    command: ChangePlan, *, store: EventStore, plans: Mapping[str, Plan]
) -> Receipt:
    """Its quota is the plan's from then on. Raises Validation for a plan that is none."""
    if command.plan not in plans:
        message = f"must be one of {', '.join(sorted(plans))}"
        raise Validation.of("plan", message)
    quota_bytes = plans[command.plan].storage_bytes

    def decide(state: Account | None) -> Sequence[AccountEvent]:
        return account.change_plan(
            state, to=command.plan, quota_bytes=quota_bytes, reason=command.reason
        )

    return await _act(command, decide, store=store)


async def change_quota(command: ChangeQuota, *, store: EventStore) -> Receipt:
    def decide(state: Account | None) -> Sequence[AccountEvent]:
        return account.change_quota(state, to=command.quota_bytes, reason=command.reason)

    return await _act(command, decide, store=store)


async def _act(
    command: Suspend | Reinstate | Appoint | Dismiss | SignOut | ChangePlan | ChangeQuota,
    decide: Callable[[Account | None], Sequence[AccountEvent]],
    *,
    store: EventStore,
) -> Receipt:
    def guards(before: Account, after: Account) -> Sequence[Guard]:
        if before.quota_bytes == after.quota_bytes:
            return ()
        return (SetQuota(account_id=command.account_id, quota_bytes=after.quota_bytes),)

    stream = Stream(command.account_id, account.evolve)
    return await execute(store, stream, decide, by=command.by, guards=guards)
