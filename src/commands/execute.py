"""The one path by which events come to be."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from commands.ports import Batch, EventStore, Guard, Receipt, StreamMoved
from domain.ids import AccountId
from domain.refusals import PreconditionFailed
from domain.stream import Event, fold

S = TypeVar("S")

ATTEMPTS = 5


class Stream(msgspec.Struct, Generic[S], frozen=True):
    id: UUID
    evolve: Callable[[S | None, Any], S]


async def execute(
    store: EventStore,
    stream: Stream[S],
    decide: Callable[[S | None], Sequence[Event]],
    *,
    by: AccountId,
    expected: frozenset[int] | None = None,
    guards: Callable[[Any, Any], Sequence[Guard]] = lambda before, after: (),
) -> Receipt:
    """Load, fold, decide, append; and decide afresh if another writer came first."""
    return await execute_together(
        store,
        [stream],
        lambda states: [decide(states[0])],
        by=by,
        expected=expected,
        guards=guards,
    )


async def execute_together(
    store: EventStore,
    streams: Sequence[Stream[Any]],
    decide: Callable[[Sequence[Any]], Sequence[Sequence[Event]]],
    *,
    by: AccountId,
    expected: frozenset[int] | None = None,
    guards: Callable[[Any, Any], Sequence[Guard]] = lambda before, after: (),
) -> Receipt:
    """The same over several streams at once: all of it happens, or none.

    `expected` are the versions of the first stream that suit the caller, any if None; `guards`
    says, of the first stream's state before and after, what the append transaction must also
    hold to.
    """
    for _ in range(ATTEMPTS):
        histories = [await store.load(stream.id) for stream in streams]
        version = len(histories[0])
        states = [
            fold(stream.evolve, past) for stream, past in zip(streams, histories, strict=True)
        ]
        decided = decide(states)
        if expected is not None and version not in expected:
            # only now: a version is told to nobody who is refused
            raise PreconditionFailed(expected=max(expected), actual=version)
        after = reduce(streams[0].evolve, decided[0], states[0])
        batches = [
            Batch(stream_id=stream.id, after=len(past), events=events)
            for stream, past, events in zip(streams, histories, decided, strict=True)
            if events
        ]
        if not batches:
            return Receipt(version=version)
        try:
            position = await store.append(batches, by=by, guards=guards(states[0], after))
        except StreamMoved:
            continue
        return Receipt(version=version + len(decided[0]), position=position)
    raise StreamMoved
