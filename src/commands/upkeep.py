"""What is ordered for read models: to be made again, or made without an event."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from domain import upkeep
from domain.ids import AccountId
from domain.refusals import NotFound


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


class OrderRebuild(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    model: str
    request: UUID


class SkipEvent(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    model: str
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


async def skip_event(command: SkipEvent, *, store: EventStore) -> Receipt:
    decide = partial(
        upkeep.skip, model=command.model, position=command.position, reason=command.reason
    )
    return await execute(store, _stream(command.model), decide, by=command.by)


def _stream(model: str) -> Stream[upkeep.Upkeep]:
    return Stream(upkeep.stream_of_model(model), upkeep.evolve)
