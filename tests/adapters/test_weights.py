"""What is stored beside originals counts to their owner once, and no longer than it is stored."""

import asyncio
import random
from collections import Counter

import pytest

from adapters.transforms import Clearance, PostgresShelf
from adapters.weights import PostgresWeights, Weighed, weigh_what_is_there
from bootstrap import new_id, now
from commands.erasure import Erasure, Kind
from commands.ports import Batch, Reserve, SetQuota
from domain.image_events import Promised, UploadInitiated
from domain.refusals import QuotaExceeded
from tests.adapters.test_reaper import projected
from tests.spec import LATER, NOW


@pytest.fixture
def owner():
    return new_id()


@pytest.fixture
def weights(core):
    return PostgresWeights(core.database)


async def promised(core, owner, size=100, quota=1_000):
    """An image that somebody promised, who has so much room from now on; None: as before."""
    image = new_id()
    event = UploadInitiated(
        owner_id=owner,
        size=size,
        content_type="image/png",
        expires_at=LATER,
        personal=Promised(filename="a.png"),
    )
    room = [] if quota is None else [SetQuota(account_id=owner, quota_bytes=quota)]
    guards = [*room, Reserve(account_id=owner, bytes=size)]
    batch = Batch(stream_id=image, after=0, events=[event])
    await core.store.append([batch], by=owner, guards=guards)
    return image


def purge_of(image, owner):
    return Erasure(
        subject=image,
        kind=Kind.IMAGE,
        receipt_id=new_id(),
        owner_id=owner,
        position=1,
        requested_at=NOW,
    )


async def test_each_print_counts_once_however_often_it_is_made(core, weights, owner):
    image = await promised(core, owner)
    for prints in ({"v1/small.webp": 10, "v1/thumb.webp": 5}, {"v1/small.webp": 10}, {"v1/x": 2}):
        await weights.keep(image, owner, prints)
    await weights.keep(await promised(core, owner), owner, {"v1/small.webp": 3})

    assert await weights.of_owner(owner) == 20
    assert await weights.of_owner(new_id()) == 0


async def test_what_is_stored_leaves_less_room(core, weights, owner):
    image = await promised(core, owner, size=600)
    await weights.keep(image, owner, {"v1/small.webp": 301})

    with pytest.raises(QuotaExceeded) as refused:
        await promised(core, owner, size=100)

    assert refused.value.facts == {"limitBytes": 1_000, "usedBytes": 901, "requestedBytes": 100}
    await promised(core, owner, size=99)


async def test_only_what_there_is_room_for_is_kept_in_the_order_given(core, weights, owner):
    image = await promised(core, owner, size=900)

    assert await weights.keep(image, owner, {"a": 40, "b": 70, "c": 60}) == {"a", "c"}
    assert await weights.keep(image, owner, {"a": 40, "d": 1}) == {"a"}
    assert await weights.keep(image, owner, {"a": 30, "d": 10}) == {"a", "d"}

    assert await weights.of_owner(owner) == 100
    with pytest.raises(QuotaExceeded):
        await promised(core, owner, size=1)


async def test_what_another_recipe_made_is_known_and_counts_until_it_is_dropped(
    core, weights, owner
):
    image = await promised(core, owner)
    await weights.keep(image, owner, {"v4/small.webp": 10, "v4/scrubbed": 7, "v5/small.webp": 3})
    assert sorted(await weights.outgrown(image, "v5")) == ["v4/scrubbed", "v4/small.webp"]
    assert await weights.outgrown(new_id(), "v5") == []

    await weights.drop(image, ["v4/scrubbed", "v4/small.webp"])

    assert await weights.outgrown(image, "v5") == []
    assert await weights.of_owner(owner) == 3


async def test_what_races_for_room_gets_all_of_it_and_no_byte_more(core, weights):
    """Room for ten; ten uploads, ten prints and ten transforms want it, in 50 rounds."""
    shelf = PostgresShelf(core.database, now, budget=99)

    async def transform(image, number) -> bool:
        await shelf.claim(image, f"t{number}", lease=9, charged=False, lost=False)
        return await shelf.keep(image, f"t{number}", 100)

    kinds = Counter()
    for _ in range(50):
        owner = new_id()
        image = await promised(core, owner, size=0)
        await projected(core)
        works = [
            work
            for number in range(10)
            for work in (
                promised(core, owner, quota=None),
                weights.keep(image, owner, {f"v1/{number}": 100}),
                transform(image, number),
            )
        ]
        random.shuffle(works)

        done = await asyncio.gather(*works, return_exceptions=True)

        kinds.update(type(it).__name__ for it in done if it)
        assert sum(bool(it) and not isinstance(it, QuotaExceeded) for it in done) == 10
        ((used, quota),) = await core.database.rows(_USED, (owner,))
        assert used == quota == 1_000
    assert min(kinds["UUID"], kinds["frozenset"], kinds["bool"]) > 0


async def test_an_upload_that_waits_for_a_print_sees_what_it_takes(core, owner):
    image = await promised(core, owner, size=0)
    async with core.database.connection() as connection, connection.transaction():
        await connection.execute(
            "select derivatives.keep(%s, %s, array['v1/a'], array[100::bigint])", (image, owner)
        )
        upload = asyncio.create_task(promised(core, owner, size=901, quota=None))
        await asyncio.sleep(0.3)
        assert not upload.done()

    with pytest.raises(QuotaExceeded):
        await upload


_USED = "select used, quota from log.quota_usage where account_id = %s"


async def test_a_purge_gives_it_back_and_nothing_comes_behind(core, weights, owner):
    image = await promised(core, owner)
    await weights.keep(image, owner, {"v1/small.webp": 10})
    await core.database.rows(
        "delete from log.stream_keys where stream_id = %s returning 1", (image,)
    )

    assert await Weighed(core.database).clear(purge_of(image, owner)) == 1
    await weights.keep(image, owner, {"v1/small.webp": 10})

    assert await weights.of_owner(owner) == 0
    assert await core.database.rows("select from log.derived_usage") == []
    assert await Weighed(core.database).clear(purge_of(image, owner)) == 0


async def test_transforms_count_for_as_long_as_they_are_kept(core, weights, owner):
    image, shelf = await promised(core, owner), PostgresShelf(core.database, now, budget=9)
    await weights.keep(image, owner, {"v1/small.webp": 10})
    for name in ("a", "b"):
        await shelf.claim(image, name, lease=9, charged=False, lost=False)
        assert await weights.of_owner(owner) == (10 if name == "a" else 17)
        assert await shelf.keep(image, name, 7)
    assert await weights.of_owner(owner) == 24

    await shelf.claim(image, "a", lease=9, charged=False, lost=True)
    assert await weights.of_owner(owner) == 17
    await core.database.rows("delete from transforms.made returning 1")

    assert await weights.of_owner(owner) == 10


async def test_who_evicts_holds_nobody_up_while_waiting(core, weights, owner):
    shelf = PostgresShelf(core.database, now, budget=9)
    first, second, other = [await promised(core, owner) for _ in range(3)]
    for image in (first, second):
        await weights.keep(image, owner, {"v1/a": 1})
        await shelf.claim(image, "a", lease=9, charged=False, lost=False)
        assert await shelf.keep(image, "a", 7)
    async with core.database.connection() as connection, connection.transaction():
        await connection.execute(
            "select from derivatives.weights where image_id = %s for update", (second,)
        )
        evicting = asyncio.create_task(Clearance(core.database, core.objects, most=0).work())
        await asyncio.sleep(0.3)
        async with asyncio.timeout(5):
            assert await weights.keep(other, owner, {"v1/a": 2}) == {"v1/a"}
        assert not evicting.done()

    assert await evicting == 2
    assert await weights.of_owner(owner) == 4


async def test_an_older_installation_weighs_what_it_has(core, weights, owner):
    image = new_id()
    async with core.database.connection() as connection:
        await connection.execute(
            "insert into development.exposures (id, owner_id) values (%s, %s)", (image, owner)
        )
        await connection.execute(
            "insert into development.traits (id, crc, scrubbed_size) values (%s, 1, 100)", (image,)
        )
        await connection.execute(
            "insert into development.prints (id, recipe, placeholder, scrubbed, alpha, faithful,"
            " metadata, variants) values (%s, 'v1', '', true, false, true, '{}', %s::jsonb)",
            (image, '[{"rung": "small", "format": "jpeg", "size": 7}]'),
        )
        for _ in range(2):
            await weigh_what_is_there(connection)
    rows = await core.database.rows("select prints from derivatives.weights")

    assert rows == [({"v1/small.jpg": 7, "v1/scrubbed": 100},)]
    assert await weights.of_owner(owner) == 107
