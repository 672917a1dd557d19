"""What is counted beside the documents: it follows them, and nothing stays of what is gone."""

import pytest

from adapters.read_model import ReadModel
from domain import image_events
from domain.access import Visibility
from domain.ids import NOBODY
from domain.image_events import Details
from projections.projection import PROJECTIONS
from tests.projections.test_gallery import accepted, opened
from tests.spec import LATER, OWNER, recorded

STORY = [
    opened,
    accepted,
    image_events.ImageCleared(scanner="decode"),
    image_events.DetailsChanged(personal=Details(tags=("lake", "sea"))),
    image_events.VisibilityChanged(visibility=Visibility.PUBLIC),
    image_events.DetailsChanged(personal=Details(tags=("sea", "sun"))),
    image_events.SoftDeleted(purge_after=LATER),
    image_events.Restored(),
    image_events.Purged(cause=image_events.Cause.OWNER),
]


@pytest.fixture
def happened(core):
    """Projects the story up to an event, in one step or in many; tells how tags are counted."""
    events, model, position = recorded(*STORY), ReadModel(PROJECTIONS["gallery"]), 0

    async def project(upto: int) -> dict[str, tuple[int, int]]:
        nonlocal position
        async with core.database.connection() as connection:
            await model.apply(connection, events[position:upto], after=position, upto=upto)
        position = upto
        rows = await core.database.rows("select * from gallery.tags")
        mine, all = (
            {tag: (listed, withheld) for whose, tag, listed, withheld in rows if whose == it}
            for it in (OWNER, NOBODY)
        )
        assert mine == all
        return mine

    return project


PUBLIC, WITHHELD = (1, 0), (0, 1)


async def test_tags_are_counted_as_their_images_are_shown(happened, core):
    seen = [await happened(upto) for upto in range(4, len(STORY) + 1)]

    assert seen == [
        {"lake": WITHHELD, "sea": WITHHELD},
        {"lake": PUBLIC, "sea": PUBLIC},
        {"sea": PUBLIC, "sun": PUBLIC},
        {},
        {"sea": PUBLIC, "sun": PUBLIC},
        {},
    ]
    assert await core.database.rows("select * from gallery.usage") == []


async def test_a_page_with_the_whole_story_counts_the_same(happened):
    assert await happened(6) == {"sea": PUBLIC, "sun": PUBLIC}
    assert await happened(len(STORY)) == {}
