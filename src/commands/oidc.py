"""Signing in through somebody else who knows the person: OpenID Connect."""

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any, Protocol

import msgspec

from commands.accounts import claimed, claiming, find_account
from commands.arrivals import Arrivals
from commands.execute import Stream, execute_together
from commands.ports import EventStore, Hasher, NewId, Receipt, SetQuota
from commands.sessions import Device, Session, Sessions
from domain import account, claim
from domain.account import Account, Identity, LinkedIdentity
from domain.ids import AccountId
from domain.refusals import (
    AccountSuspended,
    Conflict,
    EmailTaken,
    Forbidden,
    UsernameTaken,
)
from domain.stream import Event, fold

NAMES = 5
"""That are tried for a new account, one after another."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    """Where the person goes to be recognized."""
    secret: str
    """What their browser keeps until it comes back; sealed."""


class Recognized(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider vouches for."""

    issuer: str
    subject: str
    email: str | None
    """None unless the provider has verified it."""
    name: str
    """What they would like to be called."""


class Provider(Protocol):
    async def begin(self) -> Begun:
        """Raises Unavailable."""
        ...

    async def finish(self, *, code: str, state: str, secret: str) -> Recognized:
        """Raises Unauthenticated for an answer that is forged, or to another question."""
        ...


class SignInThrough(msgspec.Struct, frozen=True, kw_only=True):
    recognized: Recognized
    device: Device


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    session: Session
    receipt: Receipt | None
    """Of what it took; None where the account was linked before."""


async def sign_in_through(
    command: SignInThrough,
    *,
    store: EventStore,
    hasher: Hasher,
    sessions: Sessions,
    arrivals: Arrivals,
    new_id: NewId,
    plan: str,
    quota_bytes: int,
) -> SignedIn:
    """The account that is linked, else the one with the address, else a new one."""
    who = command.recognized
    linked = Stream(hasher.claim_id("oidc", _name(who)), claim.evolve)
    account_id = claim.holder(fold(claim.evolve, await store.load(linked.id)))
    receipt: Receipt | None = None
    if account_id is None:
        if who.email is None:
            raise Forbidden(reason="the provider does not vouch for your e-mail address")
        account_id = await find_account(who.email, store=store, hasher=hasher)
        if account_id:
            receipt = await _link(account_id, who, linked, store=store)
        else:
            account_id = AccountId(new_id())
            receipt = await _register(
                account_id, who, linked, store=store, hasher=hasher, plan=plan, quota=quota_bytes
            )
    state = fold(account.evolve, await store.load(account_id))
    if state and state.suspended:
        raise AccountSuspended
    session = await sessions.open(account_id, command.device)
    await arrivals.note(account_id, command.device)
    return SignedIn(session=session, receipt=receipt)


async def _link(
    account_id: AccountId, who: Recognized, linked: Stream[Any], *, store: EventStore
) -> Receipt:
    """Only where the account has proven the address, too: else whoever was here first, under
    another's address, would lie in wait for them."""

    def decide(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        before, identity = states
        if before is None or not before.verified:
            raise EmailTaken(reason="sign in with your password, and confirm the address first")
        return [_linking(before, who), claimed(identity, account_id, Conflict)]

    streams = [Stream(account_id, account.evolve), linked]
    return await execute_together(store, streams, decide, by=account_id)


async def _register(
    account_id: AccountId,
    who: Recognized,
    linked: Stream[Any],
    *,
    store: EventStore,
    hasher: Hasher,
    plan: str,
    quota: int,
) -> Receipt:
    assert who.email
    for name in _names(who.name, account_id):
        identity = Identity(username=name, email=who.email)
        streams: list[Stream[Any]] = [
            Stream(account_id, account.evolve),
            linked,
            claiming(hasher, "email", who.email),
            claiming(hasher, "username", name),
        ]

        def decide(
            states: Sequence[Any], identity: Identity = identity
        ) -> Sequence[Sequence[Event]]:
            before, link, email, username = states
            opened = account.register(before, identity=identity, plan=plan, quota_bytes=quota)
            after = reduce(account.evolve, opened, before)
            return [
                [*opened, *account.verify_email(after), *_linking(after, who)],
                claimed(link, account_id, Conflict),
                claimed(email, account_id, EmailTaken),
                claimed(username, account_id, UsernameTaken),
            ]

        try:
            return await execute_together(
                store,
                streams,
                decide,
                by=account_id,
                guards=lambda before, after: (
                    SetQuota(account_id=account_id, quota_bytes=after.quota_bytes),
                ),
            )
        except UsernameTaken:
            continue
    raise UsernameTaken


def _linking(state: Account | None, who: Recognized) -> Sequence[Event]:
    return account.link(state, to=LinkedIdentity(issuer=who.issuer, subject=who.subject))


def _name(who: Recognized) -> str:
    return linked_name(who.issuer, who.subject)


def linked_name(issuer: str, subject: str) -> str:
    """What is claimed. Subjects differ by case (OpenID Connect Core, 2), and claims do not."""
    return f"{issuer}\0{subject.encode().hex()}"


def _names(wanted: str, account_id: AccountId) -> Sequence[str]:
    """As they would like to be called, as far as it is a name here; then with digits behind it."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "", wanted.partition("@")[0])[:24]
    plain = plain if len(plain) >= 3 else f"user-{plain}"
    digits = account_id.hex[::-1]
    return [plain, *(f"{plain}-{digits[: 3 + n]}" for n in range(NAMES - 1))]
