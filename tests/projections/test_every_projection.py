"""What holds of every read model: it follows, forgives what it does not know, and can be reread."""

import re
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import abuse_report, access, account, album, block, claim, organization
from domain.access import Action, Permission, Role, Viewer, Visibility
from domain.account import Identity, SettingsChanged, Username
from domain.account_marks import Mark
from domain.ids import NOBODY
from domain.stream import Event
from projections import gallery
from projections.projection import ALL
from tests.domain.test_image_properties import histories
from tests.spec import FRIEND, IMAGE, NOW, OWNER, STRANGER, TWIN, recorded


class FromTheFuture(Event, frozen=True, kw_only=True, tag="image.sent-to-the-moon"):
    """An event that this release does not know."""


TEAM = UUID(int=70)
names = st.text("abc", min_size=1, max_size=4)
settings = st.builds(
    SettingsChanged,
    default_visibility=st.none() | st.sampled_from(Visibility),
    keep_gps=st.none() | st.booleans(),
    notify=st.none() | st.dictionaries(names, st.booleans(), max_size=2),
)
renamed = st.builds(
    account.UsernameChanged, personal=st.none() | st.builds(Username, username=names)
)

marks = st.one_of(st.from_type(kind) for kind in get_args(Mark))


@st.composite
def accounts(draw):
    identity = draw(st.none() | st.builds(Identity, username=names, email=names))
    opened = account.AccountRegistered(plan="free", quota_bytes=10, personal=identity)
    return [opened, *draw(st.lists(st.one_of(settings, renamed, marks), max_size=6))]


people = st.sampled_from([FRIEND, STRANGER])
album_events = st.one_of(
    st.builds(
        album.AlbumDescribed,
        personal=st.none() | st.builds(album.AlbumText, title=st.none() | names),
    ),
    st.builds(album.AlbumVisibilityChanged, visibility=st.sampled_from(Visibility)),
    st.builds(album.CoverChosen, image_id=st.none() | st.just(IMAGE)),
    st.builds(album.AlbumArranged, image_ids=st.just((IMAGE, TWIN))),
    st.builds(album.AlbumLent, account_id=people, permissions=st.just(frozenset(Permission))),
    st.builds(album.AlbumTakenBack, account_id=people),
    st.just(album.AlbumDeleted()),
)


@st.composite
def albums(draw):
    text = draw(st.none() | st.builds(album.AlbumText, title=names))
    created = album.AlbumCreated(owner_id=OWNER, visibility=Visibility.PRIVATE, personal=text)
    return [created, *draw(st.lists(album_events, max_size=6))]


roles = st.sampled_from([Role.ADMIN, Role.VIEWER])
team = {"team_id": st.just(TEAM)}
organization_events = st.one_of(
    st.builds(
        organization.MemberJoined, invitation_id=st.just(TEAM), account_id=people, role=roles
    ),
    st.builds(organization.RoleChanged, account_id=people, role=roles),
    st.builds(organization.OwnershipTransferred, account_id=people),
    st.builds(organization.MemberLeft, account_id=people),
    st.builds(
        organization.MemberInvited,
        invitation_id=st.just(TEAM),
        role=roles,
        expires_at=st.just(NOW),
        address_id=st.just(TEAM),
        account_id=st.none() | people,
    ),
    st.builds(organization.InvitationEnded, invitation_id=st.just(TEAM)),
    st.builds(organization.TeamRenamed, personal=st.none(), **team),
    st.builds(organization.TeamMemberAdded, account_id=people, role=roles, **team),
    st.builds(organization.TeamMemberRemoved, account_id=people, **team),
    st.just(organization.OrganizationDeleted()),
)


@st.composite
def organizations(draw):
    name = draw(st.none() | st.builds(organization.Name, name=names))
    created = organization.OrganizationCreated(
        owner_id=OWNER, plan="free", quota_bytes=1, personal=name
    )
    story = [created, organization.TeamCreated(team_id=TEAM, personal=name)]
    for event in draw(st.lists(organization_events, max_size=6)):
        story.append(event)
        if isinstance(event, organization.OrganizationDeleted):
            break
    return story


@st.composite
def reports(draw):
    said = draw(st.none() | st.builds(abuse_report.Complaint, details=names))
    filed = abuse_report.ReportFiled(image_id=IMAGE, reason=abuse_report.Reason.SPAM, personal=said)
    resolved = abuse_report.ReportResolved(
        resolution=abuse_report.Resolution.DISMISS, personal=draw(st.none())
    )
    ends = st.sampled_from([[], [resolved], [resolved, abuse_report.ReportErased()]])
    return [filed, *draw(ends)]


@st.composite
def blocks(draw):
    ground = draw(st.none() | st.builds(block.Ground, reason=names, fingerprint=st.just(-1)))
    added = block.BlockAdded(manner=block.Manner.PERCEPTUAL, personal=ground)
    explained = block.BlockExplained(personal=draw(st.none()))
    ends = st.sampled_from([[], [explained], [explained, block.BlockLifted(personal=None)]])
    return [added, *draw(ends)]


STREAMS = {
    "image": histories(),
    "account": accounts(),
    "album": albums(),
    "organization": organizations(),
    "report": reports(),
    "block": blocks(),
}
every_history = pytest.mark.parametrize("projection", ALL, ids=lambda projection: projection.name)


def documents(projection, events):
    """The document after each event, and the event."""
    document = None
    for event in events:
        document = projection.project(document, event)
        yield document, event


def past(data, projection):
    (stream,) = projection.streams
    return recorded(*data.draw(STREAMS[stream]))


@every_history
@given(data=st.data())
def test_an_event_that_comes_again_changes_nothing(projection, data):
    for document, event in documents(projection, past(data, projection)):
        again = projection.project(document, event)
        assert again == document


@every_history
@given(data=st.data())
def test_an_event_that_nobody_knows_leaves_all_as_it_was(projection, data):
    history = past(data, projection)
    *_, (document, _) = documents(projection, history)
    (stranger,) = recorded(FromTheFuture())

    after = projection.project(document, stranger)

    if document is None:
        assert after is None
        return
    assert _without_version(after) == _without_version(document)
    assert projection.project(None, stranger) is None


def _without_version(document):
    fields = msgspec.structs.asdict(document)
    fields.pop("version", None)
    return fields


@every_history
@given(data=st.data())
def test_a_document_read_back_from_its_row_is_the_same(projection, data):
    for document, _ in documents(projection, past(data, projection)):
        if document is not None:
            row = msgspec.json.encode(document)
            assert msgspec.json.decode(row, type=projection.document) == document


@every_history
@given(data=st.data())
def test_what_was_folded_in_pieces_is_what_is_folded_at_once(projection, data):
    history = past(data, projection)
    cut = data.draw(st.integers(0, len(history)))
    *_, (whole, _) = documents(projection, history)
    document = None
    for event in history[:cut]:
        document = projection.project(document, event)
    if document is not None:
        document = msgspec.json.decode(msgspec.json.encode(document), type=projection.document)

    for event in history[cut:]:
        document = projection.project(document, event)

    assert document == whole


@every_history
def test_a_stream_whose_beginning_is_missing_has_no_document(projection):
    (_, late) = recorded(FromTheFuture(), SettingsChanged(keep_gps=True))
    assert projection.project(None, late) is None


@every_history
def test_its_table_has_a_column_for_each_field(projection):
    body = re.search(rf"create table {projection.table} \((.*?)\n\);", projection.ddl, re.DOTALL)
    assert body
    columns = re.findall(r"^ {4}(\w+) ", body[1], re.MULTILINE)

    fields = [field.name for field in msgspec.structs.fields(projection.document)]
    assert columns[: len(fields)] == fields, "what others keep stands behind"


def shown(card):
    """Whether everybody may list it, and whether only its owner and some others may."""
    viewers = (Viewer(), Viewer(account_id=card.owner_id))
    public, own = (access.decide(it, Action.LIST, card.subject, now=NOW) is None for it in viewers)
    return {"listed": public, "withheld": own and not public}


@given(histories())
def test_an_owners_tally_is_what_the_card_says(history):
    """Promised bytes are reserved, accepted ones stored; what was given up or purged is nowhere."""
    *_, (card, _) = documents(ALL[0], recorded(*history))

    counted = gallery.tally(card)

    if card is None or (card.closed and not card.finalized):
        assert counted == {}
    else:
        stored = gallery.Tally(images=1, uploads=1, storage_bytes=card.size, **shown(card))
        expected = stored if card.finalized else gallery.Tally(reserved_bytes=card.size)
        assert counted == {(OWNER,): expected, (NOBODY,): expected}
    assert gallery.tally(None) == {}


@given(histories())
def test_search_bars_what_not_everybody_may_list(history):
    search = next(it for it in ALL if it.name == "search")
    cards, entries = ([it for it, _ in documents(p, recorded(*history))] for p in (ALL[0], search))

    for card, entry in zip(cards, entries, strict=True):
        listed = card and access.decide(Viewer(), Action.LIST, card.subject, now=NOW) is None
        assert bool(entry and not entry.barred) == bool(listed)
        if card and entry:
            assert (entry.created_at, entry.format) == (card.created_at, card.format)


@given(histories())
def test_tags_are_counted_as_their_images_are_shown(history):
    *_, (card, _) = documents(ALL[0], recorded(*history))

    counted = gallery.tagged(card)

    expected = gallery.Tagged(**shown(card)) if card else gallery.Tagged()
    tags = card.tags if expected != gallery.Tagged() else ()
    assert set(counted) == {(whose, tag) for whose in (OWNER, NOBODY) for tag in tags}
    assert all(it == expected for it in counted.values())
    assert gallery.tagged(None) == {}


def test_claims_concern_no_read_model():
    (event,) = recorded(claim.Claimed(account_id=OWNER))

    assert all("claim" not in projection.streams for projection in ALL)
    assert all(projection.project(None, event) is None for projection in ALL)
    assert event.at == NOW
