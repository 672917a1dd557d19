"""The desk: whose turn it is to be developed, whatever happens to the others."""

import asyncio
from functools import partial

import msgspec
import pytest
import pyvips

from adapters.development import Desk, take_up_what_found_no_room
from adapters.lab import VipsLab
from adapters.storage import PostgresCatalogue
from adapters.weights import PostgresWeights, Weighed
from bootstrap import new_id
from commands import object_keys
from commands.lab import Traits
from commands.ports import ObjectMissing
from domain.media import Caps, Format, Rung
from domain.refusals import CorruptImage, QuotaExceeded, Unavailable
from projections import development
from projections.development import Developed, Exposure, Refined, Variant
from tests.adapters.test_weights import promised, purge_of
from tests.people import sample

PRINT = Developed(
    recipe="v1",
    placeholder="",
    scrubbed=False,
    alpha=False,
    faithful=True,
    metadata={"orientation": 1},
    variants=[],
    traits=Traits(crc=1, fingerprint=-1),
)


@pytest.fixture
async def waiting(core):
    """Two images that want to be developed, in the order of their turns."""
    ids = sorted([new_id(), new_id()])
    async with core.database.connection() as connection:
        for id in ids:
            await connection.execute(
                "insert into development.exposures (id, owner_id, attempt, format)"
                " values (%s, %s, %s, 'jpeg')",
                (id, new_id(), new_id()),
            )
    return ids


@pytest.fixture
async def lab():
    lab = VipsLab(Caps(), workers=1)
    lab.start()
    yield lab
    await lab.close()


def fails_for(id, error):
    async def develop(exposure: Exposure) -> Developed:
        if exposure.id == id:
            raise error
        return PRINT

    return develop


@pytest.mark.parametrize("error", [ObjectMissing(), CorruptImage(), KeyError("a defect of ours")])
async def test_one_that_cannot_be_developed_holds_nobody_up(core, waiting, error):
    desk, (first, second) = Desk(core.database), waiting

    assert [await desk.next(fails_for(first, error)) for _ in range(3)] == [True, True, False]

    rows = await core.database.rows(
        "select id, developed, attempts, failure is null from development.exposures order by id",
        (),
    )
    assert rows == [(first, False, 1, False), (second, True, 0, True)]


async def test_what_was_tried_for_the_last_time_is_given_up_once(core, waiting):
    given_up, (first, _) = [], waiting

    async def give_up(id, code):
        given_up.append((id, code))

    desk = Desk(core.database, give_up=give_up)
    for error in (CorruptImage(), *[KeyError("a defect of ours")] * 3, CorruptImage()):
        assert given_up == []
        while await desk.next(fails_for(first, error)):
            pass
        await core.database.rows(
            "update development.exposures set not_before = '-infinity' returning 1"
        )

    assert not await desk.next(fails_for(first, CorruptImage()))
    assert given_up == [(first, "corrupt_image")]


async def test_what_cannot_be_given_up_just_now_is_tried_once_more(core, waiting):
    first, _ = waiting
    last = "update development.exposures set attempts = 4 where id = %s returning 1"
    await core.database.rows(last, (first,))

    async def give_up(id, code):
        raise Unavailable(dependency="database")

    with pytest.raises(Unavailable):
        await Desk(core.database, give_up=give_up).next(fails_for(first, CorruptImage()))

    assert await Desk(core.database).next(fails_for(None, None))


async def test_what_is_made_later_is_made_once_and_counts_again_with_a_new_print(core, waiting):
    desk, (first, _) = Desk(core.database), waiting
    avif = Variant(rung=Rung.THUMB, format=Format.AVIF, width=2, height=2, size=9)
    seen = []

    async def refine(exposure: Exposure):
        seen.append(exposure.id)
        return Refined(recipe="v1", variants=[avif])

    assert not await desk.refine(refine), "nothing is developed yet"
    while await desk.next(fails_for(None, None)):
        pass
    assert [await desk.refine(refine) for _ in range(3)] == [True, True, False]
    assert sorted(seen) == waiting
    rows = await core.database.rows("select variants, refined from development.prints")
    assert rows == [([msgspec.to_builtins(avif)], True)] * 2

    await PostgresCatalogue(core.database).develop_again([first])
    assert await desk.next(fails_for(None, None))
    assert await desk.refine(refine)
    assert seen[2] == first


async def test_what_was_begun_and_not_finished_is_taken_up_again(core, waiting):
    desk = Desk(core.database)
    while await desk.next(fails_for(None, None)):
        pass

    async def dies(exposure: Exposure):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await desk.refine(dies)

    async def refine(exposure: Exposure):
        return Refined(recipe="v1", variants=[])

    assert [await desk.refine(refine) for _ in range(3)] == [True, True, False]


async def test_what_is_stored_is_not_made_again(core, lab, tmp_path):
    """As after a rebuild of the read model: only what is missing is."""
    exposure, tools = await exposed(core, lab, tmp_path, *black())
    work = partial(development.refine, **tools)
    first = await work(exposure)
    gone = object_keys.derivative(exposure.id, lab.recipe, Rung.SMALL, Format.AVIF)
    await core.objects.delete([gone])
    before = [it async for it in core.objects.list(object_keys.derivatives(exposure.id))]

    again = await work(exposure)

    assert {*again.variants} == {*first.variants}
    assert {(it.rung, it.format, it.width, it.height) for it in first.variants} == {
        (rung, Format.AVIF, *rung.fit(3000, 1500)) for rung in Rung
    }
    after = [it async for it in core.objects.list(object_keys.derivatives(exposure.id))]
    assert {it.key for it in after} - {it.key for it in before} == {gone}
    assert [it for it in after if it.key != gone] == before, "the others were not touched"


async def test_the_largest_are_not_stored_where_there_is_no_room(core, lab, tmp_path):
    photo = sample("orientation/exif-orientation-examples__Landscape_4.jpg")
    exposure, tools = await exposed(core, lab, tmp_path, photo, Format.JPEG, (1800, 1200))
    owner, counts = exposure.owner_id, []
    for quota in (20_000, 200_000, 20_000_000):
        await promised(core, owner, size=100, quota=quota)

        made = await development.develop(exposure, **tools)

        sizes = sorted(it.size for it in made.variants)
        listed = core.objects.list(object_keys.derivatives(exposure.id))
        stored = sorted([it.size async for it in listed])
        assert stored == sizes[: len(stored)]
        assert await tools["weights"].of_owner(owner) == sum(stored) <= quota
        counts.append(len(stored))
    assert 0 < counts[0] < counts[1] < counts[2] == len(sizes)


async def test_what_another_recipe_made_is_cleared_away(core, lab, tmp_path):
    exposure, tools = await exposed(core, lab, tmp_path, *black())
    old = object_keys.named(exposure.id, "v0/small.webp")
    await core.objects.put(old, b"old", content_type="image/webp")
    await tools["weights"].keep(exposure.id, exposure.owner_id, {object_keys.name(old): 3})

    made = await development.develop(exposure, **tools)

    stored = [it.key async for it in core.objects.list(object_keys.derivatives(exposure.id))]
    assert len(stored) == len(made.variants)
    assert old not in stored
    weight = sum(it.size for it in made.variants)
    assert await tools["weights"].of_owner(exposure.owner_id) == weight


async def test_what_is_made_later_waits_for_room(core, lab, tmp_path):
    exposure, tools = await exposed(core, lab, tmp_path, *black())
    await promised(core, exposure.owner_id, size=0, quota=100)

    with pytest.raises(QuotaExceeded):
        await development.refine(exposure, **tools)

    assert [it async for it in core.objects.list(object_keys.derivatives(exposure.id))] == []


async def test_what_found_no_room_is_let_in_as_far_as_there_is_some(core, waiting):
    desk, owner, tried = Desk(core.database), new_id(), []
    await core.database.rows("update development.exposures set owner_id = %s returning 1", (owner,))
    while await desk.next(fails_for(None, None)):
        pass

    async def refine(exposure: Exposure):
        tried.append(exposure.id)
        raise QuotaExceeded(requestedBytes=60)

    async def found(quota):
        """Which of the two have their turn again."""
        tried.clear()
        await promised(core, owner, size=0, quota=quota)
        count = await desk.let_in()
        while await desk.refine(refine):
            pass
        assert len(tried) == count
        return sorted(tried)

    assert [await desk.refine(refine) for _ in range(3)] == [True, True, False]
    assert await found(59) == []
    assert len(await found(119)) == 1
    assert await found(120) == sorted(waiting)

    await Weighed(core.database).clear(purge_of(waiting[0], owner))
    assert await found(1_000) == waiting[1:]


async def test_what_an_older_version_gave_up_for_want_of_room_waits_for_some(core, waiting):
    desk = Desk(core.database)
    while await desk.next(fails_for(None, None)):
        pass
    await core.database.rows(
        "update development.exposures set attempts = 5, not_before = now(),"
        " failure = case when id = %s then 'quota_exceeded: {}' else 'corrupt_image: {}' end"
        " returning 1",
        (waiting[0],),
    )

    async with core.database.connection() as connection:
        for _ in range(2):
            await take_up_what_found_no_room(connection)

    assert await desk.let_in() == 1
    seen = []

    async def refine(exposure: Exposure):
        seen.append(exposure.id)
        return Refined(recipe="v1", variants=[])

    assert [await desk.refine(refine) for _ in range(2)] == [True, False]
    assert seen == waiting[:1]


async def exposed(core, lab, spool, original, format, sides):
    """An image whose original is here, and what it is developed with."""
    owner_id = new_id()
    exposure = Exposure(
        id=await promised(core, owner_id, quota=10_000_000),
        owner_id=owner_id,
        attempt=new_id(),
        format=format,
        width=sides[0],
        height=sides[1],
    )
    await core.objects.put(exposure.original, original, content_type=format.content_type)
    weights = PostgresWeights(core.database)
    return exposure, {"objects": core.objects, "lab": lab, "spool": spool, "weights": weights}


def black():
    image = pyvips.Image.black(3000, 1500, bands=3).copy(interpretation="srgb")
    return image.pngsave_buffer(), Format.PNG, (3000, 1500)


async def test_an_outage_costs_no_attempt(core, waiting):
    desk, (first, _) = Desk(core.database), waiting

    with pytest.raises(Unavailable):
        await desk.next(fails_for(first, Unavailable(dependency="objects")))

    rows = await core.database.rows("select max(attempts) from development.exposures", ())
    assert rows == [(0,)]
