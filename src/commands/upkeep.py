"""What is ordered for read models: to be made again, or made without an event."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from domain import upkeep
from domain.ids import AccountId
from domain.refusals import NotFound
from domain.stream import fold

Decide: TypeAlias = Callable[..., list[upkeep.UpkeepEvent]]


class Rebuild(msgspec.Struct, frozen=True, kw_only=True):
    """One that was ordered, and how far it is."""

    model: str
    ordered_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    position: int
    head: int
    events: int
    seconds: float
    error: str | None

    @property
    def state(self) -> str:
        if self.finished_at:
            return "finished"
        return "running" if self.started_at else "ordered"


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a read model could not take, or that came behind one."""

    model: str
    position: int
    stream_id: UUID
    topic: str
    error: str
    at: datetime


class Upkeep(Protocol):
    async def order(self, model: str) -> None:
        """Have it made again, unless it is being made."""
        ...

    async def rebuilds(self) -> Sequence[Rebuild]:
        """The last of each read model."""
        ...

    async def parked(self, model: str, limit: int) -> Sequence[Parked]:
        """The newest first."""
        ...


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of one read model, made again."""

    model: str
    position: int
    """Of its first parked event."""
    taken: int
    """How many parked events are not any more."""
    error: str | None
    """Why it stays as it was."""


class Reparked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all read models that could not take an event."""

    tried: Sequence[Tried]
    receipt: Receipt | None


class Parking(Protocol):
    """Where events are put aside that a read model could not take."""

    models: Sequence[str]

    async def page(self, after: tuple[int, str], limit: int, *, skip: int = 0) -> Sequence[Parked]:
        """Behind a position and a read model, in the order of the log, without the first ones."""
        ...

    async def total(self) -> int:
        """How many there are."""
        ...

    async def at(self, position: int) -> Sequence[Parked]:
        """By every read model that could not take it."""
        ...

    async def again(self, parked: Parked) -> Tried:
        """Make the document anew of the stream's whole history, without what is skipped."""
        ...


class RetryEvent(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    position: int
    request: UUID


class OrderRebuild(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    model: str
    request: UUID


class SkipEvent(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    position: int
    reason: str


async def order_rebuild(
    command: OrderRebuild, *, store: EventStore, orders: Upkeep, models: Sequence[str]
) -> Receipt:
    if command.model not in models:
        raise NotFound
    decide = partial(upkeep.order_rebuild, model=command.model, request=command.request)
    receipt = await execute(store, _stream(command.model), decide, by=command.by)
    await orders.order(command.model)
    return receipt


async def retry_event(command: RetryEvent, *, store: EventStore, parking: Parking) -> Reparked:
    """Have it taken after all, and with it the later ones of its stream. Raises NotFound."""
    decide = partial(upkeep.retry, position=command.position, request=command.request)
    return await _see_to(command.position, decide, command.by, store, parking)


async def skip_event(command: SkipEvent, *, store: EventStore, parking: Parking) -> Reparked:
    """Have every read model that could not take it made without it. Raises NotFound."""
    decide = partial(upkeep.skip, position=command.position, reason=command.reason)
    return await _see_to(command.position, decide, command.by, store, parking)


async def _see_to(
    position: int, decide: Decide, by: AccountId, store: EventStore, parking: Parking
) -> Reparked:
    """Where an answer was lost, what was parked is not any more: that is no refusal."""
    found, receipt = await parking.at(position), None
    if not found and not await _done(decide, store, parking.models):
        raise NotFound
    for it in found:
        receipt = await execute(store, _stream(it.model), partial(decide, model=it.model), by=by)
    return Reparked(tried=[await parking.again(it) for it in found], receipt=receipt)


async def _done(decide: Decide, store: EventStore, models: Sequence[str]) -> bool:
    for model in models:
        history = await store.load(upkeep.stream_of_model(model))
        if not decide(fold(upkeep.evolve, history), model=model):
            return True
    return False


def _stream(model: str) -> Stream[upkeep.Upkeep]:
    return Stream(upkeep.stream_of_model(model), upkeep.evolve)
