"""The audit: who seals, who proves, and who reads."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from adapters.audit_log import LogEntries
from adapters.seals import Ed25519Signer, Sealer, seals, unsealed
from bootstrap import Core, now
from commands.ports import ObjectKey, ObjectMissing
from projections.audit import Audit, Checkpoint, Finding, Seal
from projections.audit_log import Entry, Filter
from settings import Settings

if TYPE_CHECKING:
    from adapters.locked import LockedBucket

PAGE = 1_000

Report = Callable[[int, int], None]
"""Called with the position that was looked at, and the last one."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    events: int
    seconds: float
    findings: list[Finding]


def signer(core: Core) -> Ed25519Signer:
    return Ed25519Signer(core.key.audit_key())


def sealer(core: Core) -> Sealer:
    return Sealer(core.database, signer(core))


async def checkpoint(settings: Settings) -> Checkpoint | None:
    """Of everything that is in the log now; None of an empty one."""
    core = Core(settings)
    async with core.connected():
        last = await sealer(core).all()
    return _point(core, last) if last else None


def checkpoints(core: Core) -> "LockedBucket":
    """Where they are kept out of everybody's reach."""
    from adapters.locked import LockedBucket

    return LockedBucket(public_url="", bucket=core.settings.audit_bucket, **core.object_store)


async def keep_checkpoint(core: Core, bucket: "LockedBucket") -> int:
    """In the locked bucket, if there is anything new. Returns how many that were."""
    last = await sealer(core).all()
    if last is None:
        return 0
    key = ObjectKey(f"{core.settings.namespace}/{last.number:012}.json")
    try:
        await bucket.head(key)
    except ObjectMissing:
        until = now() + timedelta(days=core.settings.audit_days)
        await bucket.keep(key, msgspec.json.encode(_point(core, last)), until=until)
        return 1
    return 0


def _point(core: Core, last: Seal) -> Checkpoint:
    return Checkpoint(
        number=last.number,
        position=last.last,
        hash=last.hash.hex(),
        signature=last.signature.hex(),
        public_key=signer(core).public_key.hex(),
        at=now(),
    )


async def verify(settings: Settings, point: Checkpoint | None, report: Report) -> Verdict:
    core, began, count, position = Core(settings), time.monotonic(), 0, 0
    audit = Audit(signer(core), point)
    async with core.connected():
        head = await core.log.head()
        async for seal, events in seals(core.database):
            audit.sealed(seal, events)
            count, position = count + len(events), seal.last
            report(position, max(head, position))
        async for page in unsealed(core.database, position):
            audit.unsealed(page)
            count += len(page)
            report(page[-1].position, max(head, page[-1].position))
    seconds = round(time.monotonic() - began, 3)
    return Verdict(events=count, seconds=seconds, findings=audit.findings())


async def read(
    settings: Settings, asked: Filter, show: Callable[[Sequence[Entry], bool], None]
) -> None:
    """Page by page; `show` is told whether it is the first one."""
    core, position, first = Core(settings), 0, True
    async with core.connected():
        log = LogEntries(core.log)
        while True:
            entries, further = await log.page(asked, after=position, limit=PAGE)
            show(entries, first)
            if further is None:
                return
            position, first = further, False
