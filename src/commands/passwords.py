"""Passwords that are changed, or were forgotten; addresses that are proven."""

import msgspec

from commands.credentials import Passwords
from commands.execute import Stream, execute
from commands.limits import Limiter, refusal
from commands.mail import Letter, Letters, MailTokens, Occasion
from commands.ports import EventStore, Hasher, NewId, Receipt
from commands.proving import Claimant, Prover
from commands.sessions import Sessions
from domain import account
from domain.ids import AccountId, SessionId
from domain.limits import Policy

ASKING = Policy("mails-to-an-address", 5, 3_600)


class ChangePassword(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    session_id: SessionId | None
    """The one that stays."""
    old: str
    new: str
    client: str = ""


class AskForMail(msgspec.Struct, frozen=True, kw_only=True):
    """Of somebody who may be nobody."""

    address: str
    occasion: Occasion


class ResetPassword(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    new: str


class VerifyEmail(msgspec.Struct, frozen=True, kw_only=True):
    token: str


async def change_password(
    command: ChangePassword, *, store: EventStore, sessions: Sessions, prover: Prover
) -> Receipt:
    by, kept = command.by, command.session_id
    who = Claimant(account_id=by, subject=by, client=command.client)
    await prover.by_password(who, command.old)
    return await _renew(
        by, command.new, kept, store=store, passwords=prover.passwords, sessions=sessions
    )


async def ask_for_mail(
    command: AskForMail, *, letters: Letters, limiter: Limiter | None, hasher: Hasher, new_id: NewId
) -> None:
    """The same for every address, of an account or not. Raises RateLimited."""
    if limiter:
        subject = hasher.claim_id("email", command.address).hex
        count = await limiter.take(ASKING, f"{command.occasion} {subject}")
        if not count.granted:
            raise refusal(count)
    letter = Letter(id=new_id(), occasion=command.occasion, address=command.address)
    await letters.post(letter)


async def reset_password(
    command: ResetPassword,
    *,
    store: EventStore,
    passwords: Passwords,
    sessions: Sessions,
    tokens: MailTokens,
) -> Receipt:
    """Who reads the mail holds the address, too."""
    account_id = await tokens.redeem(command.token, Occasion.RESET)
    await execute(store, Stream(account_id, account.evolve), account.verify_email, by=account_id)
    return await _renew(
        account_id, command.new, None, store=store, passwords=passwords, sessions=sessions
    )


async def verify_email(command: VerifyEmail, *, store: EventStore, tokens: MailTokens) -> Receipt:
    account_id = await tokens.redeem(command.token, Occasion.VERIFY)
    stream = Stream(account_id, account.evolve)
    return await execute(store, stream, account.verify_email, by=account_id)


async def _renew(
    account_id: AccountId,
    password: str,
    kept: SessionId | None,
    *,
    store: EventStore,
    passwords: Passwords,
    sessions: Sessions,
) -> Receipt:
    """Sessions end before, in case we die between, and again after: one may have been opened."""
    await sessions.end_all(account_id, but=kept)
    await passwords.set(account_id, password)
    await sessions.end_all(account_id, but=kept)
    stream = Stream(account_id, account.evolve)
    return await execute(store, stream, account.change_password, by=account_id)
