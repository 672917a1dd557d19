"""The feed: the log for subscribers, each shown what it may see, in order and without a gap."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import access, album, image_events, organization, webhook
from domain.access import Action, Viewer, Visibility
from domain.catalogue import stream_of
from domain.ids import AccountId, AlbumId, ImageId
from domain.stream import Recorded, tag
from projections.albums import Binder
from projections.gallery import Card
from projections.history import told
from projections.organizations import OrganizationCard


class Feed(Protocol):
    """The read port: envelopes of the log, without what people wrote."""

    async def head(self) -> int:
        """The last position; 0 of an empty log."""
        ...

    async def page(
        self, after: int, limit: int, upto: int | None = None
    ) -> Sequence[Recorded[Any]]:
        """Events behind `after`, and not behind `upto`, oldest first."""
        ...


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Everything given must match."""

    type: str | None = None
    """A whole type, like `image.finalized`, or a stream's, like `image`."""
    album: AlbumId | None = None
    """The album's own events, and those of the images that are in it now."""


class Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One event, as subscribers get it."""

    position: int
    type: str
    at: datetime
    stream_id: str
    version: int
    actor: str | None
    """Told to those whose own event it is."""
    data: dict[str, Any]


def for_viewer(
    caller: AccountId | None,
    events: Sequence[Recorded[Any]],
    cards: Mapping[UUID, Card],
    albums: Mapping[UUID, Binder],
    owners: Mapping[UUID, OrganizationCard],
    wanted: Wanted,
    *,
    now: datetime,
) -> list[Told]:
    """Those events that the caller may see, by what read models say as of the last event.

    One's own acts, and everything about one's own images, albums and account, is shown. Of other
    people's only what may be listed for the caller now, and of their events only those that say
    what can be seen now, too: that there is an image, that it was cleared, that it has other
    details, that it is public. When it was private, who else it was shared with, that it was in
    the trash or under suspicion, is told to nobody else. That something was lent to the caller,
    or taken back, is told to the caller. What is in an album is told to those who may see it.
    """
    shown, viewer = [], Viewer(account_id=caller)
    closed = wanted.album is not None and not _found(viewer, Action.VIEW, wanted.album, albums, now)
    for recorded in events:
        type = tag(_kind(recorded))
        if wanted.type not in (None, type, stream_of(type)):
            continue
        card = cards.get(recorded.stream_id)
        if not _within(recorded, card, wanted.album):
            continue
        own = _own(caller, recorded, card or albums.get(recorded.stream_id), owners)
        others = not closed and _listable(viewer, recorded, card, albums, now)
        if own or _lent(caller, recorded) or others:
            shown.append(_shown(recorded, own=own))
    return shown


def images_of(events: Sequence[Recorded[Any]]) -> set[ImageId]:
    return {ImageId(it.stream_id) for it in events if _stream(it) == "image"}


def albums_of(events: Sequence[Recorded[Any]], cards: Mapping[UUID, Card]) -> set[AlbumId]:
    """Those that the events are about, and those that the images are in."""
    about = {AlbumId(it.stream_id) for it in events if _stream(it) == "album"}
    named = {id for it in events if (id := getattr(it.event, "album_id", None))}
    return about | named | {id for card in cards.values() for id in card.albums}


def owners_of(
    events: Sequence[Recorded[Any]], cards: Mapping[UUID, Card], albums: Mapping[UUID, Binder]
) -> set[UUID]:
    """The organizations that the events are about, and those that own what they are about."""
    about = {it.stream_id for it in events if _stream(it) == "organization"}
    teams = {it.card.owner_id for it in albums.values() if it.card.team_id}
    return about | teams | {card.owner_id for card in cards.values() if card.entrusted}


def _within(recorded: Recorded[Any], card: Card | None, album_id: AlbumId | None) -> bool:
    named = (recorded.stream_id, getattr(recorded.event, "album_id", None))
    return album_id is None or album_id in named or (card is not None and album_id in card.albums)


def _own(
    caller: AccountId | None,
    recorded: Recorded[Any],
    thing: Card | Binder | None,
    owners: Mapping[UUID, OrganizationCard],
) -> bool:
    """One's own act, or about what is one's own, or of an organization that one governs."""
    if caller is None:
        return False
    card = thing.card if isinstance(thing, Binder) else thing
    owner_id = card.owner_id if card else recorded.stream_id
    owner = owners.get(owner_id)
    return caller in (recorded.by, owner_id) or (
        owner is not None and caller in owner.state.stewards
    )


def _lent(caller: AccountId | None, recorded: Recorded[Any]) -> bool:
    match recorded.event:
        case (
            image_events.CollaboratorAdded(account_id=account_id)
            | image_events.CollaboratorRemoved(account_id=account_id)
            | album.AlbumLent(account_id=account_id)
            | album.AlbumTakenBack(account_id=account_id)
            | image_events.ShareLinkCreated(shared_with=account_id)
            | organization.MemberInvited(account_id=account_id)
            | organization.MemberJoined(account_id=account_id)
            | organization.MemberLeft(account_id=account_id)
            | organization.RoleChanged(account_id=account_id)
            | organization.OwnershipTransferred(account_id=account_id)
            | organization.TeamMemberAdded(account_id=account_id)
            | organization.TeamMemberRemoved(account_id=account_id)
            | webhook.DeliveryAbandoned(owner_id=account_id)
            | webhook.WebhookDisabled(owner_id=account_id)
        ):
            return caller is not None and caller == account_id
    return False


def _listable(
    viewer: Viewer,
    recorded: Recorded[Any],
    card: Card | None,
    albums: Mapping[UUID, Binder],
    now: datetime,
) -> bool:
    if recorded.stream_id in albums:
        visibility = albums[recorded.stream_id].card.visibility
        found = _found(viewer, Action.LIST, recorded.stream_id, albums, now)
        return found and _harmless(recorded.event, visibility)
    if card is None or not _harmless(recorded.event, card.visibility):
        return False
    album_id = getattr(recorded.event, "album_id", None)
    if album_id is not None and not _found(viewer, Action.LIST, album_id, albums, now):
        return False
    circles = [albums[id].circle for id in card.albums if id in albums]
    subject = replace(card.subject, albums=circles)
    return access.decide(viewer, Action.LIST, subject, now=now) is None


def _found(
    viewer: Viewer, action: Action, id: UUID, albums: Mapping[UUID, Binder], now: datetime
) -> bool:
    circle = albums[id].circle if id in albums else None
    return access.decide_on_album(viewer, action, circle, now=now) is None


def _harmless(event: Any, now: Visibility) -> bool:
    """Whether it says only what can be seen of an image or an album that is `now` that visible."""
    match event:
        case (
            image_events.ImageFinalized(visibility=visibility)
            | album.AlbumCreated(visibility=visibility)
        ):
            return visibility in (Visibility.PUBLIC, now)
        case (
            image_events.VisibilityChanged(visibility=visibility)
            | album.AlbumVisibilityChanged(visibility=visibility)
        ):
            return visibility is Visibility.PUBLIC
    return isinstance(event, _HARMLESS)


_HARMLESS = (
    image_events.ImageCleared
    | image_events.DetailsChanged
    | image_events.AddedToAlbum
    | image_events.RemovedFromAlbum
    | album.AlbumDescribed
    | album.CoverChosen
    | album.AlbumArranged
)


def _shown(recorded: Recorded[Any], *, own: bool) -> Told:
    entry = told(recorded)
    return Told(
        position=entry.position,
        type=entry.type,
        at=entry.at,
        stream_id=entry.stream,
        version=entry.version,
        actor=entry.actor if own else None,
        data=entry.data,
    )


def _kind(recorded: Recorded[Any]) -> type:
    return type(recorded.event)


def _stream(recorded: Recorded[Any]) -> str:
    return stream_of(tag(_kind(recorded)))
