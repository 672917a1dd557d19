"""What is counted beside the documents: it follows them, and nothing stays of what is gone."""

import pytest

from adapters.read_model import ReadModel
from bootstrap import PROJECTIONS
from domain import image_events
from domain.access import Visibility
from domain.ids import NOBODY
from domain.image_events import Details
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
    """Projects the story up to an event, in one step or in many."""
    events, model, position = recorded(*STORY), ReadModel(PROJECTIONS["gallery"]), 0

    async def project(upto: int) -> set[str]:
        nonlocal position
        async with core.database.connection() as connection:
            await model.apply(connection, events[position:upto], after=position, upto=upto)
        position = upto
        rows = await core.database.rows("select owner_id, tag, listed from gallery.tags")
        assert {count for *_, count in rows} <= {1}
        tags = [{tag for whose, tag, _ in rows if whose == it} for it in (OWNER, NOBODY)]
        assert tags[0] == tags[1]
        return tags[0]

    return project


async def test_tags_are_counted_while_everybody_may_list_what_has_them(happened, core):
    seen = [await happened(upto) for upto in range(4, len(STORY) + 1)]

    public, retagged = {"lake", "sea"}, {"sea", "sun"}
    assert seen == [set(), public, retagged, set(), retagged, set()]
    assert await core.database.rows("select * from gallery.usage") == []


async def test_a_page_with_the_whole_story_counts_the_same(happened):
    assert await happened(6) == {"sea", "sun"}
    assert await happened(len(STORY)) == set()
