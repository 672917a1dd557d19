"""Places outside the database that hold something of what was purged, and what goes with it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from commands import object_keys
from commands.erasure import Erasure, Kind, depart, erase_album, purge
from commands.multipart import MultipartStore
from commands.ports import EventStore, Hasher, ObjectKey
from commands.reports import erase_report
from commands.turns import in_turns
from commands.webhooks import Webhooks as Kept
from commands.webhooks import end_webhook
from domain import purging
from domain.ids import NOBODY, AccountId, AlbumId, ImageId
from domain.image_events import Cause

T = TypeVar("T")

LEDGER = "erasures/"
"""Kept beside the bytes: after a restore from an older backup, it still says what must not be."""


class Bytes:
    """Originals of every attempt, prints, uploads, what a repair put aside; all versions.

    Originals first: who is just making a print of one looks, when it is stored, for what it was
    made from.
    """

    name = "objects"

    def __init__(self, objects: MultipartStore) -> None:
        self._objects = objects

    async def clear(self, erasure: Erasure) -> int:
        id = ImageId(erasure.subject)
        first = await self._objects.erase(object_keys.originals(erasure.owner_id, id))
        places = [object_keys.incoming(id), object_keys.derivatives(id)]
        aside = self._objects.list(object_keys.QUARANTINE)
        places += [found.key async for found in aside if id.hex in found.key]
        return first + sum(await asyncio.gather(*map(self._objects.erase, places)))


class Ledger:
    """A note in the object store of what was erased: ids only."""

    name = "erasure ledger"

    def __init__(self, objects: MultipartStore) -> None:
        self._objects = objects

    async def clear(self, erasure: Erasure) -> int:
        key = ObjectKey(f"{LEDGER}{erasure.kind}/{erasure.subject.hex}")
        note = erasure.requested_at.isoformat().encode()
        await self._objects.put(key, note, content_type="text/plain")
        await self._objects.settle()
        return 0


class Edge(Protocol):
    """The CDN, which may hold copies."""

    async def forget(self, image_id: ImageId) -> None:
        """Every copy of it is gone when it returns. Raises Unavailable."""
        ...


class Copies:
    name = "cdn"

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def clear(self, erasure: Erasure) -> int:
        await self._edge.forget(ImageId(erasure.subject))
        return 0


class Family(Protocol):
    """What the read models and the list of erasures know of images that belong together."""

    async def images(self, owner_id: AccountId) -> Sequence[ImageId]:
        """Every image and upload of an account that any read model still has."""
        ...

    async def duplicates(self, image_id: ImageId) -> Sequence[ImageId]:
        """Uploads that turned out to be the bytes of this image."""
        ...

    async def albums(self, owner_id: AccountId) -> Sequence[AlbumId]:
        """Every album of an account that the read model still has."""
        ...

    async def memberships(self, account_id: AccountId) -> Sequence[UUID]:
        """Every organization that somebody is in, as far as the read model knows."""
        ...

    async def reports(self, account_id: AccountId) -> Sequence[UUID]:
        """Every report of abuse that somebody filed, as far as the read model knows."""
        ...

    async def erased(self, owner_id: AccountId, kind: Kind) -> tuple[int, int]:
        """How many of what an account had are cleared everywhere, and how many not yet."""
        ...


class Things(Generic[T]):
    """What an account had of one kind, each with an erasure of its own that is waited for."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        family: Family,
        find: Callable[[AccountId], Awaitable[Sequence[T]]],
        end: Callable[[T], Awaitable[object]],
    ) -> None:
        self.name = name
        self._kind = kind
        self._family = family
        self._find = find
        self._end = end

    async def clear(self, erasure: Erasure) -> int | None:
        found = await self._find(erasure.owner_id)
        await in_turns(found, self._end)
        done, waiting = await self._family.erased(erasure.owner_id, self._kind)
        return None if found or waiting else done


def images(family: Family, store: EventStore, hasher: Hasher) -> Things[Any]:
    """One under legal hold is waited for, too."""
    end = partial(_end_image, store=store, hasher=hasher)
    return Things("images", Kind.IMAGE, family, family.images, end)


def albums(family: Family, store: EventStore) -> Things[Any]:
    return Things("albums", Kind.ALBUM, family, family.albums, partial(erase_album, store=store))


def reports(family: Family, store: EventStore) -> Things[Any]:
    end = partial(erase_report, store=store)
    return Things("reports", Kind.REPORT, family, family.reports, end)


class Webhooks:
    """An account's webhooks, with what is kept of them beside the log."""

    name = "webhooks"

    def __init__(self, webhooks: Kept, store: EventStore) -> None:
        self._webhooks = webhooks
        self._store = store

    async def clear(self, erasure: Erasure) -> int:
        found = await self._webhooks.of(erasure.owner_id)
        for id in found:
            await end_webhook(id, store=self._store, webhooks=self._webhooks)
        return len(found)


class Memberships:
    name = "memberships"

    def __init__(self, family: Family, store: EventStore) -> None:
        self._family = family
        self._store = store

    async def clear(self, erasure: Erasure) -> int | None:
        found = await self._family.memberships(erasure.owner_id)
        left = [await depart(it, erasure.owner_id, store=self._store) for it in found]
        return sum(receipt.position is not None for receipt in left)


class Duplicates:
    """Records of uploads of the same bytes."""

    name = "duplicates"

    def __init__(self, family: Family, store: EventStore, hasher: Hasher) -> None:
        self._family = family
        self._end = partial(_end_image, store=store, hasher=hasher)

    async def clear(self, erasure: Erasure) -> int:
        found = await self._family.duplicates(ImageId(erasure.subject))
        return sum(await in_turns(found, self._end))


async def _end_image(id: ImageId, *, store: EventStore, hasher: Hasher) -> bool:
    decide = partial(purging.erase, cause=Cause.ERASURE)
    receipt = await purge(id, decide, by=NOBODY, store=store, hasher=hasher)
    return receipt.position is not None
