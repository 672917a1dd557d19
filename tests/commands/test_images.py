"""What commands on images make of their parts: one request, one outcome; and what it costs."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import images, object_keys
from commands.images import (
    ChangeImage,
    DeleteImage,
    RestoreImage,
    Retention,
    RevokeShare,
    ShareImage,
)
from commands.ports import Reserve
from commands.uploads import charge
from domain import image, image_events
from domain.access import Permission, Visibility
from domain.account import AccountRegistered
from domain.image_events import (
    Details,
    DetailsChanged,
    Promised,
    VisibilityChanged,
)
from domain.media import Content, Format, Rung
from domain.refusals import Forbidden, NotFound, PreconditionFailed
from settings import load
from tests.commands.memory import MemorySharePasswords, MemoryStore
from tests.domain.test_image_properties import histories
from tests.spec import ANOTHER, ATTEMPT, FRIEND, IMAGE, LATER, NOW, OWNER, SHARE, STRANGER

KEPT = Retention(default=timedelta(days=3), by_plan={"pro": timedelta(days=90)})
HISTORY = [
    image_events.UploadInitiated(
        owner_id=OWNER,
        size=9,
        content_type="image/png",
        expires_at=LATER,
        personal=Promised(filename="a"),
    ),
    image_events.ImageFinalized(
        attempt=ATTEMPT,
        format=Format.PNG,
        size=9,
        visibility=Visibility.PRIVATE,
        personal=Content(checksum="ab" * 32, width=1, height=1),
    ),
    image_events.ImageCleared(scanner="decode"),
]
lent = image_events.ShareLinkCreated(
    share_id=SHARE,
    permissions=frozenset({Permission.VIEW, Permission.EDIT}),
    expires_at=LATER,
    shared_with=FRIEND,
)


@pytest.fixture
def store():
    return MemoryStore().begun(IMAGE, *HISTORY)


def change(store, **fields):
    command = ChangeImage(**{"by": OWNER, "image_id": IMAGE} | fields)
    return images.change_image(command, store=store, now=lambda: NOW)


async def test_details_and_visibility_change_together(store):
    receipt = await change(store, details=Details(title="x"), visibility=Visibility.PUBLIC)

    (batches,) = store.appended
    assert list(batches[0].events) == [
        DetailsChanged(personal=Details(title="x")),
        VisibilityChanged(visibility=Visibility.PUBLIC),
    ]
    assert receipt.version == 5
    again = await change(store, details=Details(title="x"), visibility=Visibility.PUBLIC)
    assert again.position is None


async def test_an_editor_who_asks_too_much_gets_none_of_it(store):
    store.streams.clear()
    store.begun(IMAGE, *HISTORY, lent)

    with pytest.raises(Forbidden):
        await change(store, by=FRIEND, details=Details(title="x"), visibility=Visibility.PUBLIC)
    assert store.appended == []

    await change(store, by=FRIEND, details=Details(title="x"))
    assert store.events(IMAGE)[-1] == DetailsChanged(personal=Details(title="x"))


async def test_a_stale_writer_changes_nothing_and_a_stranger_does_not_learn_why(store):
    with pytest.raises(PreconditionFailed):
        await change(store, details=Details(title="x"), expected=frozenset({2}))
    for expected in (None, frozenset({2}), frozenset({3})):
        with pytest.raises(Forbidden):
            await change(store, by=STRANGER, details=Details(title="x"), expected=expected)
        with pytest.raises(NotFound):
            await change(
                store, by=STRANGER, image_id=UUID(int=99), details=Details(), expected=expected
            )


async def test_the_trash_keeps_it_for_as_long_as_it_says(store):
    delete = DeleteImage(by=OWNER, image_id=IMAGE)
    await images.delete_image(delete, store=store, now=lambda: NOW, retention=KEPT)

    assert store.events(IMAGE)[-1].purge_after == NOW + timedelta(days=3)
    restore = RestoreImage(by=OWNER, image_id=IMAGE)
    await images.restore_image(restore, store=store, now=lambda: NOW)
    assert store.events(IMAGE)[-1] == image_events.Restored()


async def test_a_link_lasts_as_long_as_it_says_and_is_revoked_by_its_name(store):
    share = ShareImage(
        by=OWNER,
        image_id=IMAGE,
        permissions=frozenset({Permission.VIEW}),
        expires_in=timedelta(hours=1),
        password="open sesame",
    )
    passwords = MemorySharePasswords()
    shared = await images.share_image(
        share, store=store, now=lambda: NOW, new_id=lambda: SHARE, passwords=passwords
    )

    assert (shared.share_id, shared.expires_at) == (SHARE, NOW + timedelta(hours=1))
    assert passwords.kept == {SHARE: (IMAGE, "open sesame")}
    (event,) = [it for it in store.events(IMAGE) if isinstance(it, image_events.ShareLinkCreated)]
    assert event.has_password
    assert "sesame" not in str(event)
    revoke = RevokeShare(by=OWNER, image_id=IMAGE, share_id=SHARE)
    receipt = await images.revoke_share(revoke, store=store, now=lambda: NOW, passwords=passwords)
    assert passwords.kept == {}
    assert store.events(IMAGE)[-1] == image_events.ShareLinkRevoked(share_id=SHARE)
    assert receipt.version == 5


def states(history):
    state = None
    for event in history:
        before, state = state, image.evolve(state, event)
        yield before, state


def test_what_each_step_costs():
    aborted = image_events.UploadAborted()
    refused = image_events.UploadRefused(code="corrupt_image")
    promised = (Reserve(account_id=OWNER, bytes=9),)
    given_back = (Reserve(account_id=OWNER, bytes=-9),)

    for end, cost in (
        (HISTORY[1], ()),
        (aborted, given_back),
        (image_events.UploadExpired(), given_back),
        (refused, given_back),
    ):
        first, second = (charge(*step) for step in states([HISTORY[0], end]))
        assert (first, second) == (promised, cost)
    assert charge(None, None) == ()


@given(histories())
def test_what_was_charged_in_all_is_what_is_kept(history):
    charges = [guard for step in states(history) for guard in charge(*step)]

    *_, (_, last) = states(history)
    assert sum(guard.bytes for guard in charges) == image.charged(last)
    assert all(guard.account_id == OWNER and guard.bytes for guard in charges)


@given(st.lists(st.uuids(), min_size=2, max_size=2, unique=True))
def test_no_two_things_lie_in_one_place(ids):
    places = [
        place
        for id in ids
        for place in (
            object_keys.incoming(id),
            *(object_keys.original(OWNER, id, attempt) for attempt in (ATTEMPT, ANOTHER)),
            object_keys.scrubbed(id, "v1"),
            *(
                object_keys.derivative(id, r, rung, f)
                for r in ("v1", "v2")
                for rung in Rung
                for f in Format
            ),
        )
    ]
    assert len(set(places)) == len(places)
    first, second = (object_keys.derivatives(id) for id in ids)
    assert sum(place.startswith(first) for place in places) == (len(places) - 6) // 2
    assert not first.startswith(second)


@pytest.mark.parametrize(("plan", "days"), [("free", 3), ("pro", 90)])
async def test_a_plan_may_keep_the_trash_longer(plan, days):
    opened = AccountRegistered(plan=plan, quota_bytes=1, personal=None)
    store = MemoryStore().begun(OWNER, opened).begun(IMAGE, *HISTORY)

    delete = DeleteImage(by=OWNER, image_id=IMAGE)
    await images.delete_image(delete, store=store, now=lambda: NOW, retention=KEPT)

    assert store.events(IMAGE)[-1].purge_after == NOW + timedelta(days=days)


def test_plans_with_a_retention_of_their_own_are_read_from_the_settings():
    named = {"retention_plans": "pro=90, team=365"}
    needed = dict.fromkeys(
        (
            *("database_url", "nats_url", "objects_url", "objects_access_key"),
            *("objects_secret_key", "instance_key"),
        ),
        "x",
    )
    named = {f"DARKROOM_{name.upper()}": value for name, value in (needed | named).items()}
    assert load(named).retention_by_plan == {"pro": 90, "team": 365}
    with pytest.raises(msgspec.ValidationError):
        load(named | {"DARKROOM_RETENTION_PLANS": "pro:90"})
