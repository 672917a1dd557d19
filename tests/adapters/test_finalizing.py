"""Finalizing on the real stores: whoever else tries, an original stays as it was proven."""

import asyncio
from functools import partial

import pytest
from msgspec.structs import replace

from adapters.allowances import PostgresAllowances
from adapters.gallery import PostgresGallery
from adapters.ledger import PostgresLedger
from bootstrap import Core, new_id, now
from commands import finalizing, object_keys, uploads
from commands.finalizing import FinalizeUpload, Registrar
from commands.once import Once
from commands.ports import Batch, Receipt, SetQuota
from commands.proofs import Proof, prove
from commands.uploads import InitiateUpload
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
async def process(core, tmp_path):
    """The handler as several API processes have it: each with a `proving` of its own."""
    async with core.lab() as lab:
        yield lambda: partial(
            finalizing.finalize_upload,
            registrar=Registrar(
                store=core.store,
                objects=core.objects,
                hasher=core.key,
                twins=PostgresGallery(core.database, core.store),
                allowances=PostgresAllowances(core.database, core.settings.known_plans, now),
                now=lambda: NOW,
                gate=DECODE,
            ),
            objects=core.objects,
            ledger=PostgresLedger(core.database),
            lab=lab,
            spool=tmp_path,
            new_id=new_id,
            proving=Once[Proof](),
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


async def test_50_finalizes_at_once_are_one_fact_and_one_original(core, process):
    command = await initiated(core)
    processes = [process() for _ in range(3)]

    done = await asyncio.gather(*(processes[n % 3](command) for n in range(50)))

    history = await core.store.load(command.image_id)
    assert sum(isinstance(it.event, ImageFinalized) for it in history) == 1
    assert sum(it.receipt.position is not None for it in done) == 1
    assert list((await originals(core)).values()) == [CONTENT]


async def test_a_late_attempt_on_other_bytes_leaves_the_original_alone(core, process):
    """It read the history before the first one won, and copies after other bytes came."""
    command = await initiated(core)
    before = fold(image.evolve, await core.store.load(command.image_id))
    await process()(command)
    await arrive(core, command.image_id, OTHER)

    stores = process().keywords
    proof = await prove(
        command.image_id,
        before,
        new_id(),
        *(stores[name] for name in ("objects", "ledger", "lab", "spool")),
    )
    uploaded = await stores["registrar"].enter(command, proof, OWNER)

    state: Image | None = fold(image.evolve, await core.store.load(command.image_id))
    assert uploaded.receipt.position is None
    key = object_keys.original(OWNER, command.image_id, state.attempt)
    assert await originals(core) == {key: CONTENT}


async def test_a_duplicate_leaves_no_bytes_behind(core, process):
    first = replace(await initiated(core), duplicates=Duplicates.RETURN)
    second = replace(await promised(core), duplicates=Duplicates.RETURN)

    kept, found = await process()(first), await process()(second)

    assert (kept.image_id, kept.duplicate) == (first.image_id, False)
    assert (found.image_id, found.duplicate) == (first.image_id, True)
    assert list((await originals(core)).values()) == [CONTENT]
    waiting = [it.key async for it in core.objects.list("incoming/")]
    assert waiting == [object_keys.incoming(first.image_id)]  # until it is developed
    rows = await core.database.rows("select account_id = %s, used from log.account_usage", (OWNER,))
    assert sorted(rows) == [(False, len(CONTENT)), (True, len(CONTENT))], "this month, and in all"
    assert await process()(second) == replace(found, receipt=Receipt(version=2))


async def test_an_asker_that_goes_away_does_not_stop_the_others(core, process):
    command, finalize = await initiated(core), process()
    first = asyncio.create_task(finalize(command))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(finalize(command))
    await asyncio.sleep(0.01)

    first.cancel()

    assert (await second).receipt.position is not None
