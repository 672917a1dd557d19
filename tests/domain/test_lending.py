"""An image lent by name: by who may, to others, and taken or given back."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from domain import image, lending
from domain.access import Permission
from domain.ids import AccountId
from domain.image_events import Cause, CollaboratorAdded, CollaboratorRemoved, Purged, SoftDeleted
from domain.refusals import Conflict, Forbidden, NotFound, TooManyCollaborators
from tests.domain.test_image import cleared, finalized, initiated
from tests.spec import FRIEND, LATER, NOW, OWNER, STRANGER, Given

given = partial(Given, image.evolve, initiated, finalized, cleared)
SEE, EDIT = frozenset({Permission.VIEW}), frozenset({Permission.VIEW, Permission.EDIT})
add = partial(lending.add_collaborator, account_id=FRIEND, permissions=SEE, now=NOW)
remove = partial(lending.remove_collaborator, account_id=FRIEND, now=NOW)
added = CollaboratorAdded(account_id=FRIEND, permissions=SEE)
removed = CollaboratorRemoved(account_id=FRIEND)


def test_it_is_lent_with_other_permissions_and_taken_back():
    given().when(add, by=OWNER).then(added)
    given(added).when(add, by=OWNER).then_nothing()
    widened = CollaboratorAdded(account_id=FRIEND, permissions=EDIT)
    given(added).when(add, by=OWNER, permissions=EDIT).then(widened)
    given(added).when(remove, by=OWNER).then(removed)
    given(added, removed).when(remove, by=OWNER).then_nothing()
    given(added, removed).when(add, by=OWNER).then(added)


def test_it_is_given_back_by_whom_it_was_lent_to():
    given(added).when(remove, by=FRIEND).then(removed)
    given(added, removed).when(remove, by=FRIEND).then_refused(Forbidden)
    gone = SoftDeleted(purge_after=NOW + timedelta(days=1))
    given(added, gone).when(remove, by=FRIEND).then_refused(NotFound)


@pytest.mark.parametrize("by", [STRANGER, FRIEND])
def test_nobody_else_lends_it_or_takes_it_back(by):
    editor = CollaboratorAdded(account_id=FRIEND, permissions=EDIT)
    given(editor).when(add, by=by, account_id=STRANGER).then_refused(Forbidden)
    other = CollaboratorAdded(account_id=STRANGER, permissions=SEE)
    remaining = FRIEND if by == STRANGER else STRANGER
    given(editor, other).when(remove, by=by, account_id=remaining).then_refused(Forbidden)


def test_its_owner_needs_no_permission():
    given().when(add, by=OWNER, account_id=OWNER).then_refused(Conflict)


@pytest.mark.parametrize(
    "end", [SoftDeleted(purge_after=LATER), Purged(cause=Cause.OWNER)], ids=["deleted", "purged"]
)
def test_what_is_gone_is_not_lent(end):
    given(added, end).when(add, by=OWNER).then_refused(NotFound)
    given(added, end).when(remove, by=OWNER).then_refused(NotFound)


def test_it_is_lent_to_so_many_and_no_more():
    people = [AccountId(UUID(int=100 + n)) for n in range(lending.MOST_COLLABORATORS)]
    crowd = [CollaboratorAdded(account_id=it, permissions=SEE) for it in people]

    given(*crowd).when(add, by=OWNER).then_refused(TooManyCollaborators, limit=100)
    given(*crowd).when(add, by=OWNER, account_id=people[0]).then_nothing()
