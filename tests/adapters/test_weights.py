"""What is stored beside originals counts to their owner once, and no longer than it is stored."""

import pytest

from adapters.transforms import PostgresShelf
from adapters.weights import PostgresWeights, Weighed, weigh_what_is_there
from bootstrap import new_id, now
from commands.erasure import Erasure, Kind
from commands.ports import Batch, Reserve, SetQuota
from domain.image_events import Promised, UploadInitiated
from domain.refusals import QuotaExceeded
from tests.spec import LATER, NOW


@pytest.fixture
def owner():
    return new_id()


@pytest.fixture
def weights(core):
    return PostgresWeights(core.database)


async def promised(core, owner, size=100):
    """An image that somebody promised."""
    image = new_id()
    event = UploadInitiated(
        owner_id=owner,
        size=size,
        content_type="image/png",
        expires_at=LATER,
        personal=Promised(filename="a.png"),
    )
    guards = [SetQuota(account_id=owner, quota_bytes=1_000), Reserve(account_id=owner, bytes=size)]
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
        await weights.add(image, owner, prints)
    await weights.add(await promised(core, owner), owner, {"v1/small.webp": 3})

    assert await weights.of_owner(owner) == 20
    assert await weights.of_owner(new_id()) == 0


async def test_what_is_stored_leaves_less_room(core, weights, owner):
    image = await promised(core, owner, size=600)
    await weights.add(image, owner, {"v1/small.webp": 301})

    with pytest.raises(QuotaExceeded) as refused:
        await promised(core, owner, size=100)

    assert refused.value.facts == {"limitBytes": 1_000, "usedBytes": 901, "requestedBytes": 100}
    await promised(core, owner, size=99)


async def test_a_purge_gives_it_back_and_nothing_comes_behind(core, weights, owner):
    image = await promised(core, owner)
    await weights.add(image, owner, {"v1/small.webp": 10})
    await core.database.rows(
        "delete from log.stream_keys where stream_id = %s returning 1", (image,)
    )

    assert await Weighed(core.database).clear(purge_of(image, owner)) == 1
    await weights.add(image, owner, {"v1/small.webp": 10})

    assert await weights.of_owner(owner) == 0
    assert await core.database.rows("select from log.derived_usage") == []
    assert await Weighed(core.database).clear(purge_of(image, owner)) == 0


async def test_transforms_count_for_as_long_as_they_are_kept(core, weights, owner):
    image, shelf = await promised(core, owner), PostgresShelf(core.database, now, budget=9)
    await weights.add(image, owner, {"v1/small.webp": 10})
    for name in ("a", "b"):
        await shelf.claim(image, name, lease=9, charged=False, lost=False)
        assert await weights.of_owner(owner) == (10 if name == "a" else 17)
        assert await shelf.keep(image, name, 7)
    assert await weights.of_owner(owner) == 24

    await shelf.claim(image, "a", lease=9, charged=False, lost=True)
    assert await weights.of_owner(owner) == 17
    await core.database.rows("delete from transforms.made returning 1")

    assert await weights.of_owner(owner) == 10


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
