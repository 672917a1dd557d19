"""What is said of who can see an image is what the policy does."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import access, album, image
from domain.access import Action, Permission, Viewer, Visibility
from domain.ids import AlbumId, ShareId
from domain.image_events import (
    AddedToAlbum,
    CollaboratorAdded,
    CollaboratorRemoved,
    RemovedFromAlbum,
    ShareLinkCreated,
    ShareLinkRevoked,
    VisibilityChanged,
)
from domain.stream import fold
from projections.explaining import grants
from tests.domain.test_image import cleared, finalized, initiated
from tests.spec import FRIEND, LATER, MUCH_LATER, NOW, OWNER, STRANGER, anybody, recorded

ALBUMS = [AlbumId(UUID(int=n)) for n in (50, 51)]
SHARES = [ShareId(UUID(int=n)) for n in (60, 61)]
PEOPLE = [FRIEND, STRANGER, anybody()]
ACTIONS = {
    Action.VIEW: Permission.VIEW,
    Action.DOWNLOAD: Permission.DOWNLOAD,
    Action.EDIT: Permission.EDIT,
}

permissions = st.frozensets(st.sampled_from(Permission), min_size=1)
reading = permissions.filter(lambda some: Permission.EDIT not in some)
people, shares = st.sampled_from(PEOPLE), st.sampled_from(SHARES)
ends = st.sampled_from([NOW, LATER])
image_events = st.one_of(
    st.builds(VisibilityChanged, visibility=st.sampled_from(Visibility)),
    st.builds(CollaboratorAdded, account_id=people, permissions=permissions),
    st.builds(CollaboratorRemoved, account_id=people),
    st.builds(AddedToAlbum, album_id=st.sampled_from(ALBUMS)),
    st.builds(RemovedFromAlbum, album_id=st.sampled_from(ALBUMS)),
    st.builds(
        ShareLinkCreated,
        share_id=st.just(SHARES[0]),
        permissions=reading,
        expires_at=ends,
        shared_with=st.none() | people,
    ),
)
album_events = st.one_of(
    st.builds(album.AlbumLent, account_id=people, permissions=permissions),
    st.builds(album.AlbumTakenBack, account_id=people),
    st.builds(
        album.AlbumLinkCreated, share_id=st.just(SHARES[1]), permissions=reading, expires_at=ends
    ),
    st.just(album.AlbumDeleted()),
)


@st.composite
def stories(draw):
    """An image, and the albums; with a link revoked now and then."""
    image_story = [initiated, finalized, cleared, *draw(st.lists(image_events, max_size=10))]
    if any(isinstance(it, ShareLinkCreated) for it in image_story) and draw(st.booleans()):
        image_story.append(ShareLinkRevoked(share_id=SHARES[0]))
    albums = {}
    for id in ALBUMS:
        opened = album.AlbumCreated(
            owner_id=draw(people), visibility=Visibility.PUBLIC, personal=None
        )
        story = [opened, *draw(st.lists(album_events, max_size=5))]
        if any(isinstance(it, album.AlbumLinkCreated) for it in story) and draw(st.booleans()):
            story.append(album.AlbumLinkRevoked(share_id=SHARES[1]))
        albums[id] = story
    return image_story, albums


@given(stories(), st.sampled_from([NOW, MUCH_LATER]))
def test_a_grant_is_named_for_whatever_is_allowed_and_for_nothing_else(story, now):
    history, albums = recorded(*story[0]), {id: recorded(*it) for id, it in story[1].items()}
    state = fold(image.evolve, history)
    inside = [fold(album.evolve, albums[id]).circle for id in state.album_ids]
    subject = replace(state.subject, albums=[it for it in inside if it])
    named = grants(history, albums, {}, now=now)

    for viewer in (
        Viewer(),
        *(Viewer(account_id=it) for it in [OWNER, *PEOPLE]),
        *(Viewer(share_id=it) for it in SHARES),
    ):
        for action, permission in ACTIONS.items():
            allowed = access.decide(viewer, action, subject, now=now) is None
            open_to = [it for it in named if permission in it.permissions and suits(it, viewer)]
            if viewer.share_id is None:
                assert allowed == bool(open_to), (viewer, action)
            else:  # a link that opens nothing does not open what is open to everybody, either
                links = [it for it in open_to if it.share_id == viewer.share_id]
                assert allowed == bool(links), (viewer, action)


def suits(grant, viewer):
    if grant.account_id:
        return grant.account_id == viewer.account_id
    return grant.share_id in (None, viewer.share_id)
