"""Back to how it was, by the rules: what compensates, and nothing that shows more than now."""

from domain import account, album, image, restoring
from domain.access import Visibility
from domain.account import AccountRegistered, Duplicates, Identity, SettingsChanged
from domain.album import AlbumArranged, AlbumCreated, AlbumDeleted, AlbumDescribed, AlbumText
from domain.ids import AlbumId
from domain.image_events import (
    AddedToAlbum,
    Details,
    DetailsChanged,
    RemovedFromAlbum,
    Restored,
    SoftDeleted,
    VisibilityChanged,
)
from domain.refusals import CannotBeUndone
from domain.stream import fold
from tests.domain.test_image import finalized, initiated
from tests.spec import IMAGE, LATER, NOW, OWNER, Given, recorded

ALBUM = AlbumId(IMAGE)
titled = DetailsChanged(personal=Details(title="New", tags=("a",)))
public = VisibilityChanged(visibility=Visibility.PUBLIC)
deleted = SoftDeleted(purge_after=LATER)
own = {"by": OWNER, "now": NOW}
created = AlbumCreated(
    owner_id=OWNER, visibility=Visibility.PRIVATE, personal=AlbumText(title="Old")
)


def then(evolve, *events):
    return fold(evolve, recorded(*events))


def given(*events):
    return Given(image.evolve, initiated, finalized, *events)


def test_an_image_says_what_it_said():
    before = then(image.evolve, initiated, finalized)
    back = DetailsChanged(personal=Details(title="", tags=()))
    given(titled).when(restoring.image_as, then=before, **own).then(back)
    given(titled, deleted).when(restoring.image_as, then=before, **own).then(Restored(), back)
    given().when(restoring.image_as, then=before, **own).then_nothing()


def test_nobody_sees_more_than_now():
    before = then(image.evolve, initiated, finalized, public)
    private = VisibilityChanged(visibility=Visibility.PRIVATE)
    given(public, private).when(restoring.image_as, then=before, **own).then_nothing()


def test_what_was_not_there_yet_stays_as_it_is():
    given(titled).when(restoring.image_as, then=None, **own).then_nothing()
    absent = then(image.evolve, initiated)
    given(titled).when(restoring.image_as, then=absent, **own).then_nothing()


def test_an_image_is_in_the_album_that_it_was_in():
    circle = then(album.evolve, created).circle
    at = {"album_id": ALBUM, "circle": circle, **own}
    inside = then(image.evolve, initiated, finalized, AddedToAlbum(album_id=ALBUM))
    outside = then(image.evolve, initiated, finalized)
    put, taken = AddedToAlbum(album_id=ALBUM), RemovedFromAlbum(album_id=ALBUM)
    given().when(restoring.inside_as, then=inside, **at).then(put)
    given(put).when(restoring.inside_as, then=outside, **at).then(taken)
    given(put).when(restoring.inside_as, then=None, **at).then(taken)
    given(put).when(restoring.inside_as, then=inside, **at).then_nothing()
    given(deleted).when(restoring.inside_as, then=inside, **at).then_nothing()


def test_an_album_is_called_and_arranged_as_it_was():
    before = then(album.evolve, created)
    new = AlbumDescribed(personal=AlbumText(title="New"))
    moved = AlbumArranged(image_ids=(IMAGE,))
    (
        Given(album.evolve, created, new, moved)
        .when(restoring.album_as, then=before, **own)
        .then(AlbumDescribed(personal=AlbumText(title="Old")), AlbumArranged(image_ids=()))
    )
    Given(album.evolve, created).when(restoring.album_as, then=before, **own).then_nothing()
    gone = Given(album.evolve, created, AlbumDeleted())
    gone.when(restoring.album_as, then=before, **own).then_refused(CannotBeUndone)


def test_an_account_has_the_settings_that_it_had():
    name = Identity(username="ann", email="ann@example.org")
    registered = AccountRegistered(plan="free", quota_bytes=1, personal=name)
    changed = SettingsChanged(duplicates=Duplicates.RETURN, default_visibility=Visibility.PUBLIC)
    back = SettingsChanged(duplicates=Duplicates.KEEP)
    before = then(account.evolve, registered)
    Given(account.evolve, registered, changed).when(restoring.account_as, then=before).then(back)
    Given(account.evolve, registered).when(restoring.account_as, then=before).then_nothing()
