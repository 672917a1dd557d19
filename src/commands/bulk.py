"""One act upon many images, each for itself; and taking it back."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

import msgspec

from commands.erasure import Erasures, PurgeImage, purge_image
from commands.execute import Stream, execute
from commands.images import Retention
from commands.ports import Clock, EventStore, Hasher, Receipt, StreamMoved
from commands.restoring import Belongings, Returned, undo_restoring
from commands.surroundings import around, execute_amid, place
from commands.turns import in_turns
from domain import image, many, operation, placing
from domain.access import Visibility
from domain.ids import AccountId, AlbumId, ImageId
from domain.image import Image
from domain.image_events import ImageEvent
from domain.operation import Action
from domain.refusals import CannotBeUndone, ChangedSince, Conflict, Refusal
from domain.stream import fold

Decide = Callable[[Image | None], Sequence[ImageEvent]]


class ActOnMany(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    operation_id: UUID
    action: Action
    image_ids: tuple[ImageId, ...]
    tags: tuple[str, ...] = ()
    """To add or to remove, where the action is about tags."""
    visibility: Visibility | None = None
    album_id: AlbumId | None = None
    dry_run: bool = False


class UndoOperation(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    operation_id: UUID
    undo_id: UUID


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Of one image: whether anything changed (would change, in a dry run), or why it cannot."""

    image_id: ImageId
    changed: bool = False
    refusal: Refusal | None = None
    position: int | None = None


async def act_on_many(
    command: ActOnMany,
    *,
    store: EventStore,
    hasher: Hasher,
    erasures: Erasures,
    now: Clock,
    retention: Retention,
) -> Sequence[Outcome]:
    """In the order asked for. One that is refused does not stand in the way of the others."""
    kept, into = await retention.of(command.by, store), await place(store, command.album_id)
    decide = partial(
        many.act,
        by=command.by,
        action=command.action,
        now=now(),
        tags=command.tags,
        visibility=command.visibility,
        retention=kept,
        request=command.operation_id,
        album_id=command.album_id,
        album=into.album if into else None,
    )
    if command.dry_run:
        return await _each(
            command.image_ids, partial(_tried, decide=decide, by=command.by, store=store)
        )
    begin = partial(
        operation.begin, by=command.by, action=command.action, image_ids=command.image_ids
    )
    stream = Stream(command.operation_id, operation.evolve)
    await execute(store, stream, begin, by=command.by)
    ours = store.within(command.operation_id)

    async def act(image_id: ImageId) -> Receipt:
        if command.action is Action.PURGE:
            purging = PurgeImage(by=command.by, image_id=image_id, request=command.operation_id)
            ordered = await purge_image(
                purging, store=ours, hasher=hasher, erasures=erasures, now=now
            )
            return ordered.receipt
        return await execute_amid(ours, image_id, decide, by=command.by)

    return await _each(
        command.image_ids,
        partial(_done_once, operation_id=command.operation_id, store=store, act=act),
    )


async def undo_operation(
    command: UndoOperation,
    *,
    store: EventStore,
    belongings: Belongings,
    now: Clock,
    retention: Retention,
) -> Sequence[Outcome] | Sequence[Returned]:
    """Append what compensates; leave alone what has changed since, and say so."""
    stream = Stream(command.operation_id, operation.evolve)
    decide = partial(operation.undo, by=command.by, undo_id=command.undo_id)
    await execute(store, stream, decide, by=command.by)
    undone = fold(operation.evolve, await store.load(command.operation_id))
    assert undone is not None
    kept = await retention.of(command.by, store)
    if undone.action is None:
        return await undo_restoring(
            undone,
            command.operation_id,
            undo_id=command.undo_id,
            store=store,
            belongings=belongings,
            now=now,
            retention=kept,
        )
    action, ours = undone.action, store.within(command.undo_id)

    async def undo(image_id: ImageId) -> Receipt:
        history = await store.load(image_id)
        places = [i for i, it in enumerate(history) if it.operation == command.operation_id]
        if not places:
            return Receipt(version=len(history))
        before = fold(image.evolve, history[: places[0]])
        after = fold(image.evolve, history[: places[-1] + 1])

        def compensate(state: Image | None) -> Sequence[ImageEvent]:
            assert state is not None
            assert before is not None
            if action is Action.PURGE or state.purged:
                raise CannotBeUndone
            if many.touched(state, action) != many.touched(after, action):
                raise ChangedSince
            return many.compensate(state, before, action, by=command.by, now=now(), retention=kept)

        return await execute_amid(ours, image_id, compensate, by=command.by)

    once = partial(_done_once, operation_id=command.undo_id, store=store, act=undo)
    return await _each(undone.image_ids, once)


async def _each(
    image_ids: Sequence[ImageId], act: Callable[[ImageId], Awaitable[Receipt]]
) -> Sequence[Outcome]:
    async def one(image_id: ImageId) -> Outcome:
        try:
            receipt = await act(image_id)
        except Refusal as refusal:
            return Outcome(image_id=image_id, refusal=refusal)
        except StreamMoved:
            return Outcome(image_id=image_id, refusal=Conflict())
        position = receipt.position
        return Outcome(image_id=image_id, changed=position is not None, position=position)

    return await in_turns(image_ids, one)


async def _tried(image_id: ImageId, *, decide: Decide, by: AccountId, store: EventStore) -> Receipt:
    """What would happen, with a position where something would."""
    history = await store.load(image_id)
    known = await around(store, image_id, by)
    events = decide(placing.amid(fold(image.evolve, history), known))
    return Receipt(version=len(history), position=0 if events else None)


async def _done_once(
    image_id: ImageId,
    *,
    operation_id: UUID,
    store: EventStore,
    act: Callable[[ImageId], Awaitable[Receipt]],
) -> Receipt:
    """A repeated request finds what it did before."""
    done = [it for it in await store.load(image_id) if it.operation == operation_id]
    if done:
        return Receipt(version=done[-1].version, position=done[-1].position)
    return await act(image_id)
