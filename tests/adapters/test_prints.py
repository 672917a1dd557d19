"""Renderings made on the spot: once, by whichever process, and nothing left of what is purged."""

import asyncio
from collections import Counter

import pytest

from adapters.claims import PostgresClaims
from adapters.lab import VipsLab
from adapters.weights import PostgresWeights
from bootstrap import new_id
from commands import object_keys
from commands.ports import ObjectMissing
from commands.prints import Printer, Recent
from domain.media import Caps, Format, Rung
from domain.refusals import Unavailable
from tests.adapters.test_weights import promised
from tests.people import PHOTO, sample


class CountingLab(VipsLab):
    """Counts what it decodes; `before` is done first."""

    def __init__(self, before=None) -> None:
        super().__init__(Caps(), workers=1)
        self.rendered = Counter()
        self.before = before

    async def render(self, path, rung, format):
        self.rendered[rung, format] += 1
        if self.before:
            await self.before()
        return await super().render(path, rung, format)


@pytest.fixture
async def lab():
    lab = CountingLab()
    lab.start()
    yield lab
    await lab.close()


@pytest.fixture
async def original(core):
    owner = new_id()
    id = await promised(core, owner, quota=10_000_000)
    key = object_keys.original(owner, id, new_id())
    await core.objects.put(key, sample(PHOTO), content_type="image/jpeg")
    return key, id


@pytest.fixture
async def printers(core, lab, tmp_path):
    """Of as many processes, as far as they could tell."""
    claims = [PostgresClaims(core.database) for _ in range(4)]
    weights = PostgresWeights(core.database)
    yield [Printer(core.objects, lab, tmp_path, it, weights) for it in claims]
    for it in claims:
        await it.close()


async def test_however_many_ask_wherever_it_is_made_once(printers, lab, original):
    asked = [
        printer.derivative(*original, Rung.THUMB, format)
        for printer in printers
        for format in (Format.PNG, Format.GIF)
        for _ in range(8)
    ]

    bodies = await asyncio.gather(*asked)

    assert lab.rendered == {(Rung.THUMB, Format.PNG): 1, (Rung.THUMB, Format.GIF): 1}
    assert len(set(bodies)) == 2


async def test_what_there_is_no_room_for_is_made_and_not_kept(core, printers, lab, original):
    key, id = original
    await promised(core, object_keys.owner(key), size=0, quota=1_000)

    bodies = [await printers[n].derivative(*original, Rung.SMALL, Format.PNG) for n in (0, 0, 1)]

    assert len(set(bodies)) == 1
    assert lab.rendered[Rung.SMALL, Format.PNG] == 2, "each process has it at hand for a while"
    assert [it async for it in core.objects.list(object_keys.derivatives(id))] == []


async def test_who_fails_leaves_it_to_the_next(printers, lab, original, core):
    key, id = original
    await core.objects.delete([key])
    outcomes = await asyncio.gather(
        *(it.derivative(key, id, Rung.THUMB, Format.PNG) for it in printers), return_exceptions=True
    )
    assert {type(it) for it in outcomes} == {ObjectMissing}

    await core.objects.put(key, sample(PHOTO), content_type="image/jpeg")

    assert await printers[1].derivative(key, id, Rung.THUMB, Format.PNG)


async def test_a_claim_is_free_once_its_connection_is_lost(core):
    ours, theirs = PostgresClaims(core.database), PostgresClaims(core.database)
    async with ours.alone("a"):
        async with theirs.alone("b"):
            pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), theirs.alone("a"):
                pass
        await ours.close()
        async with asyncio.timeout(5), theirs.alone("a"):
            pass
    async with asyncio.timeout(5), ours.alone("a"):
        pass
    await ours.close()
    await theirs.close()


async def test_nothing_is_left_of_what_is_purged_while_it_is_made(core, printers, lab, original):
    key, id = original

    async def purge() -> None:
        await core.objects.delete([key])

    lab.before = purge
    with pytest.raises(ObjectMissing):
        await printers[0].derivative(key, id, Rung.THUMB, Format.PNG)

    assert [it async for it in core.objects.list(object_keys.derivatives(id))] == []


async def test_who_finds_the_queue_full_is_told_at_once(core, lab, tmp_path, original):
    claims = PostgresClaims(core.database)
    weights, one = PostgresWeights(core.database), -63  # a place, and no queue
    printer = Printer(core.objects, lab, tmp_path, claims, weights, queue=one)
    key, _ = original

    outcomes = await asyncio.gather(
        *(printer.derivative(key, new_id(), Rung.THUMB, Format.PNG) for _ in range(5)),
        return_exceptions=True,
    )
    await claims.close()

    assert sum(isinstance(it, Unavailable) for it in outcomes) == 4
    assert sum(isinstance(it, bytes) for it in outcomes) == 1


def test_what_is_held_has_a_limit_and_the_longest_unused_goes_first():
    held = Recent(80)
    for name in "abcdefgh":
        held.put(name, bytes(10))
    assert held.get("a")

    held.put("i", bytes(10))
    held.put("large", bytes(11))

    assert held.get("b") is None
    assert held.get("large") is None, "it would drive out too many others"
    assert all(held.get(name) for name in "acdefghi")
