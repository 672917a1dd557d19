"""Finalizing on the real stores: whoever else tries, an original stays as it was proven."""

import asyncio
from functools import partial

import pytest
from msgspec.structs import replace

from adapters.allowances import PostgresAllowances
from adapters.gallery import PostgresGallery
from adapters.ledger import PostgresLedger
from bootstrap import Core, new_id, now
from commands import object_keys, uploads
from commands.once import Once
from commands.ports import Batch, Receipt, SetQuota
from commands.uploads import FinalizeUpload, InitiateUpload, Proof
from domain import image
from domain.access import Visibility
from domain.account import AccountRegistered, Duplicates
from domain.gate import DECODE
from domain.image import Image
from domain.image_events import ImageFinalized, Promised
from domain.media import Caps
from domain.stream import fold
from tests.people import sample
from tests.spec import NOW, OWNER

CONTENT = sample("valid/Pillow__rgb.jpg")
OTHER = sample("valid/Pillow__rgb.jpg")[:-20] + bytes(20)


@pytest.fixture
async def finalizing(core, tmp_path):
    """The handler as several API processes have it: each with a `proving` of its own."""
    async with core.lab() as lab:
        yield lambda: partial(
            uploads.finalize_upload,
            store=core.store,
            objects=core.objects,
            ledger=PostgresLedger(core.database),
            lab=lab,
            spool=tmp_path,
            now=lambda: NOW,
            new_id=new_id,
            proving=Once[Proof](),
            hasher=core.key,
            twins=PostgresGallery(core.database, core.store),
            allowances=PostgresAllowances(core.database, core.settings.known_plans, now),
            gate=DECODE,
        )


async def initiated(core: Core) -> FinalizeUpload:
    """An upload whose bytes have arrived."""
    opened = AccountRegistered(plan="free", quota_bytes=10**9, personal=None)
    quota = SetQuota(account_id=OWNER, quota_bytes=10**9)
    await core.store.append(
        [Batch(stream_id=OWNER, after=0, events=[opened])], by=OWNER, guards=[quota]
    )
    return await promised(core)


async def promised(core: Core) -> FinalizeUpload:
    """The same for an account that is there."""
    ticket = await uploads.initiate_upload(
        InitiateUpload(
            by=OWNER,
            promised=Promised(filename="a.jpg"),
            size=len(CONTENT),
            content_type="image/jpeg",
        ),
        store=core.store,
        objects=core.objects,
        ledger=PostgresLedger(core.database),
        now=now,
        new_id=new_id,
        caps=Caps(),
        lifetime=86_400,
        expiry=900,
    )
    await arrive(core, ticket.image_id, CONTENT)
    return FinalizeUpload(by=OWNER, image_id=ticket.image_id, visibility=Visibility.PRIVATE)


async def arrive(core: Core, image_id, content: bytes) -> None:
    key = object_keys.incoming(image_id)
    await core.objects.put(key, content, content_type="image/jpeg")


async def originals(core: Core) -> dict[str, bytes]:
    found = [it.key async for it in core.objects.list("originals/")]
    return {key: await core.objects.read(key) for key in found}


async def test_50_finalizes_at_once_are_one_fact_and_one_original(core, finalizing):
    command = await initiated(core)
    processes = [finalizing() for _ in range(3)]

    done = await asyncio.gather(*(processes[n % 3](command) for n in range(50)))

    history = await core.store.load(command.image_id)
    assert sum(isinstance(it.event, ImageFinalized) for it in history) == 1
    assert sum(it.receipt.position is not None for it in done) == 1
    assert list((await originals(core)).values()) == [CONTENT]


async def test_a_late_attempt_on_other_bytes_leaves_the_original_alone(core, finalizing):
    """It read the history before the first one won, and copies after other bytes came."""
    command = await initiated(core)
    before = fold(image.evolve, await core.store.load(command.image_id))
    await finalizing()(command)
    await arrive(core, command.image_id, OTHER)

    late = finalizing()
    stores = late.keywords
    proof = await uploads._prove(
        command.image_id,
        before,
        new_id(),
        *(stores[name] for name in ("objects", "ledger", "lab", "spool")),
    )
    uploaded = await uploads._finalize(
        *(command, proof, core.store, core.objects, core.key, stores["twins"], lambda: NOW, DECODE),
        uploads.charge,
    )

    state: Image | None = fold(image.evolve, await core.store.load(command.image_id))
    assert uploaded.receipt.position is None
    key = object_keys.original(OWNER, command.image_id, state.attempt)
    assert await originals(core) == {key: CONTENT}


async def test_a_duplicate_leaves_no_bytes_behind(core, finalizing):
    first = replace(await initiated(core), duplicates=Duplicates.RETURN)
    second = replace(await promised(core), duplicates=Duplicates.RETURN)

    kept, found = await finalizing()(first), await finalizing()(second)

    assert (kept.image_id, kept.duplicate) == (first.image_id, False)
    assert (found.image_id, found.duplicate) == (first.image_id, True)
    assert list((await originals(core)).values()) == [CONTENT]
    waiting = [it.key async for it in core.objects.list("incoming/")]
    assert waiting == [object_keys.incoming(first.image_id)]  # until it is developed
    rows = await core.database.rows("select account_id = %s, used from log.account_usage", (OWNER,))
    assert sorted(rows) == [(False, len(CONTENT)), (True, len(CONTENT))], "this month, and in all"
    assert await finalizing()(second) == replace(found, receipt=Receipt(version=2))


async def test_an_asker_that_goes_away_does_not_stop_the_others(core, finalizing):
    command, process = await initiated(core), finalizing()
    first = asyncio.create_task(process(command))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(process(command))
    await asyncio.sleep(0.01)

    first.cancel()

    assert (await second).receipt.position is not None
