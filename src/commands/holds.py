"""Legal holds: what an administrator forbids to destroy."""

from functools import partial

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from domain import image, purging
from domain.ids import AccountId, ImageId


class PlaceHold(msgspec.Struct, frozen=True, kw_only=True):
    """`by` was proven to be an administrator."""

    by: AccountId
    image_id: ImageId
    reason: str


class LiftHold(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    reason: str = ""


async def place_hold(command: PlaceHold, *, store: EventStore) -> Receipt:
    decide = partial(purging.hold, reason=command.reason)
    return await execute(store, Stream(command.image_id, image.evolve), decide, by=command.by)


async def lift_hold(command: LiftHold, *, store: EventStore) -> Receipt:
    decide = partial(purging.lift_hold, reason=command.reason)
    return await execute(store, Stream(command.image_id, image.evolve), decide, by=command.by)
