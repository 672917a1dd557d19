"""One act upon many: begun once, undone by its owner, and what compensates it."""

from datetime import timedelta
from functools import partial

import pytest

from domain import image, many, operation
from domain.access import Visibility
from domain.image_events import (
    Details,
    DetailsChanged,
    Restored,
    SoftDeleted,
    VisibilityChanged,
)
from domain.operation import Action, OperationBegun, OperationUndone, RestoringBegun
from domain.refusals import CannotBeUndone, Conflict, NotFound, TooManyTags
from domain.stream import fold
from tests.domain.test_album import ALBUM
from tests.domain.test_image import cleared, finalized, initiated
from tests.spec import ANOTHER, ATTEMPT, IMAGE, LATER, NOW, OWNER, STRANGER, TWIN, Given, recorded

given = partial(Given, operation.evolve)
begun = OperationBegun(owner_id=OWNER, action=Action.DELETE, image_ids=(IMAGE, TWIN))
asked = {"by": OWNER, "action": Action.DELETE, "image_ids": (IMAGE, TWIN)}
live = (initiated, finalized, cleared)
DAY = timedelta(days=1)


def test_it_begins_once():
    given().when(operation.begin, **asked).then(begun)
    given(begun).when(operation.begin, **asked).then_nothing()
    given(begun).when(operation.begin, **asked | {"action": Action.PURGE}).then_refused(Conflict)


def test_a_return_to_a_moment_begins_once():
    of_all, of_album = (
        RestoringBegun(owner_id=OWNER),
        RestoringBegun(owner_id=OWNER, album_id=ALBUM, image_ids=(TWIN,)),
    )
    album = {"album_id": ALBUM, "image_ids": (TWIN,)}
    given().when(operation.begin_restoring, by=OWNER).then(of_all)
    given().when(operation.begin_restoring, by=OWNER, **album).then(of_album)
    given(of_all).when(operation.begin_restoring, by=OWNER).then_nothing()
    given(of_all).when(operation.begin_restoring, by=STRANGER).then_refused(Conflict)
    given(of_all).when(operation.begin_restoring, by=OWNER, **album).then_refused(Conflict)
    given(begun).when(operation.begin_restoring, by=OWNER).then_refused(Conflict)
    given(of_all).when(operation.begin, **asked).then_refused(Conflict)
    undone = OperationUndone(undo_id=ATTEMPT)
    given(of_all).when(operation.undo, by=OWNER, undo_id=ATTEMPT).then(undone)


def test_its_owner_undoes_it_as_often_as_asked():
    undone = OperationUndone(undo_id=ATTEMPT)
    given(begun).when(operation.undo, by=OWNER, undo_id=ATTEMPT).then(undone)
    given(begun, undone).when(operation.undo, by=OWNER, undo_id=ATTEMPT).then_nothing()
    given(begun, undone).when(operation.undo, by=OWNER, undo_id=ANOTHER).then(
        OperationUndone(undo_id=ANOTHER)
    )
    given(begun).when(operation.undo, by=STRANGER, undo_id=ATTEMPT).then_refused(NotFound)
    given().when(operation.undo, by=OWNER, undo_id=ATTEMPT).then_refused(NotFound)


def test_tags_are_added_behind_and_removed_from_anywhere():
    tagged = DetailsChanged(personal=Details(tags=("a", "b")))
    of = partial(Given, image.evolve)
    add = partial(many.retag, by=OWNER, now=NOW)
    of(*live, tagged).when(add, add=("b", "c")).then(
        DetailsChanged(personal=Details(tags=("a", "b", "c")))
    )
    of(*live, tagged).when(add, add=("b",)).then_nothing()
    of(*live, tagged).when(add, remove=("a",)).then(DetailsChanged(personal=Details(tags=("b",))))
    of(*live, tagged).when(add, remove=("z",)).then_nothing()
    full = DetailsChanged(personal=Details(tags=tuple(map(str, range(many.MOST_TAGS)))))
    of(*live, full).when(add, add=("b",)).then_refused(TooManyTags, requested=51)
    of().when(add, add=("b",)).then_refused(NotFound)


@pytest.mark.parametrize(
    ("action", "past", "event"),
    [
        (Action.DELETE, SoftDeleted(purge_after=LATER), Restored()),
        (Action.RESTORE, Restored(), SoftDeleted(purge_after=NOW + DAY)),
        (
            Action.VISIBILITY,
            VisibilityChanged(visibility=Visibility.UNLISTED),
            VisibilityChanged(visibility=finalized.visibility),
        ),
        (
            Action.UNTAG,
            DetailsChanged(personal=Details(tags=("a",))),
            DetailsChanged(personal=Details(tags=())),
        ),
    ],
)
def test_what_compensates_makes_it_what_it_was(action, past, event):
    before = fold(image.evolve, recorded(*live))
    after = fold(image.evolve, recorded(*live, past))

    events = many.compensate(after, before, action, by=OWNER, now=NOW, retention=DAY)

    assert events == [event]


def test_nothing_compensates_a_purge():
    state = fold(image.evolve, recorded(*live))
    with pytest.raises(CannotBeUndone):
        many.compensate(state, state, Action.PURGE, by=OWNER, now=NOW, retention=DAY)
