"""The reaper on the real stores: what was abandoned goes, what an event names stays."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest

from adapters.allowances import PostgresAllowances
from adapters.gallery import PostgresGallery
from adapters.lab import VipsLab
from adapters.ledger import PostgresLedger
from adapters.read_model import ReadModel
from adapters.reaping import LogHistories, PostgresUploads
from bootstrap import Core, new_id, now
from commands import finalizing, object_keys, uploads
from commands.assembly import abandon
from commands.execute import Stream, execute
from commands.finalizing import FinalizeUpload, Registrar
from commands.ledger import Entry, forget_all
from commands.once import Once
from commands.ports import Batch, ObjectKey, SetQuota
from commands.proofs import Proof
from commands.uploads import AbortUpload, InitiateUpload
from domain import image
from domain.access import Visibility
from domain.account import AccountRegistered
from domain.gate import DECODE
from domain.ids import AccountId, ImageId
from domain.image_events import (
    ImageFinalized,
    Promised,
    SoftDeleted,
    UploadAborted,
    UploadExpired,
    UploadInitiated,
    UploadRefused,
)
from domain.media import Caps, Format
from domain.refusals import UploadClosed
from domain.stream import fold
from domain.uploads import abort as abort_promise
from projections.projection import PROJECTIONS
from projections.reaper import Reaper, needed
from tests.people import sample
from tests.spec import ANOTHER, ATTEMPT, LATER, OWNER, recorded

CONTENT = sample("valid/Pillow__rgb.jpg")
EXPIRY = 900


@pytest.fixture
async def ann(core) -> AccountId:
    opened = AccountRegistered(plan="free", quota_bytes=10**9, personal=None)
    quota = SetQuota(account_id=OWNER, quota_bytes=10**9)
    await core.store.append(
        [Batch(stream_id=OWNER, after=0, events=[opened])], by=OWNER, guards=[quota]
    )
    return OWNER


def reaper(core: Core, *, after: timedelta = timedelta(hours=2), **changed) -> Reaper:
    """As it will find things `after` some time."""
    parts = {
        "uploads": PostgresUploads(core.database),
        "histories": LogHistories(core.log),
        "store": core.store,
        "objects": core.objects,
        "now": lambda: now() + after,
        "grace": timedelta(hours=1),
    }
    return Reaper(**parts | changed)


async def initiated(core: Core, size: int = len(CONTENT)) -> ImageId:
    promised = Promised(filename="a.jpg")
    ticket = await uploads.initiate_upload(
        InitiateUpload(by=OWNER, promised=promised, size=size, content_type="image/jpeg"),
        store=core.store,
        objects=core.objects,
        ledger=PostgresLedger(core.database),
        now=now,
        new_id=new_id,
        caps=Caps(),
        lifetime=EXPIRY,
        expiry=EXPIRY,
    )
    return ticket.image_id


async def arrived(core: Core) -> ImageId:
    image_id = await initiated(core)
    await put(core, object_keys.incoming(image_id))
    return image_id


async def put(core: Core, key: ObjectKey, content: bytes = CONTENT) -> None:
    await core.objects.put(key, content, content_type="image/jpeg")


async def finalize(core: Core, lab: VipsLab, spool, image_id: ImageId, **changed):
    command = FinalizeUpload(by=OWNER, image_id=image_id, visibility=Visibility.PRIVATE)
    stores = {"store": core.store, "objects": core.objects} | changed
    registrar = Registrar(
        **stores,
        hasher=core.key,
        twins=PostgresGallery(core.database, core.store),
        allowances=PostgresAllowances(core.database, core.settings.known_plans, now),
        now=now,
        gate=DECODE,
    )
    return await finalizing.finalize_upload(
        command,
        registrar=registrar,
        objects=stores["objects"],
        ledger=PostgresLedger(core.database),
        lab=lab,
        spool=spool,
        new_id=new_id,
        proving=Once[Proof](),
    )


async def projected(core: Core) -> None:
    """The gallery at the head of the log."""
    model = ReadModel(PROJECTIONS["gallery"])
    async with core.database.connection() as connection:
        position = await model.position(connection)
        while page := await core.log.recorder.page(position, 500):
            events = await core.log.opened(page)
            await model.apply(connection, events, after=position, upto=page[-1].id)
            position = page[-1].id


async def keys(core: Core, prefix: str = "") -> set[str]:
    return {it.key async for it in core.objects.list(prefix)}


async def used(core: Core) -> int:
    rows = await core.database.rows("select used from log.account_usage order by quota limit 1")
    return rows[0][0]


async def events(core: Core, image_id: ImageId) -> list[type]:
    return [type(it.event) for it in await core.store.load(image_id)]


async def test_1000_abandoned_uploads_go_and_what_is_referenced_stays(core, ann, tmp_path):
    async with core.lab() as lab:
        kept = [await arrived(core) for _ in range(3)]
        for image_id in kept:
            await finalize(core, lab, tmp_path, image_id)
    originals, cost = await keys(core, "originals/"), await used(core)
    abandoned = await asyncio.gather(*(initiated(core, size=1_000) for _ in range(1_000)))
    await asyncio.gather(*(put(core, object_keys.incoming(id), b"half") for id in abandoned[::10]))
    assert await used(core) == cost + 1_000_000
    await projected(core)

    done = reaper(core)
    assert await done.expire() == 1_000
    await done.clear("incoming/")
    await done.clear("originals/")
    await projected(core)

    assert await used(core) == cost == 3 * len(CONTENT)
    assert await keys(core) == originals
    for image_id in abandoned[::100]:
        assert (await events(core, image_id))[-1] is UploadExpired
    rows = await core.database.rows("select reserved_bytes, storage_bytes from gallery.usage")
    assert rows == [(0, cost)] * 2, "the owner's, and everybody's"
    assert await done.expire() == 0


async def test_parts_of_an_upload_that_is_over_go_too(core, ann):
    over, going_on = await initiated(core), await initiated(core)
    for image_id in (over, going_on):
        await core.objects.begin(object_keys.incoming(image_id), content_type="image/jpeg")
    await uploads.abort_upload(
        AbortUpload(by=OWNER, image_id=over),
        store=core.store,
        objects=core.objects,
        ledger=PostgresLedger(core.database),
    )

    swept = await reaper(core).sweep(
        core.objects.unfinished("incoming/"), partial(abandon, objects=core.objects)
    )

    left = [it.key async for it in core.objects.unfinished("incoming/")]
    assert (swept, left) == (1, [object_keys.incoming(going_on)])


async def test_what_a_killed_process_did_not_forget_is_forgotten(core, ann):
    ledger = PostgresLedger(core.database)
    over, going_on = await initiated(core), await initiated(core)
    for image_id in (over, going_on):
        await ledger.open(Entry(image_id=image_id, multipart_id=None))
    abort = partial(abort_promise, by=OWNER)
    await execute(core.store, Stream(over, image.evolve), abort, by=OWNER, guards=uploads.charge)

    swept = await reaper(core).sweep(ledger.noted(), partial(forget_all, ledger=ledger))

    assert (swept, [it.image_id async for it in ledger.noted()]) == (1, [going_on])


async def test_nothing_happens_before_its_time(core, ann):
    image_id = await arrived(core)
    await projected(core)

    early = reaper(core, after=timedelta(seconds=EXPIRY - 60), grace=timedelta(0))

    assert await early.expire() == 0
    assert await early.clear("incoming/") == 0
    assert await keys(core) == {object_keys.incoming(image_id)}


async def test_the_log_decides_where_the_read_model_is_late(core, ann, tmp_path):
    """It was projected while open, then finalized; the read model has not heard of it."""
    image_id = await arrived(core)
    await projected(core)
    async with core.lab() as lab:
        await finalize(core, lab, tmp_path, image_id)
    originals = await keys(core, "originals/")

    done = reaper(core)

    assert await done.expire() == 0
    assert await done.clear("originals/") == 0
    assert await keys(core, "originals/") == originals
    assert ImageFinalized in await events(core, image_id)


class Interrupting:
    """Passes everything on to a port, and lets something happen before one call."""

    def __init__(self, port, name: str, happens) -> None:
        self._port, self._name, self._happens = port, name, happens

    def __getattr__(self, name: str):
        found = getattr(self._port, name)
        if name != self._name:
            return found

        async def interrupted(*arguments, **named):
            happens, self._happens = self._happens, None
            if happens:
                await happens()
            return await found(*arguments, **named)

        return interrupted


async def test_a_finalize_that_wins_the_race_keeps_its_image(core, ann, tmp_path):
    """The reaper has read the stream as open; then the finalize comes first."""
    image_id = await arrived(core)
    await projected(core)
    async with core.lab() as lab:
        won = partial(finalize, core, lab, tmp_path, image_id)
        done = reaper(core, store=Interrupting(core.store, "append", won))

        assert await done.expire() == 0
    await done.clear("incoming/")
    await done.clear("originals/")

    assert UploadExpired not in await events(core, image_id)
    state = fold(image.evolve, await core.store.load(image_id))
    assert await keys(core) == {object_keys.original(OWNER, image_id, state.attempt)}
    assert await used(core) == len(CONTENT)


async def test_a_reaper_that_wins_the_race_is_heard_and_leaves_nothing(core, ann, tmp_path):
    """The finalize has proven its bytes; then the upload expires."""
    image_id = await arrived(core)
    await projected(core)
    done = reaper(core)
    async with core.lab() as lab:
        late = Interrupting(core.objects, "settle", done.expire)
        with pytest.raises(UploadClosed):
            await finalize(core, lab, tmp_path, image_id, objects=late)
    assert await keys(core, "originals/") != set()
    await projected(core)

    await done.clear("originals/")

    assert await keys(core) == set()
    assert ImageFinalized not in await events(core, image_id)
    assert await used(core) == 0


async def test_20_races_at_full_speed_end_one_way_or_the_other(core, ann, tmp_path):
    images = [await arrived(core) for _ in range(20)]
    await projected(core)
    done, won = reaper(core), 0
    async with core.lab() as lab:
        racing = [asyncio.create_task(finalize(core, lab, tmp_path, id)) for id in images]
        await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        await done.expire()
        await asyncio.gather(*racing, return_exceptions=True)
    await projected(core)
    await done.clear("incoming/")
    await done.clear("originals/")

    expected = set()
    for image_id in images:
        state = fold(image.evolve, await core.store.load(image_id))
        assert state.closed != state.finalized
        if state.finalized:
            won += 1
            expected.add(object_keys.original(OWNER, image_id, state.attempt))
    print(f"\n{won} finalized, {20 - won} expired")
    assert won > 0
    assert await keys(core) == expected
    assert await used(core) == won * len(CONTENT)


async def test_a_kill_between_event_and_deletion_is_healed_on_the_next_round(core, ann):
    class Killed(BaseException):
        pass

    async def killed() -> None:
        raise Killed

    image_id = await arrived(core)
    await projected(core)
    dying = reaper(core, objects=Interrupting(core.objects, "delete", killed))
    with pytest.raises(Killed):
        await dying.expire()
    assert (await events(core, image_id))[-1] is UploadExpired
    assert await keys(core) == {object_keys.incoming(image_id)}

    done = reaper(core)
    await done.expire()
    await done.clear("incoming/")

    assert await keys(core) == set()
    assert (await events(core, image_id)).count(UploadExpired) == 1
    assert await used(core) == 0


async def test_leftovers_of_settled_and_unknown_uploads_go_after_the_grace(core, ann, tmp_path):
    finalized, aborted, waiting = [await arrived(core) for _ in range(3)]
    async with core.lab() as lab:
        await finalize(core, lab, tmp_path, finalized)
    await uploads.abort_upload(
        AbortUpload(by=OWNER, image_id=aborted),
        store=core.store,
        objects=core.objects,
        ledger=PostgresLedger(core.database),
    )
    leftovers = [object_keys.incoming(id) for id in (finalized, aborted, ImageId(uuid4()))]
    leftovers.append(object_keys.original(OWNER, finalized, ANOTHER))
    leftovers.append(object_keys.original(OWNER, aborted, ANOTHER))
    kept = {object_keys.incoming(waiting), object_keys.original(OWNER, waiting, ANOTHER)}
    kept |= {object_keys.original(OWNER, ImageId(uuid4()), ANOTHER), ObjectKey("incoming/notes")}
    kept |= await keys(core, "originals/")
    for key in leftovers + list(kept - await keys(core, "originals/")):
        await put(core, key)

    early = reaper(core, after=timedelta(minutes=50))
    assert await early.clear("incoming/") + await early.clear("originals/") == 0

    done = reaper(core, after=timedelta(minutes=70))
    assert await done.clear("incoming/") == 3
    assert await done.clear("originals/") == 2
    assert await keys(core) == kept


opened = UploadInitiated(
    owner_id=OWNER, size=1, content_type="image/png", expires_at=LATER, personal=None
)
accepted = ImageFinalized(
    attempt=ATTEMPT, format=Format.PNG, size=1, visibility=Visibility.PRIVATE, personal=None
)


@pytest.mark.parametrize(
    ("history", "incoming", "mine", "others", "derivative"),
    [
        ([], False, True, True, False),
        ([opened], True, True, True, False),
        ([opened, UploadAborted()], False, False, False, False),
        ([opened, UploadExpired()], False, False, False, False),
        ([opened, UploadRefused(code="corrupt_image")], False, False, False, False),
        ([opened, accepted], False, True, False, True),
        ([opened, accepted, SoftDeleted(purge_after=LATER)], False, True, False, True),
    ],
)
def test_what_is_needed(history, incoming, mine, others, derivative):
    state, id = fold(image.evolve, recorded(*history)), ImageId(UUID(int=10))
    asked = {
        object_keys.incoming(id): incoming,
        object_keys.original(OWNER, id, ATTEMPT): mine,
        object_keys.original(OWNER, id, ANOTHER): others,
        ObjectKey(f"{object_keys.derivatives(id)}v1/thumb.webp"): derivative,
    }
    assert {key: needed(key, id, state) for key in asked} == asked


def test_keys_name_their_image():
    id = ImageId(uuid4())
    key = object_keys.original(OWNER, id, ANOTHER)
    assert object_keys.whose(key) == id
    assert object_keys.whose(object_keys.incoming(id)) == id
    assert object_keys.whose(ObjectKey(f"{object_keys.incoming(id)}.part")) == id
    assert object_keys.whose(ObjectKey(f"{object_keys.derivatives(id)}v1/scrubbed")) == id
    for other in ("incoming/notes", f"{key}/x", f"quarantine/2026-01-01/{key}", "", id.hex):
        assert object_keys.whose(ObjectKey(other)) is None
