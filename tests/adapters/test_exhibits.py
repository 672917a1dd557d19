"""The gallery's rows, corrected by the log where the read model lags behind."""

from uuid import uuid4

import pytest

from adapters.gallery import PostgresGallery
from adapters.read_model import ReadModel
from domain.access import Viewer, Visibility
from domain.ids import ImageId
from domain.image_events import ImageFinalized, Purged, VisibilityChanged
from domain.media import Format
from domain.refusals import Unavailable
from projections.gallery import Query
from projections.projection import PROJECTIONS
from tests.adapters.test_following import cleared, opened, write
from tests.spec import ATTEMPT

PUBLIC = (
    opened(),
    ImageFinalized(
        attempt=ATTEMPT, format=Format.PNG, size=1, visibility=Visibility.PUBLIC, personal=None
    ),
    cleared(),
)


@pytest.fixture
def gallery(core):
    return PostgresGallery(core.database, core.store)


@pytest.fixture
async def image(core):
    """A public image, in the log and in the read model."""
    image = ImageId(uuid4())
    await write(core, image, *PUBLIC, after=0)
    async with core.database.connection() as connection:
        model = ReadModel(PROJECTIONS["gallery"])
        await model.create(connection)
        events = await core.log.opened(await core.log.recorder.page(0, 10))
        await model.apply(connection, events, after=0, upto=events[-1].position)
    return image


async def listed(gallery):
    return [exhibit.card.id for exhibit in (await gallery.list(Query(viewer=Viewer()))).exhibits]


async def test_a_row_that_is_up_to_date_is_taken_as_it_is(gallery, image):
    assert (await gallery.find(image)).card.visibility is Visibility.PUBLIC
    assert await listed(gallery) == [image]


async def test_a_row_that_is_behind_shows_what_the_log_says(core, gallery, image):
    await write(core, image, VisibilityChanged(visibility=Visibility.PRIVATE), after=3)

    card = (await gallery.find(image)).card
    assert (card.visibility, card.version, card.epoch) == (Visibility.PRIVATE, 4, 4)
    assert (await gallery.cards([image]))[image] == card


async def test_what_is_purged_is_gone_from_every_answer(core, gallery, image):
    await write(core, image, Purged(cause="owner"), after=3)

    assert await gallery.find(image) is None
    assert await gallery.cards([image]) == {}
    assert await listed(gallery) == []


async def test_what_no_row_knows_yet_is_found_in_the_log(core, gallery, image):
    fresh = ImageId(uuid4())
    assert await gallery.find(fresh) is None

    await write(core, fresh, *PUBLIC, after=0)

    assert (await gallery.find(fresh)).card.finalized


async def test_what_cannot_be_read_opens_nothing_and_spoils_no_list(core, gallery, image):
    """As when a newer version has written of it, on another machine."""
    async with core.database.connection() as connection:
        await connection.execute(
            "insert into log.darkroom_events (originator_id, originator_version, topic, state)"
            " values (%s, 4, 'image.beamed-up', '')",
            (image,),
        )

    with pytest.raises(Unavailable) as refusal:
        await gallery.find(image)
    assert refusal.value.facts == {"dependency": "gallery"}
    assert refusal.value.code == "unavailable"
    assert await gallery.cards([image]) == {}
    assert await listed(gallery) == []
