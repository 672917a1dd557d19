"""The card of an image, event by event."""

from datetime import timedelta

import msgspec
import pytest

from domain import image_events
from domain.access import Permission, Share, Visibility
from domain.image_events import Details, Promised
from domain.media import Content, Format
from projections import development, search
from projections.gallery import Card, project
from tests.spec import ATTEMPT, FRIEND, IMAGE, LATER, NOW, OWNER, SHARE, recorded

opened = image_events.UploadInitiated(
    owner_id=OWNER,
    size=900,
    content_type="image/png",
    expires_at=LATER,
    personal=Promised(filename="lake.png"),
)
accepted = image_events.ImageFinalized(
    attempt=ATTEMPT,
    format=Format.PNG,
    size=800,
    visibility=Visibility.UNLISTED,
    personal=Content(checksum="ab" * 32, width=4, height=3, frames=2),
)
cleared = image_events.ImageCleared(scanner="decode")
lent = image_events.ShareLinkCreated(
    share_id=SHARE,
    permissions=frozenset({Permission.VIEW}),
    expires_at=LATER,
    shared_with=FRIEND,
)


def card(*events):
    found = None
    for event in recorded(*events):
        found = project(found, event)
    assert found is not None
    return found


def changed(*events):
    """What the last event changed, beside the version."""
    before, after = card(*events[:-1]), card(*events)
    assert after.version == before.version + 1
    return {
        name: getattr(after, name)
        for name in Card.__struct_fields__
        if name != "version" and getattr(after, name) != getattr(before, name)
    }


def test_a_promise_is_a_card_that_nobody_sees():
    found = card(opened)

    assert (found.id, found.owner_id, found.version) == (IMAGE, OWNER, 1)
    assert (found.size, found.filename, found.expires_at) == (900, "lake.png", LATER)
    assert not found.subject.finalized
    assert found.created_at == found.updated_at == NOW


@pytest.mark.parametrize(
    "end",
    [
        image_events.UploadAborted(),
        image_events.UploadExpired(),
        image_events.UploadRefused(code="corrupt_image"),
    ],
)
def test_what_is_given_up_is_closed(end):
    assert changed(opened, end) == {"closed": True}


def test_accepted_bytes_are_what_they_proved_to_be():
    assert changed(opened, accepted) == {
        "attempt": ATTEMPT,
        "format": Format.PNG,
        "size": 800,
        "visibility": Visibility.UNLISTED,
        "checksum": "ab" * 32,
        "width": 4,
        "height": 3,
        "frames": 2,
    }


def test_it_is_as_old_as_its_bytes():
    first, second = recorded(opened, accepted)
    later = msgspec.structs.replace(second, at=NOW + timedelta(hours=1))

    found = project(project(None, first), later)

    assert found.created_at == found.updated_at == NOW + timedelta(hours=1)


def test_the_gate_opens_and_shuts():
    assert changed(opened, accepted, cleared) == {"cleared": True}
    quarantined = image_events.ImageQuarantined(scanner="clamd", finding="Eicar")
    assert changed(opened, accepted, cleared, quarantined) == {
        "cleared": False,
        "quarantined": True,
    }
    assert changed(opened, accepted, quarantined, cleared) == {
        "cleared": True,
        "quarantined": False,
    }


def test_only_what_was_said_changes():
    said = Details(title="Lake", tags=("a", "b"), custom={"k": "v"})
    more = Details(description="Blue.", tags=())

    assert changed(opened, accepted, image_events.DetailsChanged(personal=said)) == {
        "title": "Lake",
        "tags": ["a", "b"],
        "custom": {"k": "v"},
    }
    events = [opened, accepted, image_events.DetailsChanged(personal=said)]
    assert changed(*events, image_events.DetailsChanged(personal=more)) == {
        "description": "Blue.",
        "tags": [],
    }


def test_links_are_kept_with_the_card():
    share = Share(permissions=frozenset({Permission.VIEW}), expires_at=LATER, shared_with=FRIEND)
    assert changed(opened, accepted, lent) == {"shares": {SHARE: share}}
    revoked = image_events.ShareLinkRevoked(share_id=SHARE)
    assert changed(opened, accepted, lent, revoked) == {
        "shares": {SHARE: msgspec.structs.replace(share, revoked=True)}
    }


def test_the_trash_and_the_way_back():
    deleted = image_events.SoftDeleted(purge_after=LATER)
    assert changed(opened, accepted, deleted) == {"deleted_at": NOW, "purge_after": LATER}
    assert changed(opened, accepted, deleted, image_events.Restored()) == {
        "deleted_at": None,
        "purge_after": None,
    }


def test_what_was_erased_is_blank_and_the_figures_stay():
    found = card(
        msgspec.structs.replace(opened, personal=None),
        msgspec.structs.replace(accepted, personal=None),
        image_events.DetailsChanged(personal=None),
    )

    assert (found.filename, found.title, found.checksum) == ("", "", "")
    assert (found.size, found.format, found.visibility) == (800, Format.PNG, Visibility.UNLISTED)


def entry(*events):
    found = None
    for event in recorded(*events):
        found = search.project(found, event)
    return found


def test_the_index_holds_the_words_and_nothing_else():
    said = Details(title="Lake", description="Blue.", tags=("a",), custom={"secret": "x"})

    found = entry(opened, accepted, image_events.DetailsChanged(personal=said), cleared, lent)

    assert found == search.Entry(
        id=IMAGE,
        owner_id=OWNER,
        filename="lake.png",
        title="Lake",
        description="Blue.",
        tags=["a"],
        format=Format.PNG,
        created_at=NOW,
        arrival=1,
        barred=["visibility"],
    )
    assert entry(opened, image_events.UploadAborted()) is None
    assert entry(opened, accepted, image_events.DetailsChanged(personal=None)).title == ""
    assert entry(msgspec.structs.replace(opened, personal=None)).filename == ""


def exposure(*events):
    found = None
    for event in recorded(*events):
        found = development.project(found, event)
    return found


def test_an_original_is_developed_once_it_has_a_format():
    assert exposure(opened).format is None
    assert exposure(opened, accepted, cleared, lent) == development.Exposure(
        id=IMAGE,
        owner_id=OWNER,
        attempt=ATTEMPT,
        format=Format.PNG,
        width=4,
        height=3,
        frames=2,
    )
    assert exposure(opened, image_events.UploadRefused(code="corrupt_image")) is None
    assert exposure(accepted) is None
