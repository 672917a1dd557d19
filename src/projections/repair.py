"""Mending what an inspection found. Nothing is thrown away at once: orphans go into quarantine."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from commands import object_keys
from commands.ports import Clock, ObjectKey, ObjectMissing, ObjectStore
from domain.ids import ImageId
from projections.inspection import ORPHANS, Catalogue, Finding, Inspector, Kind

KEPT = timedelta(days=30)
BATCH = 100


class Mender:
    def __init__(
        self, *, inspector: Inspector, catalogue: Catalogue, objects: ObjectStore, now: Clock
    ) -> None:
        self._inspector = inspector
        self._catalogue = catalogue
        self._objects = objects
        self._now = now

    async def mend(self, findings: Sequence[Finding]) -> list[Finding]:
        """The same findings, each with what was done; what cannot be made again is left alone."""
        orphans = [it.key for it in findings if it.kind in ORPHANS.values()]
        moved = set[ObjectKey]()
        for begin in range(0, len(orphans), BATCH):
            moved |= await self._quarantined(orphans[begin : begin + BATCH])
        missing = [it for it in findings if it.kind is Kind.MISSING_DERIVATIVE]
        await self._catalogue.develop_again(sorted({_image_id(it) for it in missing}))
        done = dict.fromkeys(moved, "quarantined") | dict.fromkeys(
            (it.key for it in missing), "queued"
        )
        return [replace(it, repair=done.get(it.key)) for it in findings]

    async def forget(self) -> int:
        """Delete what has been in quarantine for long enough."""
        old = []
        async for found in self._objects.list(object_keys.QUARANTINE):
            since = _day(found.key)
            if since and self._now() - since > KEPT:
                old.append(found.key)
        await self._objects.delete(old)
        return len(old)

    async def _quarantined(self, keys: Sequence[ObjectKey]) -> set[ObjectKey]:
        """Those that still are orphans, and have been moved."""
        moved, folder = set[ObjectKey](), f"{object_keys.QUARANTINE}{self._now():%Y-%m-%d}"
        for key in await self._inspector.orphaned(keys):
            try:
                await self._objects.copy(key, ObjectKey(f"{folder}/{key}"))
            except ObjectMissing:
                continue
            moved.add(key)
        await self._objects.settle()
        await self._objects.delete(list(moved))
        return moved


def _day(key: ObjectKey) -> datetime | None:
    day = key.removeprefix(object_keys.QUARANTINE).partition("/")[0]
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _image_id(finding: Finding) -> ImageId:
    id = object_keys.whose(finding.key)
    assert id is not None, "a missing derivative is an image's"
    return id
