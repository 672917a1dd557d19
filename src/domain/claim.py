"""A claim makes a name unique: its stream id is a hash of the name, so two cannot begin it.

What is named may be an account, or the bytes that one image keeps for its owner.
"""

from typing import TypeAlias, assert_never

import msgspec

from domain.ids import AccountId, ImageId
from domain.stream import Event

# Events


class Claimed(Event, frozen=True, kw_only=True, tag="claim.claimed"):
    account_id: AccountId
    image_id: ImageId | None = None
    """The one that keeps them, where bytes are claimed."""


class Released(Event, frozen=True, kw_only=True, tag="claim.released"):
    pass


ClaimEvent: TypeAlias = Claimed | Released

# State


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    holder: AccountId | None
    image_id: ImageId | None = None


def evolve(claim: Claim | None, event: ClaimEvent) -> Claim:
    match event:
        case Claimed(account_id=account_id, image_id=image_id):
            return Claim(holder=account_id, image_id=image_id)
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


def keep(claim: Claim | None, *, by: AccountId, image_id: ImageId) -> list[ClaimEvent]:
    """Claim bytes for an image, whichever kept them before."""
    if claim and claim.image_id == image_id:
        return []
    return [Claimed(account_id=by, image_id=image_id)]


def give_back(claim: Claim | None, *, image_id: ImageId) -> list[ClaimEvent]:
    """What an image kept, when it is no more."""
    return [Released()] if claim and claim.image_id == image_id else []


def release(claim: Claim | None, *, by: AccountId) -> list[ClaimEvent]:
    return [Released()] if holder(claim) == by else []
