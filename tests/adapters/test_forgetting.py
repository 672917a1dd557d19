"""What was erased is in no process's memory for long."""

from uuid import uuid4

import pytest

from adapters.claims import PostgresClaims
from adapters.forgetting import Forgetting
from adapters.gallery import PostgresGallery
from adapters.lab import VipsLab
from adapters.weights import PostgresWeights
from bootstrap import erasing
from commands import object_keys
from commands.prints import Printer
from domain.image_events import Cause, Purged
from domain.media import Caps, Format, Rung
from tests.adapters.test_erasing import initiated, write
from tests.people import PHOTO, sample

THUMB = Rung.THUMB, Format.WEBP


@pytest.fixture
async def gallery(core):
    gallery = PostgresGallery(core.database, core.store)
    yield gallery
    await gallery.close()


@pytest.fixture
async def printer(core, tmp_path):
    lab, claims = VipsLab(Caps(), workers=1), PostgresClaims(core.database)
    lab.start()
    yield Printer(core.objects, lab, tmp_path, claims, PostgresWeights(core.database))
    await claims.close()
    await lab.close()


async def test_keys_names_and_pictures_of_what_was_erased_are_forgotten(core, gallery, printer):
    erased, kept = uuid4(), uuid4()

    async def remember(id) -> None:
        original = object_keys.original(uuid4(), id, uuid4())
        await core.objects.put(original, sample(PHOTO), content_type="image/jpeg")
        await printer.derivative(original, id, *THUMB)
        await gallery.find(id)

    async def remembered(id) -> list[bool]:
        name, picture = await gallery.recalled(id), printer.at_hand(id, *THUMB)
        return [it is not None for it in (core.log.keyring.get(id), name, picture)]

    everything = core.log.keyring.forget_all, gallery.forget, printer.forget
    forgetting = Forgetting(core.database, *everything)
    for id in (erased, kept):
        await write(core, id, initiated())
        await remember(id)
    assert await forgetting.work() == 0
    assert await remembered(erased) == [True] * 3

    await write(core, erased, Purged(cause=Cause.OWNER), after=1)
    assert await erasing.orders(core).take() == 1
    assert await forgetting.work() == 1

    assert await remembered(erased) == [False] * 3
    assert await remembered(kept) == [True] * 3
    await remember(erased)  # as what was under way does
    assert await forgetting.work() == 0
    assert await remembered(erased) == [False] * 3
