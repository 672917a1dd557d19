"""The policy as a table: who, what, of which image; every cell has one answer."""

import itertools

import pytest
from msgspec.structs import replace

from domain import access
from domain.access import Action, Circle, Permission, Share, Subject, Viewer, Visibility
from domain.refusals import (
    Forbidden,
    ImageQuarantined,
    NotFound,
    PasswordRequired,
    ShareRevoked,
    SignatureExpired,
)
from tests.spec import FRIEND, LATER, MUCH_LATER, NOW, OWNER, SHARE, STRANGER

NOBODY, STRANGE, OWN = Viewer(), Viewer(account_id=STRANGER), Viewer(account_id=OWNER)
SIGNED, LINK = Viewer(signed=0), Viewer(share_id=SHARE)
SEEING, FINDING, TAKING = Action.VIEW, Action.LIST, Action.DOWNLOAD
EVERYTHING = set(Action)

ALLOWED = {
    (Visibility.PUBLIC, "nobody"): {SEEING, FINDING, TAKING},
    (Visibility.PUBLIC, "stranger"): {SEEING, FINDING, TAKING},
    (Visibility.PUBLIC, "signed"): {SEEING, FINDING, TAKING},
    (Visibility.UNLISTED, "nobody"): {SEEING, TAKING},
    (Visibility.UNLISTED, "stranger"): {SEEING, TAKING},
    (Visibility.UNLISTED, "signed"): {SEEING, TAKING},
    (Visibility.PRIVATE, "nobody"): set(),
    (Visibility.PRIVATE, "stranger"): set(),
    (Visibility.PRIVATE, "signed"): {SEEING, TAKING},
}
VIEWERS = {"nobody": NOBODY, "stranger": STRANGE, "signed": SIGNED}


def decide(viewer, action, image, now=NOW):
    return access.decide(viewer, action, image, now=now)


def subject(**more):
    return Subject(owner_id=OWNER, **({"visibility": Visibility.PRIVATE} | more))


@pytest.mark.parametrize(
    ("visibility", "who", "action"), list(itertools.product(Visibility, VIEWERS, Action))
)
def test_guests(visibility, who, action):
    decision = decide(VIEWERS[who], action, subject(visibility=visibility))

    assert (decision is None) == (action in ALLOWED[visibility, who])
    assert decision is None or isinstance(decision, Forbidden)


@pytest.mark.parametrize(("visibility", "action"), list(itertools.product(Visibility, Action)))
def test_the_owner_may_do_everything_before_and_after_the_scan(visibility, action):
    for cleared in (True, False):
        assert decide(OWN, action, subject(visibility=visibility, cleared=cleared)) is None


@pytest.mark.parametrize(
    ("visibility", "who", "action"), list(itertools.product(Visibility, VIEWERS, Action))
)
def test_nobody_else_sees_anything_before_the_scan_passed(visibility, who, action):
    image = subject(visibility=visibility, cleared=False)

    assert isinstance(decide(VIEWERS[who], action, image), Forbidden)


@pytest.mark.parametrize(
    ("viewer", "action"), list(itertools.product([*VIEWERS.values(), LINK], Action))
)
def test_quarantined_is_forbidden_to_all_others(viewer, action):
    image = subject(visibility=Visibility.PUBLIC, quarantined=True)

    assert isinstance(decide(viewer, action, image), Forbidden)


@pytest.mark.parametrize("action", list(Action))
def test_what_is_quarantined_its_owner_finds_and_deletes_but_does_not_get(action):
    decision = decide(OWN, action, subject(quarantined=True, cleared=False))

    if action in (FINDING, Action.MANAGE):
        assert decision is None
    else:
        assert isinstance(decision, ImageQuarantined)


@pytest.mark.parametrize(
    ("viewer", "action"), list(itertools.product([*VIEWERS.values(), OWN, LINK], Action))
)
def test_deleted_is_not_there_but_for_its_owners_restoring(viewer, action):
    image = subject(visibility=Visibility.PUBLIC, deleted=True)
    decision = decide(viewer, action, image)

    if viewer is OWN and action is Action.MANAGE:
        assert decision is None
    else:
        assert isinstance(decision, NotFound)


@pytest.mark.parametrize("viewer", [NOBODY, OWN])
def test_what_does_not_exist_and_what_never_arrived_are_the_same(viewer):
    assert isinstance(decide(viewer, SEEING, None), NotFound)
    assert isinstance(decide(viewer, SEEING, subject(finalized=False)), NotFound)


def linked(*permissions, **more):
    share = Share(permissions=frozenset(permissions), expires_at=LATER, **more)
    return subject(shares={SHARE: share})


def test_a_link_lends_what_it_says_and_no_more():
    assert decide(LINK, SEEING, linked(Permission.VIEW)) is None
    assert isinstance(decide(LINK, TAKING, linked(Permission.VIEW)), Forbidden)
    assert decide(LINK, TAKING, linked(Permission.VIEW, Permission.DOWNLOAD)) is None
    assert isinstance(decide(LINK, Action.EDIT, linked(Permission.EDIT)), Forbidden)
    assert isinstance(decide(LINK, Action.MANAGE, linked(*Permission)), Forbidden)


def test_a_link_ends():
    assert isinstance(decide(LINK, SEEING, linked(Permission.VIEW), MUCH_LATER), SignatureExpired)
    revoked = linked(Permission.VIEW, revoked=True)
    assert isinstance(decide(LINK, SEEING, revoked), ShareRevoked)


def test_a_link_with_a_password_opens_to_whoever_gave_it():
    locked = linked(Permission.VIEW, locked=True)
    unlocked = replace(LINK, unlocked=True)
    in_public = replace(locked, visibility=Visibility.PUBLIC)

    assert isinstance(decide(LINK, SEEING, locked), PasswordRequired)
    assert isinstance(decide(LINK, SEEING, in_public), PasswordRequired)
    assert decide(unlocked, SEEING, locked) is None
    assert isinstance(decide(unlocked, TAKING, locked), Forbidden)
    assert isinstance(decide(unlocked, SEEING, locked, MUCH_LATER), SignatureExpired)
    ended = linked(Permission.VIEW, locked=True, revoked=True)
    assert isinstance(decide(LINK, SEEING, ended), ShareRevoked)
    assert isinstance(decide(unlocked, SEEING, ended), ShareRevoked)
    album = Circle(owner_id=OWNER, visibility=Visibility.PRIVATE, shares=locked.shares)
    assert isinstance(decide(LINK, SEEING, subject(albums=[album])), PasswordRequired)
    assert decide(unlocked, SEEING, subject(albums=[album])) is None


def test_what_was_signed_before_it_was_made_private_is_void():
    hidden = subject(epoch=7)

    assert isinstance(decide(SIGNED, SEEING, hidden), ShareRevoked)
    assert decide(Viewer(signed=7), SEEING, hidden) is None
    assert decide(SIGNED, SEEING, subject(epoch=7, visibility=Visibility.PUBLIC)) is None


def test_a_link_of_another_image_opens_nothing():
    assert isinstance(decide(LINK, SEEING, subject()), NotFound)


@pytest.mark.parametrize(
    ("permissions", "actions"),
    [
        ({Permission.VIEW}, {SEEING, FINDING}),
        ({Permission.DOWNLOAD}, {TAKING}),
        ({Permission.VIEW, Permission.EDIT}, {SEEING, FINDING, Action.EDIT}),
        (set(Permission), {SEEING, FINDING, TAKING, Action.EDIT}),
    ],
)
def test_a_collaborator_may_do_what_was_lent_and_no_more(permissions, actions):
    friend = Viewer(account_id=FRIEND)
    image = subject(collaborators={FRIEND: frozenset(permissions)})

    assert {action for action in Action if decide(friend, action, image) is None} == actions
    for action in Action:
        assert isinstance(decide(STRANGE, action, image), Forbidden)
        assert isinstance(decide(friend, action, subject()), Forbidden)
        assert isinstance(decide(friend, action, replace(image, cleared=False)), Forbidden)


def test_what_is_lent_to_an_account_is_lent_to_no_other():
    friend = Viewer(account_id=FRIEND)
    image = linked(Permission.VIEW, Permission.EDIT, shared_with=FRIEND)

    assert decide(friend, SEEING, image) is None
    assert decide(friend, Action.EDIT, image) is None
    assert isinstance(decide(friend, Action.MANAGE, image), Forbidden)
    assert isinstance(decide(friend, SEEING, image, MUCH_LATER), Forbidden)
    assert isinstance(decide(STRANGE, SEEING, image), Forbidden)
    assert isinstance(decide(LINK, SEEING, image), Forbidden)
