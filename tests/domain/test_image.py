from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from domain import image, lending, uploads
from domain.access import Permission, Visibility
from domain.image_events import (
    Cause,
    Details,
    DetailsChanged,
    ImageCleared,
    ImageFinalized,
    ProcessingFailed,
    Promised,
    Purged,
    Restored,
    ShareLinkCreated,
    ShareLinkRevoked,
    SoftDeleted,
    UploadAborted,
    UploadDeduplicated,
    UploadExpired,
    UploadInitiated,
    UploadRefused,
    VisibilityChanged,
)
from domain.media import Caps, Content, Format
from domain.refusals import (
    Conflict,
    CorruptImage,
    FileTooLarge,
    Forbidden,
    NotFound,
    RestoreWindowClosed,
    TooManyPixels,
    UploadClosed,
    UploadIncomplete,
    Validation,
)
from domain.stream import fold
from domain.uploads import Arrived
from tests.spec import (
    ANOTHER,
    ATTEMPT,
    FRIEND,
    LATER,
    MUCH_LATER,
    NOW,
    OWNER,
    SHARE,
    STRANGER,
    TWIN,
    Given,
    recorded,
)

given = partial(Given, image.evolve)

promised = Promised(filename="lake.jpg")
initiated = UploadInitiated(
    owner_id=OWNER, size=900, content_type="image/jpeg", expires_at=LATER, personal=promised
)
content = Content(checksum="ab" * 32, width=4, height=3)
arrived = Arrived(format=Format.JPEG, size=900, content=content)
finalized = ImageFinalized(
    attempt=ATTEMPT,
    format=Format.JPEG,
    size=900,
    visibility=Visibility.PRIVATE,
    personal=content,
)
cleared = ImageCleared(scanner="decode")
shared = ShareLinkCreated(
    share_id=SHARE, permissions=frozenset({Permission.VIEW}), expires_at=LATER
)
duplicated = UploadDeduplicated(of=TWIN)
deleted = SoftDeleted(purge_after=LATER)

initiating = partial(
    Given.when,
    decide=uploads.initiate,
    by=OWNER,
    promised=promised,
    content_type="image/jpeg",
    expires_at=LATER,
    caps=Caps(file_bytes=1000),
)
finalizing = {
    "by": OWNER,
    "attempt": ATTEMPT,
    "visibility": Visibility.PRIVATE,
    "details": Details(),
    "scanner": "decode",
}
sharing = {
    "share_id": SHARE,
    "permissions": frozenset({Permission.VIEW}),
    "expires_at": LATER,
    "shared_with": None,
    "now": NOW,
}


def test_an_upload_is_a_promise_of_bytes():
    initiating(given(), size=900).then(initiated)


def test_a_promise_beyond_the_cap_is_refused_with_the_figures():
    initiating(given(), size=1001).then_refused(FileTooLarge, limitBytes=1000, requestedBytes=1001)


def test_the_same_promise_again_is_kept_already():
    initiating(given(initiated), size=900).then_nothing()
    initiating(given(initiated, finalized), size=900).then_nothing()


def test_another_promise_needs_an_image_of_its_own():
    initiating(given(initiated), size=901).then_refused(Conflict)
    initiating(given(initiated), size=900, by=STRANGER).then_refused(Conflict)


def test_a_promise_that_was_given_up_is_not_made_again():
    initiating(given(initiated, UploadAborted()), size=900).then_refused(UploadClosed)


def test_bytes_that_decode_make_an_image_and_open_the_gate():
    given(initiated).when(uploads.finalize, arrived=arrived, **finalizing).then(finalized, cleared)


def test_without_a_scanners_word_the_gate_stays_shut():
    given(initiated).when(
        uploads.finalize, arrived=arrived, **(finalizing | {"scanner": None})
    ).then(finalized)


def test_what_people_say_at_once_is_an_event_of_its_own():
    details = Details(title="Lake")
    given(initiated).when(
        uploads.finalize, arrived=arrived, **(finalizing | {"details": details})
    ).then(finalized, DetailsChanged(personal=details), cleared)


def test_finalizing_twice_changes_nothing():
    given(initiated, finalized).when(uploads.finalize, arrived=arrived, **finalizing).then_nothing()


def test_a_second_attempt_comes_too_late_whatever_it_proved():
    late = finalizing | {"attempt": ANOTHER}
    given(initiated, finalized).when(uploads.finalize, arrived=arrived, **late).then_nothing()


def test_bytes_that_are_kept_already_make_no_second_image():
    given(initiated).when(uploads.finalize, arrived=arrived, twin=TWIN, **finalizing).then(
        duplicated
    )


def test_a_duplicate_stays_one_whatever_comes_after():
    for twin in (TWIN, None):
        given(initiated, duplicated).when(
            uploads.finalize, arrived=arrived, twin=twin, **finalizing
        ).then_nothing()
    given(initiated, duplicated).when(uploads.abort, by=OWNER).then_nothing()
    given(initiated, duplicated).when(uploads.expire, now=MUCH_LATER).then_nothing()


def test_bytes_that_are_no_image_are_nobodys_duplicate():
    given(initiated).when(
        uploads.finalize, arrived=CorruptImage(reason="torn"), twin=TWIN, **finalizing
    ).then(UploadRefused(code="corrupt_image", facts={"reason": "torn"}))


def test_a_duplicate_counts_no_bytes_and_is_no_image():
    state = fold(image.evolve, recorded(initiated, duplicated))
    assert image.charged(state) == 0
    assert not state.live


def test_missing_bytes_are_no_verdict():
    given(initiated).when(uploads.finalize, arrived=None, **finalizing).then_refused(
        UploadIncomplete
    )


def test_broken_bytes_are_a_fact_with_its_figures():
    refusal = TooManyPixels(pixels=2, limitPixels=1)
    given(initiated).when(uploads.finalize, arrived=refusal, **finalizing).then(
        UploadRefused(code="too_many_pixels", facts={"pixels": 2, "limitPixels": 1})
    )


def test_a_verdict_on_bytes_stays():
    history = [initiated, UploadRefused(code="corrupt_image", facts={"reason": "torn"})]
    given(*history).when(uploads.finalize, arrived=arrived, **finalizing).then_refused(
        CorruptImage, reason="torn"
    )


def test_a_stranger_learns_nothing_of_an_upload():
    given(initiated).when(
        uploads.finalize, arrived=None, **(finalizing | {"by": STRANGER})
    ).then_refused(NotFound)
    given(initiated).when(uploads.abort, by=STRANGER).then_refused(NotFound)


def test_an_upload_can_be_given_up():
    given(initiated).when(uploads.abort, by=OWNER).then(UploadAborted())


def test_giving_up_twice_changes_nothing():
    given(initiated, UploadAborted()).when(uploads.abort, by=OWNER).then_nothing()


def test_an_image_cannot_be_given_up_like_an_upload():
    given(initiated, finalized).when(uploads.abort, by=OWNER).then_refused(Conflict)


def test_bytes_for_a_closed_upload_are_refused():
    for closing in (UploadAborted(), UploadExpired()):
        given(initiated, closing).when(
            uploads.finalize, arrived=arrived, **finalizing
        ).then_refused(UploadClosed)


def test_an_abandoned_upload_expires_and_no_other():
    given(initiated).when(uploads.expire, now=MUCH_LATER).then(UploadExpired())
    given(initiated).when(uploads.expire, now=NOW).then_nothing()
    given(initiated, finalized).when(uploads.expire, now=MUCH_LATER).then_nothing()


def test_only_what_changed_is_recorded():
    history = [initiated, finalized, DetailsChanged(personal=Details(title="Lake", tags=("a",)))]
    given(*history).when(
        image.change_details, by=OWNER, details=Details(title="Lake", tags=("b",)), now=NOW
    ).then(DetailsChanged(personal=Details(tags=("b",))))


def test_saying_the_same_again_changes_nothing():
    history = [initiated, finalized, DetailsChanged(personal=Details(title="Lake"))]
    given(*history).when(
        image.change_details, by=OWNER, details=Details(title="Lake"), now=NOW
    ).then_nothing()


def test_a_strangers_words_are_refused():
    given(initiated, finalized, cleared).when(
        image.change_details, by=STRANGER, details=Details(title="x"), now=NOW
    ).then_refused(Forbidden)


def test_an_image_can_be_shown_to_everyone():
    given(initiated, finalized).when(
        image.change_visibility, by=OWNER, to=Visibility.PUBLIC, now=NOW
    ).then(VisibilityChanged(visibility=Visibility.PUBLIC))


def test_choosing_the_same_visibility_changes_nothing():
    given(initiated, finalized).when(
        image.change_visibility, by=OWNER, to=Visibility.PRIVATE, now=NOW
    ).then_nothing()


def test_what_is_not_finalized_is_not_there():
    given(initiated).when(
        image.change_visibility, by=OWNER, to=Visibility.PUBLIC, now=NOW
    ).then_refused(NotFound)


def test_a_link_lends_permissions():
    given(initiated, finalized).when(lending.share, by=OWNER, **sharing).then(shared)


def test_the_same_link_again_is_there_already():
    given(initiated, finalized, shared).when(lending.share, by=OWNER, **sharing).then_nothing()


def test_nobody_else_lends_them():
    given(initiated, finalized, cleared).when(lending.share, by=STRANGER, **sharing).then_refused(
        Forbidden
    )


def test_the_right_to_edit_is_lent_to_an_account_only():
    editing = sharing | {"permissions": frozenset({Permission.EDIT})}
    given(initiated, finalized).when(lending.share, by=OWNER, **editing).then_refused(Forbidden)


def test_a_password_is_for_a_link_that_is_made_out_to_nobody():
    locked = sharing | {"has_password": True}
    given(initiated, finalized).when(lending.share, by=OWNER, **locked).then(
        replace(shared, has_password=True)
    )
    named = locked | {"shared_with": FRIEND}
    given(initiated, finalized).when(lending.share, by=OWNER, **named).then_refused(Validation)


def test_a_link_can_be_revoked_once():
    revoking = {"by": OWNER, "share_id": SHARE, "now": NOW}
    given(initiated, finalized, shared).when(lending.revoke_share, **revoking).then(
        ShareLinkRevoked(share_id=SHARE)
    )
    given(initiated, finalized, shared, ShareLinkRevoked(share_id=SHARE)).when(
        lending.revoke_share, **revoking
    ).then_nothing()
    given(initiated, finalized).when(lending.revoke_share, **revoking).then_refused(NotFound)


def test_deleting_sets_a_day_until_which_it_can_be_restored():
    given(initiated, finalized).when(
        image.soft_delete, by=OWNER, now=NOW, retention=timedelta(days=10)
    ).then(deleted)


def test_what_is_deleted_is_gone_for_all_but_restoring():
    history = [initiated, finalized, cleared, deleted]
    by, now = OWNER, NOW
    refused = given(*history).when
    refused(image.soft_delete, by=by, now=now, retention=timedelta(1)).then_refused(NotFound)
    refused(image.change_visibility, by=by, to=Visibility.PUBLIC, now=now).then_refused(NotFound)
    refused(lending.revoke_share, by=by, share_id=SHARE, now=now).then_refused(NotFound)
    refused(image.change_details, by=by, details=Details(title="x"), now=now).then_refused(NotFound)
    refused(lending.share, by=by, **sharing).then_refused(NotFound)


def test_a_deleted_image_can_be_restored_within_its_time():
    given(initiated, finalized, deleted).when(image.restore, by=OWNER, now=LATER).then(Restored())


def test_and_not_after_it():
    given(initiated, finalized, deleted).when(image.restore, by=OWNER, now=MUCH_LATER).then_refused(
        RestoreWindowClosed
    )


def test_restoring_what_is_not_deleted_changes_nothing():
    given(initiated, finalized).when(image.restore, by=OWNER, now=NOW).then_nothing()


def test_a_stranger_restores_nothing():
    given(initiated, finalized, deleted).when(image.restore, by=STRANGER, now=NOW).then_refused(
        NotFound
    )


def test_that_it_cannot_be_processed_is_noted_once_while_it_is_there():
    failed = ProcessingFailed(code="corrupt_image")
    failing = {"code": "corrupt_image"}
    given(initiated, finalized).when(image.fail, **failing).then(failed)
    given(initiated, finalized, failed).when(image.fail, **failing).then_nothing()
    for gone in ((), (initiated,), (initiated, finalized, Purged(cause=Cause.OWNER))):
        given(*gone).when(image.fail, **failing).then_nothing()
