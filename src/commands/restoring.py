"""One album, or everything of an account, back to how it was: by events that compensate."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from commands.execute import Stream, execute
from commands.ports import Clock, EventStore, Receipt, StreamMoved
from commands.surroundings import around, execute_amid, execute_on_album, place
from domain import account, album, image, placing, restoring
from domain.access import Action
from domain.ids import AccountId, AlbumId, ImageId
from domain.refusals import BatchTooLarge, Conflict, Refusal
from domain.stream import Recorded, fold

MOST = 5_000
"""Images that one request looks at."""
AT_ONCE = 16

Then = Callable[[Sequence[Recorded[Any]]], Sequence[Recorded[Any]]]
"""Of a history, what had happened by the moment."""


class Belongings(Protocol):
    """What belongs together, as far as the read models know."""

    async def images(self, owner_id: AccountId) -> Sequence[ImageId]: ...

    async def albums(self, owner_id: AccountId) -> Sequence[AlbumId]: ...

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
    """The album first: who may not edit it learns that, and nothing is done."""
    id, moment = command.album_id, now()
    ours = _Restoring(store, command.by, command.then, command.request, command.dry_run)
    known = await place(store, id)
    result = await ours.album(id, moment, strict=True)
    state = fold(album.evolve, await store.load(id))
    assert state is not None
    own = await belongings.images(state.owner_id)
    ids = _bounded({*own, *await belongings.inside(id)})
    circle = known.album if known else None
    decide = partial(restoring.inside_as, album_id=id, circle=circle, by=command.by, now=moment)
    found = await _each(ids, partial(ours.image, decide=decide))
    return [result, *(it for it in found if it.changed or it.refusal)]


async def restore_account(
    command: RestoreAccount, *, store: EventStore, belongings: Belongings, now: Clock
) -> Sequence[Returned]:
    moment, by = now(), command.by
    ours = _Restoring(store, by, command.then, command.request, command.dry_run)
    ids = _bounded(set(await belongings.images(by)))
    decide = partial(restoring.image_as, by=by, now=moment)
    found = [await ours.account()]
    found += [await ours.album(album_id, moment) for album_id in await belongings.albums(by)]
    found += await _each(ids, partial(ours.image, decide=decide))
    return [it for it in found if it.changed or it.refusal]


class _Restoring:
    """Each thing for itself; what a repeated request did before is not done again."""

    def __init__(
        self, store: EventStore, by: AccountId, then: Then, request: UUID, dry_run: bool
    ) -> None:
        self._store = store
        self._ours = store.within(request)
        self._by = by
        self._then = then
        self._request = request
        self._dry_run = dry_run

    async def album(self, id: AlbumId, moment: datetime, *, strict: bool = False) -> Returned:
        """A refusal is the whole request's where it is `strict`."""
        history = await self._store.load(id)
        then = fold(album.evolve, self._then(history))
        decide = partial(restoring.album_as, then=then, by=self._by, now=moment)

        async def act() -> Receipt:
            return await execute_on_album(self._ours, id, decide, by=self._by)

        known, state = await place(self._store, id), fold(album.evolve, history)
        team = known.album.roles if known and known.album else {}
        state = replace(state, roles=team) if state else None
        if strict:
            album.allowed(state, Action.EDIT, by=self._by, now=moment)
        return await self._returned(id, "album", history, partial(decide, state), act)

    async def account(self) -> Returned:
        history = await self._store.load(self._by)
        decide = partial(restoring.account_as, then=fold(account.evolve, self._then(history)))

        async def act() -> Receipt:
            stream = Stream(self._by, account.evolve)
            return await execute(self._ours, stream, decide, by=self._by)

        state = fold(account.evolve, history)
        return await self._returned(self._by, "account", history, partial(decide, state), act)

    async def image(self, id: ImageId, *, decide: Callable[..., Any]) -> Returned:
        history = await self._store.load(id)
        then = fold(image.evolve, self._then(history))
        decided = partial(decide, then=then)

        async def act() -> Receipt:
            return await execute_amid(self._ours, id, decided, by=self._by)

        known = await around(self._store, id, self._by)
        state = placing.amid(fold(image.evolve, history), known)
        return await self._returned(id, "image", history, partial(decided, state), act)

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
            if not tried() or self._dry_run:
                return Returned(id=id, kind=kind, changed=bool(tried()))
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


async def _each(
    ids: Sequence[ImageId], act: Callable[[ImageId], Awaitable[Returned]]
) -> list[Returned]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(id: ImageId) -> Returned:
        async with turns:
            return await act(id)

    return list(await asyncio.gather(*map(one, ids)))
