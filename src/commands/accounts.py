"""Who uses Darkroom: signing up, signing in, settings."""

from collections.abc import Sequence
from typing import Any

import msgspec

from commands.arrivals import Arrivals
from commands.credentials import Passwords
from commands.execute import Stream, execute, execute_together
from commands.mail import Letters, first_letter
from commands.ports import EventStore, Guard, Hasher, NewId, Receipt, SetQuota, StreamMoved
from commands.proving import Claimant, Prover
from commands.sessions import Device, Session, Sessions
from domain import account, claim
from domain.account import Account, Identity, SettingsChanged
from domain.ids import AccountId
from domain.refusals import (
    AccountSuspended,
    EmailTaken,
    Refusal,
    Unauthenticated,
    UsernameTaken,
)
from domain.stream import Event, fold


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    identity: Identity
    password: str
    account_id: AccountId | None = None
    """Given where a repeated request must find what it made."""


class SignedUp(msgspec.Struct, frozen=True, kw_only=True):
    account_id: AccountId
    receipt: Receipt


class LogIn(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    password: str
    code: str | None = None
    """Of the second factor, where there is one."""
    device: Device = Device()


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    refresh_token: str
    device: Device = Device()


class ChangeAccount(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    username: str | None = None
    settings: SettingsChanged = SettingsChanged()


async def sign_up(
    command: SignUp,
    *,
    store: EventStore,
    passwords: Passwords,
    hasher: Hasher,
    new_id: NewId,
    letters: Letters,
    plan: str,
    quota_bytes: int,
) -> SignedUp:
    """Claim both names and register, in one transaction; the password is kept before, apart."""
    account_id = command.account_id or AccountId(new_id())
    identity = command.identity
    made_before = bool(await store.load(account_id))

    def decide(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        before, email, username = states
        return [
            account.register(before, identity=identity, plan=plan, quota_bytes=quota_bytes),
            claimed(email, account_id, EmailTaken),
            claimed(username, account_id, UsernameTaken),
        ]

    streams: list[Stream[Any]] = [
        Stream(account_id, account.evolve),
        claiming(hasher, "email", identity.email),
        claiming(hasher, "username", identity.username),
    ]
    if not made_before:
        await passwords.set(account_id, command.password)
    try:
        receipt = await execute_together(
            store,
            streams,
            decide,
            by=account_id,
            guards=lambda before, after: _quota(account_id, before, after),
        )
    except (EmailTaken, UsernameTaken, StreamMoved):  # after other failures it may have happened
        if not made_before:
            await passwords.forget(account_id)
        raise
    await letters.post(first_letter(account_id, identity.email))
    return SignedUp(account_id=account_id, receipt=receipt)


async def log_in(
    command: LogIn,
    *,
    store: EventStore,
    sessions: Sessions,
    hasher: Hasher,
    prover: Prover,
    arrivals: Arrivals,
) -> Session:
    """An unknown address and a wrong password cost and answer the same."""
    account_id = await find_account(command.email, store=store, hasher=hasher)
    who = Claimant(
        account_id=account_id,
        subject=hasher.claim_id("email", command.email),
        client=command.device.client,
    )
    await prover.by_both(who, command.password, command.code)
    assert account_id is not None
    state = fold(account.evolve, await store.load(account_id))
    if state and state.suspended:  # only whoever knows the password is told
        raise AccountSuspended
    session = await sessions.open(account_id, command.device)
    await arrivals.note(account_id, command.device)
    return session


async def refresh(command: Refresh, *, store: EventStore, sessions: Sessions) -> Session:
    """Raises Unauthenticated, or AccountSuspended."""
    session = await sessions.rotate(command.refresh_token, command.device)
    state = fold(account.evolve, await store.load(session.account_id))
    if state is None or state.erased:
        raise Unauthenticated
    if state.suspended:
        raise AccountSuspended
    return session


async def change_account(command: ChangeAccount, *, store: EventStore, hasher: Hasher) -> Receipt:
    stream = Stream(command.by, account.evolve)
    if command.username is None:
        return await execute(
            store,
            stream,
            lambda state: account.change_settings(state, to=command.settings),
            by=command.by,
        )
    state = fold(account.evolve, await store.load(command.by))
    old = state.username if state else ""
    new = command.username

    def decide(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        before, *claims = states
        changed = account.change_settings(before, to=command.settings)
        renamed = account.rename(before, to=new)
        if len(claims) == 1:
            return [renamed + changed, []]
        taken = claimed(claims[0], command.by, UsernameTaken)
        return [renamed + changed, taken, claim.release(claims[1], by=command.by)]

    claims = [claiming(hasher, "username", new), claiming(hasher, "username", old)]
    if claims[0].id == claims[1].id:  # only the spelling changes
        claims.pop()
    return await execute_together(store, [stream, *claims], decide, by=command.by)


async def find_account(email: str, *, store: EventStore, hasher: Hasher) -> AccountId | None:
    """Who holds an e-mail address."""
    return claim.holder(fold(claim.evolve, await store.load(hasher.claim_id("email", email))))


async def addressee(
    email: str, *, store: EventStore, hasher: Hasher, confirmed: bool
) -> AccountId | None:
    """Whom somebody means by an address. With `confirmed`, only who has shown that it is theirs:
    anybody can sign up with an address before its owner does."""
    found = await find_account(email, store=store, hasher=hasher)
    if found is None or not confirmed:
        return found
    state = fold(account.evolve, await store.load(found))
    return found if state and state.verified else None


def claiming(hasher: Hasher, kind: str, name: str) -> Stream[claim.Claim]:
    return Stream(hasher.claim_id(kind, name), claim.evolve)


def claimed(state: claim.Claim | None, by: AccountId, taken: type[Refusal]) -> Sequence[Event]:
    events = claim.take(state, by=by)
    if events is None:
        raise taken
    return events


def _quota(account_id: AccountId, before: Account | None, after: Account) -> Sequence[Guard]:
    if before and before.quota_bytes == after.quota_bytes:
        return ()
    return (SetQuota(account_id=account_id, quota_bytes=after.quota_bytes),)
