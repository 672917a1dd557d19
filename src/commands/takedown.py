"""What was claimed to be somebody else's: closed to everybody, objected to, opened again."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from commands.execute import Stream, execute_together
from commands.ports import Clock, EventStore, Receipt
from commands.surroundings import execute_amid
from domain import account, gate, image
from domain.account import Account, AccountEvent
from domain.ids import AccountId, ImageId
from domain.image import Image
from domain.image_events import ImageEvent, Notice
from domain.stream import Event, fold


class TakeDown(msgspec.Struct, frozen=True, kw_only=True):
    """`by` was proven to be an administrator."""

    by: AccountId
    image_id: ImageId
    notice: Notice


class ReinstateImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    reason: str


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """By whoever may manage the image."""

    by: AccountId
    image_id: ImageId
    statement: str


async def take_down(command: TakeDown, *, store: EventStore) -> Receipt:
    """It counts against whoever brought it in, in the same append."""
    decide = partial(gate.take_down, notice=command.notice)
    return await _with_uploader(command, decide, account.strike, store=store)


async def reinstate(command: ReinstateImage, *, store: EventStore) -> Receipt:
    decide = partial(gate.reinstate, reason=command.reason)
    return await _with_uploader(command, decide, account.lift_strike, store=store)


async def counter(command: Counter, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(gate.counter, by=command.by, statement=command.statement, now=now())
    return await execute_amid(store, command.image_id, decide, by=command.by)


async def _with_uploader(
    command: TakeDown | ReinstateImage,
    decide: Callable[[Image | None], list[ImageEvent]],
    count: Callable[..., list[AccountEvent]],
    *,
    store: EventStore,
) -> Receipt:
    id = command.image_id
    state = fold(image.evolve, await store.load(id))
    streams: list[Stream[Any]] = [Stream(id, image.evolve)]
    if state is not None:
        streams.append(Stream(state.uploader_id, account.evolve))

    def decided(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        events, people = decide(states[0]), states[1:]
        return [events, *(_counted(it, id, count) if events else [] for it in people)]

    return await execute_together(store, streams, decided, by=command.by)


def _counted(
    state: Account | None, id: ImageId, count: Callable[..., list[AccountEvent]]
) -> list[AccountEvent]:
    return count(state, image_id=id)
