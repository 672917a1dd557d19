"""An album: each decision does it, refuses it, and stays quiet."""

import itertools
from functools import partial
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import access, album, image, placing
from domain.access import Action, Circle, Permission, Role, Share, Subject, Viewer, Visibility
from domain.album import (
    AlbumArranged,
    AlbumCreated,
    AlbumDeleted,
    AlbumDescribed,
    AlbumLent,
    AlbumLinkCreated,
    AlbumLinkRevoked,
    AlbumTakenBack,
    AlbumText,
    AlbumVisibilityChanged,
    CoverChosen,
)
from domain.ids import AlbumId
from domain.image_events import AddedToAlbum, CollaboratorAdded, RemovedFromAlbum, SoftDeleted
from domain.refusals import (
    Conflict,
    Forbidden,
    NotFound,
    ShareRevoked,
    SignatureExpired,
    TooManyAlbums,
    TooManyCollaborators,
)
from tests.domain.test_image import cleared, finalized, initiated
from tests.spec import (
    FRIEND,
    IMAGE,
    LATER,
    MUCH_LATER,
    NOW,
    OWNER,
    SHARE,
    STRANGER,
    TWIN,
    Given,
    anybody,
)

ALBUM, PARENT = AlbumId(UUID(int=40)), AlbumId(UUID(int=41))
text = AlbumText(title="Summer", description="")
created = AlbumCreated(owner_id=OWNER, visibility=Visibility.PRIVATE, personal=text)
nested = replace(created, parent_id=PARENT)
SEE, EDIT = frozenset({Permission.VIEW}), frozenset({Permission.VIEW, Permission.EDIT})
lent, lent_edit = (AlbumLent(account_id=FRIEND, permissions=it) for it in (SEE, EDIT))
link = AlbumLinkCreated(share_id=SHARE, permissions=SEE, expires_at=LATER)

given = partial(Given, album.evolve)
parent = album.evolve(None, created)
create = partial(
    album.create, parent=None, text=text, visibility=Visibility.PRIVATE, parent_id=None, now=NOW
)
describe = partial(album.describe, text=AlbumText(title="Winter"), now=NOW)
publish = partial(album.change_visibility, to=Visibility.PUBLIC, now=NOW)
cover = partial(album.choose_cover, image_id=IMAGE, inside=True, now=NOW)
arrange = partial(album.arrange, image_ids=(TWIN, IMAGE), now=NOW)
share = partial(album.share, share_id=SHARE, permissions=SEE, expires_at=LATER, now=NOW)
revoke = partial(album.revoke_share, share_id=SHARE, now=NOW)
lend = partial(album.lend, account_id=FRIEND, permissions=SEE, now=NOW)
take_back = partial(album.take_back, account_id=FRIEND, now=NOW)
delete = partial(album.delete, now=NOW)

DONE = {
    "describe": (describe, AlbumDescribed(personal=AlbumText(title="Winter"))),
    "publish": (publish, AlbumVisibilityChanged(visibility=Visibility.PUBLIC)),
    "cover": (cover, CoverChosen(image_id=IMAGE)),
    "arrange": (arrange, AlbumArranged(image_ids=(TWIN, IMAGE))),
    "share": (share, link),
    "lend": (lend, lent),
}
each = pytest.mark.parametrize(("decide", "event"), DONE.values(), ids=DONE)


@each
def test_its_owner_does_it_once(decide, event):
    given(created).when(decide, by=OWNER).then(event)
    given(created, event).when(decide, by=OWNER).then_nothing()


@each
def test_nobody_else_does_it_and_what_is_deleted_is_gone(decide, event):
    given(created).when(decide, by=STRANGER).then_refused(NotFound)
    given(created, AlbumDeleted()).when(decide, by=OWNER).then_refused(NotFound)
    given().when(decide, by=OWNER).then_refused(NotFound)


@pytest.mark.parametrize("name", DONE)
def test_who_may_edit_describes_and_arranges_and_manages_nothing(name):
    decide, event = DONE[name]
    asked = given(created, replace(lent_edit, account_id=STRANGER)).when(decide, by=STRANGER)
    if name in ("describe", "cover", "arrange"):
        asked.then(event)
    else:
        asked.then_refused(Forbidden)


def test_it_is_made_once_and_nested_one_level():
    given().when(create, by=OWNER).then(created)
    given(created).when(create, by=OWNER).then_nothing()
    given(created).when(create, by=STRANGER).then_refused(Conflict)
    within = partial(create, parent_id=PARENT)
    given().when(within, by=OWNER, parent=parent).then(nested)
    given().when(within, by=OWNER, parent=None).then_refused(NotFound)
    given().when(within, by=STRANGER, parent=parent).then_refused(NotFound)
    deep = album.evolve(None, nested)
    given().when(within, by=OWNER, parent=deep).then_refused(Conflict)


def test_a_cover_is_one_of_its_images():
    given(created).when(cover, by=OWNER, inside=False).then_refused(Conflict)
    chosen = CoverChosen(image_id=IMAGE)
    given(created, chosen).when(cover, by=OWNER, image_id=None).then(CoverChosen(image_id=None))


def test_a_link_lends_no_editing_and_is_revoked_once():
    given(created).when(share, by=OWNER, permissions=EDIT).then_refused(Forbidden)
    revoked = AlbumLinkRevoked(share_id=SHARE)
    given(created, link).when(revoke, by=OWNER).then(revoked)
    given(created, link, revoked).when(revoke, by=OWNER).then_nothing()
    given(created).when(revoke, by=OWNER).then_refused(NotFound)


def test_it_is_taken_back_or_given_back():
    taken = AlbumTakenBack(account_id=FRIEND)
    given(created, lent).when(take_back, by=OWNER).then(taken)
    given(created, lent).when(take_back, by=FRIEND).then(taken)
    given(created, lent, taken).when(take_back, by=OWNER).then_nothing()
    given(created, lent, taken).when(take_back, by=FRIEND).then_refused(NotFound)
    given(created).when(lend, by=OWNER, account_id=OWNER).then_refused(Conflict)
    crowd = [replace(lent, account_id=anybody()) for _ in range(album.MOST_COLLABORATORS)]
    given(created, *crowd).when(lend, by=OWNER).then_refused(TooManyCollaborators, limit=100)


def test_it_is_deleted_by_its_owner_or_with_its_owner():
    given(created).when(delete, by=OWNER).then(AlbumDeleted())
    given(created, lent_edit).when(delete, by=FRIEND).then_refused(Forbidden)
    given(created).when(album.erase).then(AlbumDeleted())
    given(created, AlbumDeleted()).when(album.erase).then_nothing()
    given().when(album.erase).then_nothing()


# Images in it

of_an_image = partial(Given, image.evolve, initiated, finalized, cleared)
circle = Circle(owner_id=OWNER, visibility=Visibility.PRIVATE, collaborators={FRIEND: EDIT})
put = partial(placing.put, album_id=ALBUM, album=circle, now=NOW)
take_out = partial(placing.take_out, album_id=ALBUM, album=circle, now=NOW)
added, removed = AddedToAlbum(album_id=ALBUM), RemovedFromAlbum(album_id=ALBUM)
editor = CollaboratorAdded(account_id=FRIEND, permissions=EDIT)


def test_an_image_is_put_in_by_who_may_add_to_the_album_and_manages_the_image():
    of_an_image().when(put, by=OWNER).then(added)
    of_an_image(added).when(put, by=OWNER).then_nothing()
    of_an_image(editor).when(put, by=FRIEND).then_refused(Forbidden)
    theirs = replace(circle, owner_id=STRANGER)
    of_an_image().when(put, by=OWNER, album=theirs).then_refused(NotFound)
    seen = replace(theirs, visibility=Visibility.PUBLIC)
    of_an_image().when(put, by=OWNER, album=seen).then_refused(Forbidden)
    of_an_image().when(put, by=OWNER, album=None).then_refused(NotFound)
    of_an_image(SoftDeleted(purge_after=LATER)).when(put, by=OWNER).then_refused(NotFound)
    full = [AddedToAlbum(album_id=AlbumId(anybody())) for _ in range(placing.MOST_ALBUMS)]
    of_an_image(*full).when(put, by=OWNER).then_refused(TooManyAlbums, limit=50)


def test_an_image_is_taken_out_by_who_edits_the_album_or_manages_the_image():
    of_an_image(added).when(take_out, by=FRIEND).then(removed)
    of_an_image(added, removed).when(take_out, by=FRIEND).then_refused(Forbidden)
    of_an_image(added).when(take_out, by=OWNER, album=None).then(removed)
    of_an_image().when(take_out, by=OWNER).then_nothing()
    of_an_image(added).when(take_out, by=STRANGER).then_refused(Forbidden)


# The policy

LENT = {
    "owner": set(Action),
    Role.OWNER: set(Action),
    Role.ADMIN: set(Action),
    Role.EDITOR: set(Action) - {Action.MANAGE},
    Role.UPLOADER: {Action.VIEW, Action.LIST, Action.DOWNLOAD, Action.ADD},
    Role.VIEWER: {Action.VIEW, Action.LIST, Action.DOWNLOAD},
    "view": {Action.VIEW, Action.LIST},
    "edit": {Action.VIEW, Action.LIST, Action.EDIT, Action.ADD},
    "stranger": set(),
}
WHO = {who: anybody() for who in LENT}
CIRCLE = Circle(
    owner_id=WHO["owner"],
    visibility=Visibility.PRIVATE,
    roles={WHO[role]: role for role in Role},
    collaborators={WHO["view"]: SEE, WHO["edit"]: EDIT},
    shares={SHARE: Share(permissions=SEE, expires_at=LATER)},
)
SUBJECT = Subject(owner_id=OWNER, visibility=Visibility.PRIVATE, albums=[CIRCLE])


@pytest.mark.parametrize(("who", "action"), list(itertools.product(LENT, Action)))
def test_what_an_album_lends_of_itself_and_of_its_images(who, action):
    viewer = Viewer(account_id=WHO[who])
    on_album = access.decide_on_album(viewer, action, CIRCLE, now=NOW)
    on_image = access.decide(viewer, action, SUBJECT, now=NOW)

    assert (on_album is None) == (action in LENT[who])
    assert (on_image is None) == (action in LENT[who] - {Action.MANAGE})
    if who == "stranger":
        assert isinstance(on_album, NotFound), "what may not be seen is not there"
    assert on_image is None or isinstance(on_image, Forbidden)
    waiting = replace(SUBJECT, cleared=False)
    assert isinstance(access.decide(viewer, action, waiting, now=NOW), Forbidden)


@pytest.mark.parametrize(
    ("visibility", "seen"),
    [
        (Visibility.PUBLIC, {Action.VIEW, Action.LIST}),
        (Visibility.UNLISTED, {Action.VIEW}),
        (Visibility.PRIVATE, set()),
    ],
)
def test_an_albums_visibility_is_its_own_and_not_its_images(visibility, seen):
    circle = replace(CIRCLE, visibility=visibility)
    image = replace(SUBJECT, albums=[circle])
    for action in Action:
        decision = access.decide_on_album(Viewer(), action, circle, now=NOW)
        assert (decision is None) == (action in seen)
        assert isinstance(access.decide(Viewer(), action, image, now=NOW), Forbidden)


def test_a_link_of_an_album_opens_it_and_its_images_until_it_ends():
    holder = Viewer(share_id=SHARE)
    for now, ending, refusal in (
        (MUCH_LATER, CIRCLE, SignatureExpired),
        (NOW, replace(CIRCLE, shares={SHARE: revoked()}), ShareRevoked),
    ):
        image = replace(SUBJECT, albums=[ending])
        assert isinstance(access.decide(holder, Action.VIEW, image, now=now), refusal)
        decision = access.decide_on_album(holder, Action.VIEW, ending, now=now)
        assert isinstance(decision, refusal)
    may = {Action.VIEW, Action.LIST}
    for action in Action:
        assert (access.decide(holder, action, SUBJECT, now=NOW) is None) == (action in may)
        decision = access.decide_on_album(holder, action, CIRCLE, now=NOW)
        assert (decision is None) == (action in may)
    elsewhere = access.decide(holder, Action.VIEW, replace(SUBJECT, albums=[]), now=NOW)
    assert isinstance(elsewhere, NotFound)


def revoked():
    return Share(permissions=SEE, expires_at=LATER, revoked=True)
