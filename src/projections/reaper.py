"""The reaper: promises that ran out, and bytes that no event refers to or ever will."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

import structlog

from commands import object_keys
from commands.execute import Stream, execute
from commands.ports import Clock, EventStore, ObjectKey, ObjectStore
from commands.uploads import charge
from domain import image, uploads
from domain.ids import NOBODY, ImageId
from domain.image import Image
from domain.refusals import Unavailable
from domain.stream import Recorded, fold

PAGE = 100
"""Streams that are asked for at a time."""

_log = structlog.get_logger()


class Leftover(Protocol):
    """Bytes that may be needed no more: an object, or what there is of one."""

    @property
    def key(self) -> ObjectKey: ...

    @property
    def modified(self) -> datetime: ...


T = TypeVar("T")
L = TypeVar("L", bound=Leftover)
Due = tuple[datetime, ImageId]


class Uploads(Protocol):
    """The read model's view: quick, and perhaps late."""

    async def due(self, now: datetime, *, after: Due | None, limit: int) -> Sequence[Due]:
        """Open uploads whose time ran out, longest ago first, from behind `after`."""
        ...

    async def attempts(self, ids: Collection[ImageId]) -> Mapping[ImageId, UUID]:
        """Of those that are finalized, the attempt that did it."""
        ...


class Histories(Protocol):
    """The truth: streams of images in the log, many in one round trip."""

    async def of(self, ids: Collection[ImageId]) -> Mapping[ImageId, Sequence[Recorded[Any]]]:
        """Those that exist, each as EventStore.load has it."""
        ...


def needed(key: ObjectKey, image_id: ImageId, state: Image | None) -> bool:
    """Whether an event refers to these bytes, or one still may.

    What is settled stays settled, so a No holds for ever: no race can make it wrong. Originals of
    an unknown image are kept: after a restore, the log may be older than the object store.
    """
    if state is None:
        return key.startswith("originals/")
    if state.purged:
        return False
    if key.startswith("derivatives/"):
        return state.finalized
    if not state.settled:
        return True
    return state.attempt is not None and key == object_keys.original(
        state.owner_id, image_id, state.attempt
    )


class Reaper:
    """Every step can be broken off and done again; it does nothing twice."""

    def __init__(
        self,
        *,
        uploads: Uploads,
        histories: Histories,
        store: EventStore,
        objects: ObjectStore,
        now: Clock,
        grace: timedelta,
    ) -> None:
        self._uploads = uploads
        self._histories = histories
        self._store = store
        self._objects = objects
        self._now = now
        self._grace = grace

    async def expire(self) -> int:
        """Close each upload whose time ran out, give back its quota, then remove its bytes."""
        count, last = 0, None
        while page := await self._uploads.due(self._now(), after=last, limit=PAGE):
            ids = [id for _, id in page]
            closed = await asyncio.gather(*map(self._close, ids))
            expired = [id for id, done in zip(ids, closed, strict=True) if done]
            await self._objects.delete([object_keys.incoming(id) for id in expired])
            count, last = count + len(expired), page[-1]
        return count

    async def _close(self, image_id: ImageId) -> bool:
        decide = partial(uploads.expire, now=self._now())
        stream = Stream(image_id, image.evolve)
        try:
            receipt = await execute(self._store, stream, decide, by=NOBODY, guards=charge)
        except Unavailable:
            raise
        except Exception as error:  # one that cannot be closed must not shield the others
            _log.error("upload does not expire", image=str(image_id), exc_info=error)
            return False
        return receipt.position is not None

    async def clear(self, prefix: str) -> int:
        """Delete objects that are needed no more."""

        async def delete(gone: Sequence[Leftover]) -> None:
            await self._objects.delete([it.key for it in gone])

        return await self.sweep(self._objects.list(prefix), delete)

    async def sweep(
        self, found: AsyncIterator[L], remove: Callable[[Sequence[L]], Awaitable[None]]
    ) -> int:
        """Hand to `remove` what is needed no more and older than the grace period."""
        count, before = 0, self._now() - self._grace
        async for page in paged(found):
            old = [it for it in page if it.modified < before]
            if gone := await self._needless(old):
                await remove(gone)
                count += len(gone)
        return count

    async def _needless(self, found: Sequence[L]) -> list[L]:
        """The read model settles most of them; for the rest, what the log says counts."""
        ours = [(it, id) for it in found if (id := object_keys.whose(it.key))]
        known = await self._uploads.attempts({id for _, id in ours})
        suspects = [(it, id) for it, id in ours if not _is_original(it.key, known.get(id))]
        histories = await self._histories.of({id for _, id in suspects})
        return [
            it
            for it, id in suspects
            if not needed(it.key, id, fold(image.evolve, histories.get(id, ())))
        ]


def _is_original(key: ObjectKey, attempt: UUID | None) -> bool:
    return attempt is not None and key.startswith("originals/") and key.endswith(attempt.hex)


async def paged(found: AsyncIterator[T], size: int = PAGE) -> AsyncIterator[list[T]]:
    page: list[T] = []
    async for it in found:
        page.append(it)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
