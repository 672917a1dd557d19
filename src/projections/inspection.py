"""Inspecting the object store: what the log speaks of against what is there, both ways."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec

from commands import object_keys
from commands.ports import Clock, ObjectKey, ObjectMissing, ObjectStore, StoredObject
from domain import image
from domain.ids import ImageId, to_text
from domain.image_events import ImageFinalized
from domain.stream import Recorded, fold
from projections.development import Variant
from projections.reaper import Histories, needed, paged

AT_ONCE = 16
"""Originals that are looked at at the same time."""


class Kind(StrEnum):
    MISSING_ORIGINAL = "missing_original"
    WRONG_SIZE = "wrong_size"
    WRONG_CHECKSUM = "wrong_checksum"
    ORPHAN_ORIGINAL = "orphan_original"
    ORPHAN_DERIVATIVE = "orphan_derivative"
    STALE_INCOMING = "stale_incoming"
    MISSING_DERIVATIVE = "missing_derivative"


ORPHANS = {
    "originals/": Kind.ORPHAN_ORIGINAL,
    "incoming/": Kind.STALE_INCOMING,
    "derivatives/": Kind.ORPHAN_DERIVATIVE,
}


class Finding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    kind: Kind
    key: ObjectKey
    image_id: str | None
    detail: str
    repair: str | None = None
    """What was done about it."""


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """What the read model says was developed of an image."""

    image_id: ImageId
    scrubbed: bool
    variants: Sequence[Variant]
    kept: Container[str]
    """What prints are called that there was room for."""

    def keys(self, recipe: str) -> list[ObjectKey]:
        id = self.image_id
        made = [object_keys.derivative(id, recipe, it.rung, it.format) for it in self.variants]
        made += [object_keys.scrubbed(id, recipe)] * self.scrubbed
        return [it for it in made if object_keys.name(it) in self.kept]


class Catalogue(Protocol):
    """What there should be."""

    def finalized(self) -> AsyncIterator[ImageId]:
        """Every image that was ever finalized, by the log."""
        ...

    def printed(self, recipe: str) -> AsyncIterator[Printed]:
        """Whatever was developed by that recipe, in order of id."""
        ...

    async def develop_again(self, ids: Sequence[ImageId]) -> None: ...


Report = Callable[[str, int], None]
"""Called with what is looked at, and how many more of it that was."""
FIRST, LAST = ImageId(UUID(int=0)), ImageId(UUID(int=2**128 - 1))


class Inspector:
    """What comes or goes while it looks is no finding: the log is asked after the store."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        histories: Histories,
        objects: ObjectStore,
        now: Clock,
        grace: timedelta,
        recipe: str,
        report: Report,
    ) -> None:
        self._catalogue = catalogue
        self._histories = histories
        self._objects = objects
        self._before = now() - grace
        self._recipe = recipe
        self._report = report

    async def findings(self, *, deep: bool) -> AsyncIterator[Finding]:
        """`deep` reads every original and compares its SHA-256."""
        async for ids in paged(self._catalogue.finalized(), AT_ONCE):
            histories = await self._histories.of(ids)
            looks = (self._original(id, past, deep) for id, past in histories.items())
            for found in await asyncio.gather(*looks):
                if found:
                    yield found
            self._report("images", len(ids))
        for prefix, kind in ORPHANS.items():
            async for page in paged(self._objects.list(prefix)):
                for orphan in await self._orphans(page):
                    yield _orphan(kind, orphan)
                self._report(prefix.rstrip("/"), len(page))
        async for finding in self._missing_derivatives():
            yield finding

    async def orphaned(self, keys: Sequence[ObjectKey]) -> list[ObjectKey]:
        """Those that no event refers to, by the log as it is now."""
        ids = {key: object_keys.whose(key) for key in keys}
        histories = await self._histories.of({id for id in ids.values() if id})
        return [key for key, id in ids.items() if id is None or not _referred(key, id, histories)]

    async def _orphans(self, page: Sequence[StoredObject]) -> list[StoredObject]:
        old = {it.key: it for it in page if it.modified < self._before}
        return [old[key] for key in await self.orphaned(list(old))]

    async def _original(
        self, id: ImageId, history: Sequence[Recorded[Any]], deep: bool
    ) -> Finding | None:
        state = fold(image.evolve, history)
        assert state is not None
        assert state.attempt is not None
        key = object_keys.original(state.owner_id, id, state.attempt)
        if not needed(key, id, state):
            return None
        event = next(it.event for it in history if isinstance(it.event, ImageFinalized))
        try:
            kind, detail = await self._compared(key, event, deep)
        except ObjectMissing:
            kind, detail = Kind.MISSING_ORIGINAL, f"{event.size} bytes are not there"
        return _finding(kind, key, id, detail) if kind else None

    async def _compared(
        self, key: ObjectKey, event: ImageFinalized, deep: bool
    ) -> tuple[Kind | None, str]:
        """Raises ObjectMissing."""
        found = await self._objects.head(key)
        if found.size != event.size:
            return Kind.WRONG_SIZE, f"{found.size} bytes instead of {event.size}"
        if deep and event.personal:
            digest = await self._digest(key)
            if digest != event.personal.checksum:
                return Kind.WRONG_CHECKSUM, f"{digest} instead of {event.personal.checksum}"
        return None, ""

    async def _digest(self, key: ObjectKey) -> str:
        digest = hashlib.sha256()
        async with self._objects.stream(key) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
        return digest.hexdigest()

    async def _missing_derivatives(self) -> AsyncIterator[Finding]:
        """Walks store and read model side by side: both are in order of id."""
        groups = _by_image(self._objects.list("derivatives/"))
        id, keys = FIRST, set[ObjectKey]()
        async for printed in self._catalogue.printed(self._recipe):
            while id < printed.image_id:
                id, keys = await anext(groups)
            there = keys if id == printed.image_id else set()
            for key in printed.keys(self._recipe):
                if key not in there and await self._misses(key):
                    detail = f"recipe {self._recipe}; made on the spot until then"
                    yield _finding(Kind.MISSING_DERIVATIVE, key, printed.image_id, detail)
            self._report("prints", 1)

    async def _misses(self, key: ObjectKey) -> bool:
        try:
            await self._objects.head(key)
        except ObjectMissing:
            return not await self.orphaned([key])
        return False


async def _by_image(
    listing: AsyncIterator[StoredObject],
) -> AsyncIterator[tuple[ImageId, set[ObjectKey]]]:
    id, keys = FIRST, set[ObjectKey]()
    async for found in listing:
        whose = object_keys.whose(found.key) or id
        if whose != id:
            yield id, keys
            id, keys = whose, set()
        keys.add(found.key)
    yield id, keys
    yield LAST, set()


def _referred(
    key: ObjectKey, id: ImageId, histories: Mapping[ImageId, Sequence[Recorded[Any]]]
) -> bool:
    history = histories.get(id)
    return history is not None and needed(key, id, fold(image.evolve, history))


def _orphan(kind: Kind, found: StoredObject) -> Finding:
    detail = f"{found.size} bytes of {found.modified:%Y-%m-%d %H:%M} that no event refers to"
    return _finding(kind, found.key, object_keys.whose(found.key), detail)


def _finding(kind: Kind, key: ObjectKey, id: ImageId | None, detail: str) -> Finding:
    return Finding(kind=kind, key=key, image_id=to_text("img", id) if id else None, detail=detail)
