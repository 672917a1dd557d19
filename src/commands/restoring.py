"""One album, or everything of an account, back to how it was: by events that compensate."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Any, Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import Clock, EventStore, Receipt, StreamMoved
from commands.surroundings import around, execute_amid, execute_on_album, with_roles
from commands.turns import in_turns
from domain import account, album, image, operation, placing, restoring
from domain.access import Action
from domain.album import Album
from domain.ids import AccountId, AlbumId, ImageId
from domain.operation import Operation
from domain.refusals import BatchTooLarge, Conflict, Refusal
from domain.stream import Recorded, fold

MOST = 5_000
"""Images that one request looks at."""

Then = Callable[[Sequence[Recorded[Any]]], Sequence[Recorded[Any]]]
"""Of a history, what had happened by the moment."""


class Belongings(Protocol):
    """What belongs together, as far as the read models know."""

    async def images(self, owner_id: AccountId) -> Sequence[ImageId]: ...

    async def albums(self, owner_id: AccountId) -> Sequence[AlbumId]: ...

    async def purged(self, owner_id: AccountId, since: int | datetime) -> Sequence[ImageId]:
        """Images of theirs that were, behind a position or after a time."""
        ...

    async def inside(self, album_id: AlbumId) -> Sequence[ImageId]:
        """What is in an album now, whoever owns it."""
        ...


class RestoreAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    then: Then
    request: UUID
    dry_run: bool = False


class RestoreAccount(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    then: Then
    since: int | datetime
    """The moment itself: what was purged after it cannot come back, and is named."""
    request: UUID
    dry_run: bool = False


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """Of one thing: whether anything changed (would change, in a dry run), or why it cannot."""

    id: UUID
    kind: str
    changed: bool = False
    refusal: Refusal | None = None
    position: int | None = None


async def restore_album(
    command: RestoreAlbum, *, store: EventStore, belongings: Belongings, now: Clock
) -> Sequence[Returned]:
    """Who may not edit it learns that first, and nothing is done."""
    id, by, moment = command.album_id, command.by, now()
    state = album.allowed(await with_roles(store, id), Action.EDIT, by=by, now=moment)
    own, inside = await belongings.images(state.owner_id), await belongings.inside(id)
    others = tuple(sorted(set(inside) - set(own)))
    ids = _bounded({*own, *others})
    if not command.dry_run:
        begin = partial(operation.begin_restoring, by=by, album_id=id, image_ids=others)
        await execute(store, Stream(command.request, operation.evolve), begin, by=by)
    ours = _Restoring(store, by, command.then, command.request, command.dry_run)
    return await _album_and_inside(ours, id, state, ids, by, moment)


async def restore_account(
    command: RestoreAccount, *, store: EventStore, belongings: Belongings, now: Clock
) -> Sequence[Returned]:
    moment, by = now(), command.by
    purged = await belongings.purged(by, command.since)
    ids = _bounded({*await belongings.images(by), *purged})
    if not command.dry_run:
        begin = partial(operation.begin_restoring, by=by)
        await execute(store, Stream(command.request, operation.evolve), begin, by=by)
    ours = _Restoring(store, by, command.then, command.request, command.dry_run)
    decide = partial(restoring.image_as, by=by, now=moment)
    return await _everything(ours, ids, await belongings.albums(by), decide, moment)


async def undo_restoring(
    undone: Operation,
    operation_id: UUID,
    *,
    undo_id: UUID,
    store: EventStore,
    belongings: Belongings,
    now: Clock,
    retention: timedelta,
) -> Sequence[Returned]:
    """Each thing as it was before; what has changed since is left alone, and named."""
    moment, by = now(), undone.owner_id
    ours = _Restoring(store, by, partial(_before, operation_id), undo_id, undoing=operation_id)
    if (id := undone.album_id) is None:
        ids = _bounded(set(await belongings.images(by)))
        back = partial(restoring.image_back, by=by, now=moment, retention=retention)
        return await _everything(ours, ids, await belongings.albums(by), back, moment)
    state = album.allowed(await with_roles(store, id), Action.EDIT, by=by, now=moment)
    own, inside = await belongings.images(state.owner_id), await belongings.inside(id)
    ids = _bounded({*own, *inside, *undone.image_ids})
    return await _album_and_inside(ours, id, state, ids, by, moment)


def _before(operation_id: UUID, history: Sequence[Recorded[Any]]) -> Sequence[Recorded[Any]]:
    """All of it, where the operation did nothing."""
    return list(takewhile(lambda it: it.operation != operation_id, history))


async def _album_and_inside(
    ours: "_Restoring",
    id: AlbumId,
    state: Album,
    ids: Sequence[ImageId],
    by: AccountId,
    moment: datetime,
) -> list[Returned]:
    result = await ours.album(id, moment)
    decide = partial(restoring.inside_as, album_id=id, circle=state.circle, by=by, now=moment)
    found = await in_turns(ids, partial(ours.image, decide=decide))
    return [result, *(it for it in found if it.changed or it.refusal)]


async def _everything(
    ours: "_Restoring",
    ids: Sequence[ImageId],
    albums: Sequence[AlbumId],
    decide: Callable[..., Any],
    moment: datetime,
) -> list[Returned]:
    found = [await ours.account()]
    found += [await ours.album(album_id, moment) for album_id in albums]
    found += await in_turns(ids, partial(ours.image, decide=decide))
    return [it for it in found if it.changed or it.refusal]


class _Restoring:
    """Each thing for itself; what a repeated request did before is not done again."""

    def __init__(
        self,
        store: EventStore,
        by: AccountId,
        then: Then,
        request: UUID,
        dry_run: bool = False,
        undoing: UUID | None = None,
    ) -> None:
        self._store = store
        self._ours = store.within(request)
        self._by = by
        self._then = then
        self._request = request
        self._dry_run = dry_run
        self._undoing = undoing

    async def album(self, id: AlbumId, moment: datetime) -> Returned:
        history = await self._store.load(id)
        then = fold(album.evolve, self._then(history))
        decide = self._heeding(
            album.evolve,
            history,
            partial(restoring.album_as, then=then, by=self._by, now=moment),
        )

        async def act() -> Receipt:
            return await execute_on_album(self._ours, id, decide, by=self._by)

        state = await with_roles(self._store, id)
        return await self._returned(id, "album", history, partial(decide, state), act)

    async def account(self) -> Returned:
        history = await self._store.load(self._by)
        then = fold(account.evolve, self._then(history))
        decide = self._heeding(account.evolve, history, partial(restoring.account_as, then=then))

        async def act() -> Receipt:
            stream = Stream(self._by, account.evolve)
            return await execute(self._ours, stream, decide, by=self._by)

        state = fold(account.evolve, history)
        return await self._returned(self._by, "account", history, partial(decide, state), act)

    async def image(self, id: ImageId, *, decide: Callable[..., Any]) -> Returned:
        history = await self._store.load(id)
        then = fold(image.evolve, self._then(history))
        decided = self._heeding(image.evolve, history, partial(decide, then=then))

        async def act() -> Receipt:
            return await execute_amid(self._ours, id, decided, by=self._by)

        known = await around(self._store, id, self._by)
        state = placing.amid(fold(image.evolve, history), known)
        return await self._returned(id, "image", history, partial(decided, state), act)

    def _heeding(
        self,
        evolve: Callable[[Any, Any], Any],
        history: Sequence[Recorded[Any]],
        decide: Callable[..., Any],
    ) -> Callable[..., Any]:
        """What undoes something is refused where somebody has changed that since."""
        ours = [it.version for it in history if self._undoing and it.operation == self._undoing]
        if not ours:
            return decide
        before, after = fold(evolve, history[: ours[0] - 1]), fold(evolve, history[: ours[-1]])

        def decided(state: Any) -> Any:
            restoring.heed(state, before, after)
            return decide(state)

        return decided

    async def _returned(
        self,
        id: UUID,
        kind: str,
        history: Sequence[Recorded[Any]],
        tried: Callable[[], Sequence[Any]],
        act: Callable[[], Awaitable[Receipt]],
    ) -> Returned:
        done = [it for it in history if it.operation == self._request]
        if done:
            return Returned(id=id, kind=kind, changed=True, position=done[-1].position)
        try:
            events = tried()
            if self._dry_run or not events:
                return Returned(id=id, kind=kind, changed=bool(events))
            receipt = await act()
        except Refusal as refusal:
            return Returned(id=id, kind=kind, refusal=refusal)
        except StreamMoved:
            return Returned(id=id, kind=kind, refusal=Conflict())
        changed = receipt.position is not None
        return Returned(id=id, kind=kind, changed=changed, position=receipt.position)


def _bounded(ids: set[ImageId]) -> list[ImageId]:
    if len(ids) > MOST:
        raise BatchTooLarge(limit=MOST, requested=len(ids))
    return sorted(ids)
