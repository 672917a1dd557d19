"""Seeding: a large log by its bulk path, with small originals in the object store."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from adapters.event_store import EventSourcedStore
from bootstrap import Core, now
from commands import object_keys
from commands.demo import Demo, Lot, Original
from commands.ports import Batch, ObjectKey, Reserve, SetQuota
from domain import claim
from domain.account import AccountRegistered
from domain.ids import AccountId
from settings import Settings

AT_ONCE, OBJECTS_AT_ONCE = 4, 16
PICTURES = 24
Report = Callable[[int], None]
"""Called with how many images were written."""


class Seeded(msgspec.Struct, frozen=True, kw_only=True):
    images: int
    owners: int
    seconds: float


async def seed(
    settings: Settings,
    images: int,
    owners: int,
    number: int,
    report: Report = lambda _: None,
    *,
    originals: bool = True,
) -> Seeded:
    """Images over a year that ends now. Nobody can sign in as their owners: they have no passwords.

    Each append carries a hundred images of one owner. Without `originals` there is nothing to
    see of them: enough for lists and searches.
    """
    core, began, until = Core(settings), time.monotonic(), now()
    demo = Demo(number, pictures(), until)
    async with core.opened():
        known = [await _account(core, *it, until) for it in demo.accounts(owners)]
        lots, count = demo.lots(known, images), 0

        async def work() -> None:
            nonlocal count
            for lot in lots:
                await _write(core, lot, originals=originals)
                count += len(lot.batches)
                report(count)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    seconds = round(time.monotonic() - began, 3)
    return Seeded(images=count, owners=len(known), seconds=seconds)


def pictures() -> Sequence[Original]:
    """Small, no two alike."""
    return list(_painted())


def _painted() -> Iterator[Original]:
    import pyvips

    for seed in range(PICTURES):
        bands = [pyvips.Image.perlin(96, 64, cell_size=32, seed=3 * seed + it) for it in range(3)]
        picture = (bands[0].bandjoin(bands[1:]) * 100 + 128).cast("uchar")
        body = picture.copy(interpretation="srgb").jpegsave_buffer(Q=60)
        yield Original(bytes(body), picture.width, picture.height)


async def _account(
    core: Core, id: AccountId, registered: AccountRegistered, at: datetime
) -> AccountId:
    assert registered.personal is not None
    names = (("username", registered.personal.username), ("email", registered.personal.email))
    batches = [
        Batch(stream_id=id, after=0, events=[registered]),
        *(
            Batch(
                stream_id=core.key.claim_id(kind, name),
                after=0,
                events=[claim.Claimed(account_id=id)],
            )
            for kind, name in names
        ),
    ]
    guard = SetQuota(account_id=id, quota_bytes=registered.quota_bytes)
    await EventSourcedStore(core.log, lambda: at).append(batches, by=id, guards=[guard])
    return id


async def _write(core: Core, lot: Lot, *, originals: bool) -> None:
    """Bytes first: whatever the log says is there, is there."""
    if originals:
        places = asyncio.Semaphore(OBJECTS_AT_ONCE)

        async def put(key: ObjectKey, body: bytes) -> None:
            async with places:
                await core.objects.put(key, body, content_type="image/jpeg")

        keys = [
            (object_keys.original(lot.owner_id, id, attempt), it.body)
            for id, attempt, it in lot.originals
        ]
        await asyncio.gather(*(put(*pair) for pair in keys))
        await core.objects.settle()
    size = sum(len(original.body) for _, _, original in lot.originals)
    guard = Reserve(account_id=lot.owner_id, bytes=size)
    store = EventSourcedStore(core.log, lambda: lot.at)
    await store.append(lot.batches, by=lot.owner_id, guards=[guard])
