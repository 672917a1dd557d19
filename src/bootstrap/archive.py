"""Backup and restore: the log, its keys and the originals; every print is made again."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from adapters import dump
from adapters.data_folder import write_durably
from adapters.reaping import LogHistories
from adapters.storage import PostgresCatalogue
from bootstrap import Core, auditing, erasing
from bootstrap.upkeep import caught_up
from commands import object_keys
from commands.ports import ObjectKey, ObjectMissing
from domain import image
from domain.refusals import Conflict
from domain.stream import fold
from projections.audit import Checkpoint, Finding
from projections.reaper import needed, paged
from settings import Settings

AT_ONCE = 16
MANIFEST, LOG, KEYS, SECRETS = "manifest.json", "log.dump", "keys.dump", "secrets.dump"
COUNTS = "counts.dump"
DUMPS = {LOG: dump.LOG, KEYS: dump.KEYS, SECRETS: dump.SECRETS, COUNTS: dump.COUNTS}

Report = Callable[[str, int], None]
"""Called with what is copied, and how many more of it that was."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Written last: a folder without it is no backup."""

    head: int
    instance: str
    """Which instance key the keys are wrapped with; tells nothing of the key itself."""
    checkpoint: Checkpoint | None
    originals: dict[ObjectKey, int]
    """Key and size."""
    checksums: dict[ObjectKey, str] = {}
    """SHA-256 of what was copied; older backups have none."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    events: int
    originals: int
    erased: int
    """Erasures that were applied again."""
    damaged: list[ObjectKey]
    """Originals that are not in the backup as they were copied; they were left out."""
    findings: list[Finding]
    """Of the audit, against the checkpoint of the backup."""


async def backup(settings: Settings, folder: Path, report: Report) -> Manifest:
    """Into a new folder, or over an older backup, of which unchanged originals are kept."""
    core, known = Core(settings), _known(folder / MANIFEST)
    (folder / "objects").mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    async with core.opened():
        sealed = await auditing.checkpoint(settings)
        for name, tables in DUMPS.items():
            report(name, 1)
            await dump.dump(settings.database_url, folder / name, tables)
        originals: dict[ObjectKey, int] = {}
        checksums: dict[ObjectKey, str] = {}
        async for page in paged(_originals(core), AT_ONCE):
            kept = await asyncio.gather(
                *(_fetched(core, it, folder / "objects", known.get(it)) for it in page)
            )
            for key, found in zip(page, kept, strict=True):
                if found:
                    originals[key], checksums[key] = found
            report("originals", len(page))
        _drop_others(folder / "objects", originals)
        manifest = Manifest(
            head=sealed.position if sealed else 0,
            instance=_instance(core),
            checkpoint=sealed,
            originals=originals,
            checksums=checksums,
        )
    plain = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
    write_durably(folder / MANIFEST, plain)
    return manifest


async def restore(settings: Settings, folder: Path, report: Report) -> Restored:
    """Into an installation with an empty log and the same instance key, else raises Conflict.

    Originals come first: whatever the log then says is there, is there.
    """
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    core, damaged = Core(settings), list[ObjectKey]()
    async with core.opened():
        if manifest.instance != _instance(core):
            raise Conflict(reason="the backup is of an installation with another instance.key")
        if await core.log.head():
            raise Conflict(reason="the log is not empty: restore into a new installation")
        for key in manifest.originals:
            file, checksum = folder / "objects" / key, manifest.checksums.get(key)
            if not file.exists() or checksum not in (None, await _checksum(file)):
                damaged.append(key)
                continue
            await core.objects.put(key, file, content_type="application/octet-stream")
            report("originals", 1)
        await core.objects.settle()
        await core.database.run(dump.EMPTY)
        counts = [COUNTS] if (folder / COUNTS).exists() else []  # older backups have none
        for name in (*counts, KEYS, SECRETS, LOG):  # the log last: till then, try again
            report(name, 1)
            await dump.load(settings.database_url, folder / name)
        head = await core.log.head()
        await caught_up(core, head)
    erased = await erasing.reapply_all(settings)
    verdict = await auditing.verify(settings, manifest.checkpoint, lambda position, head: None)
    return Restored(
        events=verdict.events,
        originals=len(manifest.originals) - len(damaged),
        damaged=damaged,
        erased=erased,
        findings=verdict.findings,
    )


async def _originals(core: Core) -> AsyncIterator[ObjectKey]:
    """Of every image that is there, by the log."""
    async for ids in paged(PostgresCatalogue(core.database).finalized()):
        for id, history in (await LogHistories(core.log).of(ids)).items():
            state = fold(image.evolve, history)
            assert state is not None
            assert state.attempt is not None
            key = object_keys.original(state.owner_id, id, state.attempt)
            if needed(key, id, state):
                yield key


async def _fetched(
    core: Core, key: ObjectKey, folder: Path, known: str | None
) -> tuple[int, str] | None:
    """Its size and checksum; None if it was purged meanwhile. An original never changes: what is
    there, with a checksum that is `known`, stays."""
    file = folder / key
    try:
        found = await core.objects.head(key)
        if not (file.exists() and file.stat().st_size == found.size):
            known = None
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_name(file.name + ".new")
            with new.open("wb") as out:
                async with core.objects.stream(key) as chunks:
                    async for chunk in chunks:
                        out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            new.replace(file)
    except ObjectMissing:
        return None
    return found.size, known or await _checksum(file)


async def _checksum(file: Path) -> str:
    def read() -> str:
        with file.open("rb") as bytes:
            return hashlib.file_digest(bytes, "sha256").hexdigest()

    return await asyncio.to_thread(read)


def _known(manifest: Path) -> dict[ObjectKey, str]:
    """Of the backup that lies there already."""
    if not manifest.exists():
        return {}
    return msgspec.json.decode(manifest.read_bytes(), type=Manifest).checksums


def _drop_others(folder: Path, originals: dict[ObjectKey, int]) -> None:
    """What was purged since the last backup into this folder."""
    for file in folder.rglob("*"):
        if file.is_file() and str(file.relative_to(folder)) not in originals:
            file.unlink()


def _instance(core: Core) -> str:
    return hashlib.sha256(core.key.derived("backup")).hexdigest()[:32]
