"""A claim makes a name unique: its stream id is a hash of the name, so two cannot begin it."""

from typing import TypeAlias, assert_never

import msgspec

from domain.ids import AccountId
from domain.stream import Event

# Events


class Claimed(Event, frozen=True, kw_only=True, tag="claim.claimed"):
    account_id: AccountId


class Released(Event, frozen=True, kw_only=True, tag="claim.released"):
    pass


ClaimEvent: TypeAlias = Claimed | Released

# State


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    holder: AccountId | None


def evolve(claim: Claim | None, event: ClaimEvent) -> Claim:
    match event:
        case Claimed(account_id=account_id):
            return Claim(holder=account_id)
        case Released():
            return Claim(holder=None)
        case _:
            assert_never(event)


def holder(claim: Claim | None) -> AccountId | None:
    """Who holds the name, if anybody."""
    return claim.holder if claim else None


# Decisions


def take(claim: Claim | None, *, by: AccountId) -> list[ClaimEvent] | None:
    """Claim the name; [] if it is already ours, None if it is another's."""
    if holder(claim) == by:
        return []
    return [Claimed(account_id=by)] if holder(claim) is None else None


def release(claim: Claim | None, *, by: AccountId) -> list[ClaimEvent]:
    return [Released()] if holder(claim) == by else []
