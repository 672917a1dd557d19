"""What is ordered for read models, by the rules."""

from uuid import UUID

from domain import upkeep
from domain.upkeep import EventSkipped, RebuildOrdered
from tests.spec import Given

REQUEST, OTHER = UUID(int=1), UUID(int=2)
skipped = EventSkipped(model="gallery", position=7, reason="broken")
ordered = RebuildOrdered(model="gallery", request=REQUEST)


def given(*events):
    return Given(upkeep.evolve, *events)


def test_an_event_is_skipped_once():
    skip = {"model": "gallery", "position": 7, "reason": "broken"}
    given().when(upkeep.skip, **skip).then(skipped)
    given(ordered, skipped).when(upkeep.skip, **skip).then_nothing()
    assert upkeep.evolve(upkeep.evolve(None, skipped), ordered).skipped == {7}


def test_a_rebuild_is_ordered_once_for_each_request():
    given().when(upkeep.order_rebuild, model="gallery", request=REQUEST).then(ordered)
    given(ordered).when(upkeep.order_rebuild, model="gallery", request=REQUEST).then_nothing()
    again = RebuildOrdered(model="gallery", request=OTHER)
    given(ordered).when(upkeep.order_rebuild, model="gallery", request=OTHER).then(again)


def test_each_read_model_has_a_stream():
    names = ("gallery", "accounts")
    assert len({upkeep.stream_of_model(name) for name in names}) == 2
