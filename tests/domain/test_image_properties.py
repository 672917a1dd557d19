"""What holds in every history that an owner can bring about."""

import contextlib
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import image, image_events, lending, purging, uploads
from domain.access import Permission, Visibility
from domain.image_events import Details, Promised
from domain.media import Caps, Content, Format
from domain.refusals import CorruptImage, Refusal
from domain.stream import fold
from projections import gallery
from tests.spec import (
    ANOTHER,
    ATTEMPT,
    FRIEND,
    LATER,
    NOW,
    OWNER,
    SHARE,
    STRANGER,
    TWIN,
    recorded,
)

arrived = st.sampled_from(
    [
        None,
        CorruptImage(reason="torn"),
        uploads.Arrived(
            format=Format.PNG, size=7, content=Content(checksum="0" * 64, width=1, height=1)
        ),
    ]
)
details = st.builds(
    Details,
    title=st.none() | st.text(max_size=5),
    tags=st.none() | st.lists(st.text(max_size=3), max_size=2).map(tuple),
)
requests = st.one_of(
    st.tuples(
        st.just(uploads.finalize),
        st.fixed_dictionaries(
            {
                "arrived": arrived,
                "attempt": st.sampled_from([ATTEMPT, ANOTHER]),
                "visibility": st.sampled_from(Visibility),
                "details": details,
                "scanner": st.sampled_from([None, "decode"]),
                "twin": st.sampled_from([None, TWIN]),
            }
        ),
    ),
    st.tuples(st.just(uploads.abort), st.just({})),
    st.tuples(
        st.just(image.change_details),
        st.fixed_dictionaries({"details": details, "now": st.just(NOW)}),
    ),
    st.tuples(
        st.just(image.change_visibility),
        st.fixed_dictionaries({"to": st.sampled_from(Visibility), "now": st.just(NOW)}),
    ),
    st.tuples(st.just(image.soft_delete), st.just({"now": NOW, "retention": timedelta(days=1)})),
    st.tuples(st.just(image.restore), st.just({"now": NOW})),
    st.tuples(st.just(purging.purge), st.just({"request": ANOTHER, "now": NOW})),
    st.tuples(
        st.just(lending.add_collaborator),
        st.fixed_dictionaries(
            {
                "account_id": st.just(FRIEND),
                "permissions": st.frozensets(st.sampled_from(Permission), min_size=1),
                "now": st.just(NOW),
            }
        ),
    ),
    st.tuples(st.just(lending.remove_collaborator), st.just({"account_id": FRIEND, "now": NOW})),
    st.tuples(st.just(lending.revoke_share), st.just({"share_id": SHARE, "now": NOW})),
)
sharing = {
    "share_id": SHARE,
    "permissions": frozenset({Permission.VIEW}),
    "expires_at": LATER,
    "shared_with": None,
    "now": NOW,
}


def ask(history, request, *, by=OWNER):
    """The events a request adds: none if it is refused."""
    decide, arguments = request
    with contextlib.suppress(Refusal):
        return decide(fold(image.evolve, recorded(*history)), by=by, **arguments)
    return []


@st.composite
def histories(draw):
    """An upload, and whatever its owner may then ask for."""
    history = uploads.initiate(
        None,
        by=OWNER,
        promised=Promised(filename=draw(st.text(max_size=5))),
        size=draw(st.integers(1, 100)),
        content_type="image/png",
        expires_at=LATER,
        caps=Caps(),
    )
    for request in draw(st.lists(requests, max_size=12)):
        history += ask(history, request)
    return history


@given(histories())
def test_an_image_is_there_only_once_its_bytes_were_proven(history):
    state = fold(image.evolve, recorded(*history))
    proven = any(isinstance(event, image_events.ImageFinalized) for event in history)

    assert state.finalized == proven
    assert sum(isinstance(event, image_events.ImageFinalized) for event in history) <= 1


@given(histories(), requests)
def test_a_request_repeated_changes_nothing_more(history, request):
    history += ask(history, request)

    assert ask(history, request) == []


@given(histories(), requests)
def test_a_stranger_never_adds_an_event(history, request):
    assert ask(history, request, by=STRANGER) == []


@given(histories())
def test_quota_is_charged_exactly_while_bytes_are_promised_or_kept(history):
    state = fold(image.evolve, recorded(*history))
    ends = image_events.UploadAborted | image_events.UploadRefused | image_events.UploadDeduplicated
    given_back = any(isinstance(event, ends | image_events.Purged) for event in history)

    assert image.charged(state) == (0 if given_back else state.size)


@given(histories())
def test_the_card_shows_what_the_state_knows(history):
    state = fold(image.evolve, recorded(*history))
    card = None
    for event in recorded(*history):
        card = gallery.project(card, event)

    if state.purged:
        assert card is None
        return
    assert replace(card.subject, epoch=0) == state.subject  # no decision asks for the epoch
    assert (card.title, tuple(card.tags)) == (state.details.title, state.details.tags)
    assert card.version == len(history)
