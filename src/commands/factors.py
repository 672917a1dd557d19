"""Turning the second factor on and off."""

import os
from collections.abc import Sequence

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from commands.proving import Claimant, Prover
from commands.second_factor import recovery_codes
from domain import account
from domain.ids import AccountId
from domain.refusals import Conflict

SECRET = 20
"""Bytes: as much as the hash has."""


class ProposeFactor(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    password: str
    client: str


class ConfirmFactor(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    code: str
    client: str


class DropFactor(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    password: str
    code: str
    client: str


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    recovery_codes: Sequence[str]
    receipt: Receipt


async def propose_factor(command: ProposeFactor, *, prover: Prover) -> bytes:
    """A secret for an app. It counts for nothing until the app has shown that it has it."""
    await prover.by_password(_myself(command.by, command.client), command.password)
    secret = os.urandom(SECRET)
    await _require_unconfirmed(command.by, prover)
    await prover.factors.propose(command.by, secret)
    return secret


async def confirm_factor(command: ConfirmFactor, *, store: EventStore, prover: Prover) -> Confirmed:
    await _require_unconfirmed(command.by, prover)
    await prover.by_code(_myself(command.by, command.client), command.code)
    codes = recovery_codes()
    await prover.factors.confirm(command.by, codes)
    stream = Stream(command.by, account.evolve)
    receipt = await execute(store, stream, account.enable_second_factor, by=command.by)
    return Confirmed(recovery_codes=codes, receipt=receipt)


async def drop_factor(command: DropFactor, *, store: EventStore, prover: Prover) -> Receipt:
    await prover.by_both(_myself(command.by, command.client), command.password, command.code)
    await prover.factors.forget(command.by)
    stream = Stream(command.by, account.evolve)
    return await execute(store, stream, account.disable_second_factor, by=command.by)


def _myself(by: AccountId, client: str) -> Claimant:
    return Claimant(account_id=by, subject=by, client=client)


async def _require_unconfirmed(by: AccountId, prover: Prover) -> None:
    factor = await prover.factors.find(by)
    if factor and factor.confirmed:
        raise Conflict(reason="there is a second factor: drop it first")
