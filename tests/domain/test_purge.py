"""The end of an image, and what may stand against it."""

from datetime import timedelta
from functools import partial

import pytest

from domain import account, claim, image, purging, uploads
from domain.access import Visibility
from domain.account import AccountErased, AccountRegistered, Identity
from domain.claim import Claimed, Released
from domain.image_events import (
    Cause,
    Details,
    Ground,
    ImageQuarantined,
    LegalHoldLifted,
    LegalHoldPlaced,
    Purged,
    SoftDeleted,
    UploadAborted,
)
from domain.refusals import AlreadyPurged, Forbidden, LegalHold, NotFound
from domain.stream import fold
from tests.domain.test_image import arrived, cleared, finalized, initiated
from tests.spec import (
    ANOTHER,
    ATTEMPT,
    IMAGE,
    LATER,
    MUCH_LATER,
    NOW,
    OWNER,
    STRANGER,
    TWIN,
    Given,
    recorded,
)

given = partial(Given, image.evolve)
live = (initiated, finalized, cleared)
deleted = (*live, SoftDeleted(purge_after=LATER))
held = LegalHoldPlaced(personal=Ground(reason="a court wants it"))
purged = Purged(cause=Cause.OWNER, request=ATTEMPT)
asking = {"by": OWNER, "request": ATTEMPT, "now": NOW}


@pytest.mark.parametrize("history", [live, deleted], ids=["live", "deleted"])
def test_its_owner_purges_what_is_there_or_in_the_trash(history):
    given(*history).when(purging.purge, **asking).then(purged)


def test_a_purge_is_repeated_by_its_own_request_only():
    given(*live, purged).when(purging.purge, **asking).then_nothing()
    given(*live, purged).when(purging.purge, **asking | {"request": ANOTHER}).then_refused(
        AlreadyPurged
    )


def test_nobody_else_purges_or_learns_of_it():
    given(*live).when(purging.purge, **asking | {"by": STRANGER}).then_refused(Forbidden)
    given(*deleted).when(purging.purge, **asking | {"by": STRANGER}).then_refused(NotFound)
    given(*live, purged).when(purging.purge, **asking | {"by": STRANGER}).then_refused(NotFound)
    given(initiated).when(purging.purge, **asking).then_refused(NotFound)


def test_what_was_purged_can_do_nothing_more():
    gone = given(*live, purged)
    now, by = NOW, OWNER
    for decide, arguments in (
        (image.change_details, {"details": Details(title="x"), "by": by, "now": now}),
        (image.change_visibility, {"to": Visibility.PUBLIC, "by": by, "now": now}),
        (image.soft_delete, {"by": by, "now": now, "retention": timedelta(days=1)}),
        (image.restore, {"by": by, "now": now}),
        (uploads.abort, {"by": by}),
        (purging.hold, {"reason": "late"}),
    ):
        gone.when(decide, **arguments).then_refused(NotFound)
    finalizing = {"arrived": arrived, "attempt": ANOTHER, "visibility": Visibility.PRIVATE}
    given(initiated, purged).when(
        uploads.finalize, by=OWNER, details=Details(), scanner=None, **finalizing
    ).then_refused(NotFound)
    given(initiated, purged).when(uploads.expire, now=MUCH_LATER).then_nothing()


def test_it_gives_back_its_room_once():
    assert image.charged(fold(image.evolve, recorded(*live))) == 900
    assert image.charged(fold(image.evolve, recorded(*live, purged))) == 0
    gone = fold(image.evolve, recorded(initiated, UploadAborted(), purged))
    assert image.charged(gone) == 0


def test_the_trash_is_emptied_when_nothing_can_be_restored_from_it_any_more():
    retention = Purged(cause=Cause.RETENTION)
    given(*deleted).when(purging.outlive, now=LATER).then_nothing()
    given(*deleted).when(purging.outlive, now=MUCH_LATER).then(retention)
    given(*live).when(purging.outlive, now=MUCH_LATER).then_nothing()
    given(*deleted, retention).when(purging.outlive, now=MUCH_LATER).then_nothing()


@pytest.mark.parametrize(
    "history", [(initiated,), live, (*live, ImageQuarantined(scanner="x", finding="y"))]
)
def test_erasing_an_account_takes_whatever_became_of_an_upload(history):
    erased = Purged(cause=Cause.ERASURE)
    given(*history).when(purging.erase, cause=Cause.ERASURE).then(erased)
    given(*history, erased).when(purging.erase, cause=Cause.ERASURE).then_nothing()
    given().when(purging.erase, cause=Cause.ERASURE).then_nothing()


def test_a_legal_hold_stands_against_every_purge():
    given(*live).when(purging.hold, reason="a court wants it").then(held)
    given(*live, held).when(purging.hold, reason="again").then_nothing()
    given(*live, held).when(purging.purge, **asking).then_refused(LegalHold)
    given(*deleted, held).when(purging.outlive, now=MUCH_LATER).then_nothing()
    given(*live, held).when(purging.erase, cause=Cause.ERASURE).then_nothing()
    given(*deleted, held).when(purging.lift_hold).then(LegalHoldLifted())
    closed = LegalHoldLifted(personal=Ground(reason="the case is closed"))
    given(*deleted, held).when(purging.lift_hold, reason="the case is closed").then(closed)
    given(*deleted, held, LegalHoldLifted()).when(purging.lift_hold).then_nothing()
    given(*deleted, held, LegalHoldLifted()).when(purging.outlive, now=MUCH_LATER).then(
        Purged(cause=Cause.RETENTION)
    )


def test_an_account_ends_once_and_does_nothing_afterwards():
    opened = AccountRegistered(
        plan="free", quota_bytes=10, personal=Identity(username="ann", email="ann@example.org")
    )
    mine = partial(Given, account.evolve)
    mine(opened).when(account.erase).then(AccountErased())
    mine(opened, AccountErased()).when(account.erase).then_refused(NotFound)
    mine(opened, AccountErased()).when(account.rename, to="anna").then_refused(NotFound)
    mine(opened).when(account.erase_again).then(AccountErased())
    mine(opened, AccountErased()).when(account.erase_again).then_nothing()
    mine().when(account.erase_again).then_nothing()


def test_bytes_are_claimed_no_longer_by_what_is_gone():
    ours = partial(Given, claim.evolve, Claimed(account_id=OWNER, image_id=IMAGE))
    ours().when(claim.give_back, image_id=IMAGE).then(Released())
    ours().when(claim.give_back, image_id=TWIN).then_nothing()
