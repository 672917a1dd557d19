"""The shelf of transforms: one maker over all processes, a budget, last-use eviction, erasure."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from adapters.claims import PostgresClaims
from adapters.lab import VipsLab
from adapters.recipe import RECIPE
from adapters.transforms import Clearance, PostgresShelf, Transforms
from adapters.weights import PostgresWeights
from commands import object_keys
from commands.erasure import Erasure, Kind
from commands.ports import Batch, ObjectMissing
from commands.prints import Printer
from commands.transforming import Claim, Transformer, Wanted
from domain.media import Caps, Format, Rung
from domain.refusals import CorruptImage, TransformBudgetSpent
from domain.transform import parse
from tests.adapters.test_reaper import projected
from tests.adapters.test_weights import promised
from tests.people import CORPUS
from tests.projections.test_gallery import opened
from tests.spec import ATTEMPT, IMAGE, NOW, OWNER, TWIN

BUDGET = 3
ORIGINAL = object_keys.original(OWNER, IMAGE, ATTEMPT)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def shelf(core, clock):
    await core.objects.ensure_bucket()
    batches = [Batch(stream_id=it, after=0, events=[opened]) for it in (IMAGE, TWIN)]
    await core.store.append(batches, by=OWNER)
    return PostgresShelf(core.database, clock, budget=BUDGET)


async def claim(shelf, name="a", image=IMAGE, **more):
    asked = {"lease": 30.0, "charged": True, "lost": False} | more
    return await shelf.claim(image, name, **asked)


async def test_one_makes_it_and_the_others_wait_for_it(shelf):
    claims = await asyncio.gather(*(claim(shelf) for _ in range(8)))
    assert sorted(claims, key=lambda it: it.value) == [Claim.OURS] + 7 * [Claim.TAKEN]
    assert await shelf.keep(IMAGE, "a", 10)
    assert await claim(shelf) is Claim.STORED


async def test_what_was_given_back_or_never_came_is_made_by_the_next(shelf):
    assert await claim(shelf, lease=0.0) is Claim.OURS
    assert await claim(shelf) is Claim.OURS
    await shelf.give_back(IMAGE, "a")
    assert await claim(shelf) is Claim.OURS


async def test_what_is_lost_is_made_again_by_one(shelf):
    await claim(shelf)
    await shelf.keep(IMAGE, "a", 10)
    claims = await asyncio.gather(*(claim(shelf, lost=True, charged=False) for _ in range(5)))
    assert claims.count(Claim.OURS) == 1


async def test_a_day_has_a_budget_for_each_image(shelf, clock):
    for name in "abc":
        await claim(shelf, name)
    with pytest.raises(TransformBudgetSpent) as spent:
        await claim(shelf, "d")
    assert spent.value.facts == {"budget": BUDGET, "retryAfter": 12 * 3600}
    assert await claim(shelf, "d", charged=False) is Claim.OURS
    assert await claim(shelf, "a", TWIN) is Claim.OURS
    clock.now += timedelta(hours=12)
    assert await claim(shelf, "e") is Claim.OURS


async def test_the_budget_is_exact_however_many_ask(shelf):
    claims = [claim(shelf, f"n{number}") for number in range(12)]
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    assert outcomes.count(Claim.OURS) == BUDGET
    assert sum(isinstance(it, TransformBudgetSpent) for it in outcomes) == 12 - BUDGET


async def stored(core, shelf, name, size, hours):
    """Used so many hours ago."""
    await claim(shelf, name, charged=False)
    key = object_keys.derivatives(IMAGE) + name
    await core.objects.put(key, bytes(size), content_type="image/webp")
    await shelf.keep(IMAGE, name, size)
    moved = "update transforms.made set used_at = now() - %s * interval '1 hour' where name = %s"
    async with core.database.connection() as connection:
        await connection.execute(moved, (hours, name))


async def left(core):
    rows = await core.database.rows("select name from transforms.made order by name")
    found = [it.key.rpartition("/")[2] async for it in core.objects.list("derivatives/")]
    assert sorted(found) == [name for (name,) in rows]
    return "".join(name for (name,) in rows)


async def test_what_was_not_used_for_longest_goes_first(core, shelf):
    for name, hours in (("a", 5), ("b", 9), ("c", 1), ("d", 7)):
        await stored(core, shelf, name, 100, hours)
    shelf.used(IMAGE, "b")
    shelf.used(IMAGE, "b")
    await shelf.flush()

    assert await Clearance(core.database, core.objects, most=400).work() == 0
    assert await Clearance(core.database, core.objects, most=250).work() == 2
    assert await left(core) == "bc"
    assert await Clearance(core.database, core.objects, most=0).work() == 2
    assert await left(core) == ""


async def test_what_nobody_finished_is_forgotten(core, shelf, clock):
    await claim(shelf, lease=-7_200.0)
    await Clearance(core.database, core.objects, most=0).work()
    assert await core.database.rows("select 1 from transforms.made") == []


async def test_nothing_is_kept_of_what_is_being_erased(core, shelf):
    await claim(shelf, "a")
    await claim(shelf, "b")
    await shelf.keep(IMAGE, "a", 1)
    async with core.database.connection() as connection:
        await connection.execute("delete from log.stream_keys where stream_id = %s", (IMAGE,))

    assert not await shelf.keep(IMAGE, "b", 1)
    names = {"subject": IMAGE, "kind": Kind.IMAGE, "receipt_id": TWIN, "owner_id": OWNER}
    order = Erasure(**names, position=1, requested_at=NOW)
    assert await Transforms(core.database).clear(order) == 2
    assert await core.database.rows("select 1 from transforms.budgets") == []


@pytest.fixture
async def lab():
    lab = VipsLab(Caps(), workers=1)
    lab.start()
    yield lab
    await lab.close()


@pytest.fixture
async def transformers(core, shelf, lab):
    """Of two processes, as far as the database and the object store can tell."""
    claims = PostgresClaims(core.database)
    yield [
        Transformer(
            objects=core.objects,
            lab=lab,
            spool=core.spool,
            shelf=shelf,
            printer=Printer(core.objects, lab, core.spool, claims, PostgresWeights(core.database)),
        )
        for _ in range(2)
    ]
    await claims.close()


PICTURE = CORPUS / "orientation/exif-orientation-examples__Landscape_4.jpg"
wanted = Wanted(
    image_id=IMAGE,
    original=ORIGINAL,
    source=Format.JPEG,
    width=1800,
    height=1200,
    frames=1,
    transform=parse("w_600"),
    format=Format.WEBP,
)


async def test_two_processes_decode_once_and_what_is_lost_is_made_again(core, transformers):
    await core.objects.put(ORIGINAL, PICTURE.read_bytes(), content_type="image/jpeg")

    bodies = await asyncio.gather(*(it.transformed(wanted) for it in 10 * transformers))

    assert len(set(bodies)) == 1
    for it in transformers:
        await it.close()
    ((spent,),) = await core.database.rows("select spent from transforms.budgets")
    assert spent == 1
    (key,) = [it.key async for it in core.objects.list("derivatives/")]
    await core.objects.delete([key])
    for it in transformers:
        it._held = type(it._held)(0)
        assert await it.transformed(wanted) == bodies[0]
        await it.close()
    await core.objects.head(key)
    ((spent,),) = await core.database.rows("select spent from transforms.budgets")
    assert spent == 1


async def test_a_rendering_stands_in_and_where_there_is_none_the_original(core, transformers, lab):
    other = CORPUS / "exif/test-assets__portrait.jpg"
    await core.objects.put(ORIGINAL, PICTURE.read_bytes(), content_type="image/jpeg")
    without = await transformers[0].transformed(wanted)
    medium = object_keys.derivative(IMAGE, lab.recipe, Rung.MEDIUM, Format.JPEG)
    await core.objects.put(medium, other.read_bytes(), content_type="image/jpeg")
    half = replace(wanted, transform=parse("w_598"))

    body = await transformers[0].transformed(half)

    assert without == await lab.transform(PICTURE, wanted.transform, Format.WEBP)
    size = (wanted.width, wanted.height)
    assert body == await lab.transform(other, half.transform, Format.WEBP, size=size)
    unlike = replace(half, transform=parse("w_597"), faithful=False)
    true = await transformers[0].transformed(unlike)
    assert true == await lab.transform(PICTURE, unlike.transform, Format.WEBP)


async def test_what_cannot_be_made_can_be_asked_for_again(core, transformers):
    await core.objects.put(ORIGINAL, b"\xff\xd8\xff nothing", content_type="image/jpeg")
    with pytest.raises(CorruptImage):
        await transformers[0].transformed(wanted)
    await core.objects.put(ORIGINAL, PICTURE.read_bytes(), content_type="image/jpeg")
    assert await transformers[1].transformed(wanted)


async def test_what_there_is_no_room_for_is_made_for_whoever_asks_and_not_kept(
    core, shelf, transformers
):
    await core.objects.put(ORIGINAL, PICTURE.read_bytes(), content_type="image/jpeg")
    await projected(core)
    await promised(core, OWNER, size=1_000)

    bodies = [await it.transformed(wanted) for it in transformers]

    assert len(set(bodies)) == 1
    for it in transformers:
        await it.close()
    assert [it async for it in core.objects.list("derivatives/")] == []
    assert await claim(shelf, f"{RECIPE}/{wanted.name}") is Claim.OURS, "nobody waits for it"


async def test_a_lost_original_is_told_as_such(core, transformers):
    with pytest.raises(ObjectMissing):
        await transformers[0].transformed(wanted)
