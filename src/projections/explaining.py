"""Who can see an image, and which events made it so: the policy's answer, with its reasons."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain import album, image_events
from domain.access import Permission, Visibility
from domain.ids import AccountId, AlbumId, ShareId
from domain.stream import Recorded

Histories = Mapping[AlbumId, Sequence[Recorded[Any]]]

LOOKING = frozenset({Permission.VIEW, Permission.DOWNLOAD})
EVERYTHING = frozenset(Permission)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Something that opens an image. To everybody, where it names neither account nor link."""

    via: str
    """owner, visibility, collaborator, share, album-owner, album-collaborator or album-share."""
    permissions: frozenset[Permission]
    because: Sequence[Recorded[Any]]
    """The events that together make it so."""
    account_id: AccountId | None = None
    share_id: ShareId | None = None
    """For an account, the share that is made out to it; else a link, for whoever holds it."""
    album_id: AlbumId | None = None
    expires_at: datetime | None = None
    manages: bool = False


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody but its owner sees it, whatever is granted."""

    reason: str
    because: Sequence[Recorded[Any]]


def grants(history: Sequence[Recorded[Any]], albums: Histories, *, now: datetime) -> list[Grant]:
    """Of an image that is there. `albums` are the histories of those it is in."""
    found = [*_of_image(history, now)]
    for entered in _in_albums(history).values():
        album_id = entered.event.album_id
        found += _of_album(album_id, entered, albums.get(album_id, ()), now)
    return found


def album_ids(history: Sequence[Recorded[Any]]) -> Sequence[AlbumId]:
    return list(_in_albums(history))


def closed(history: Sequence[Recorded[Any]]) -> Closed | None:
    """What keeps it from all others just now."""
    deleted = _last(history, image_events.SoftDeleted, image_events.Restored)
    if deleted and isinstance(deleted.event, image_events.SoftDeleted):
        return Closed(reason="deleted", because=[deleted])
    scanned = _last(history, image_events.ImageCleared, image_events.ImageQuarantined)
    if scanned is None:
        waiting = _last(history, image_events.ImageFinalized)
        return Closed(reason="not cleared yet", because=[waiting] if waiting else [])
    if isinstance(scanned.event, image_events.ImageQuarantined):
        return Closed(reason="quarantined", because=[scanned])
    return None


def _of_image(history: Sequence[Recorded[Any]], now: datetime) -> Iterator[Grant]:
    opened = history[0]
    owner = opened.event.owner_id
    yield Grant(
        via="owner", account_id=owner, permissions=EVERYTHING, manages=True, because=[opened]
    )
    shown = _last(history, image_events.ImageFinalized, image_events.VisibilityChanged)
    if shown and shown.event.visibility is not Visibility.PRIVATE:
        yield Grant(via="visibility", permissions=LOOKING, because=[shown])
    added, removed = image_events.CollaboratorAdded, image_events.CollaboratorRemoved
    for it in _standing(history, "account_id", added, removed):
        yield Grant(
            via="collaborator",
            account_id=it.event.account_id,
            permissions=it.event.permissions,
            because=[it],
        )
    created, revoked = image_events.ShareLinkCreated, image_events.ShareLinkRevoked
    for it in _standing(history, "share_id", created, revoked):
        if it.event.expires_at > now:
            yield Grant(
                via="share",
                account_id=it.event.shared_with,
                share_id=it.event.share_id,
                permissions=it.event.permissions,
                expires_at=it.event.expires_at,
                because=[it],
            )


def _of_album(
    album_id: AlbumId, entered: Recorded[Any], history: Sequence[Recorded[Any]], now: datetime
) -> Iterator[Grant]:
    if not history or _last(history, album.AlbumDeleted):
        return
    created = history[0]
    yield Grant(
        via="album-owner",
        album_id=album_id,
        account_id=created.event.owner_id,
        permissions=EVERYTHING,
        because=[entered, created],
    )
    for it in _standing(history, "account_id", album.AlbumLent, album.AlbumTakenBack):
        yield Grant(
            via="album-collaborator",
            album_id=album_id,
            account_id=it.event.account_id,
            permissions=it.event.permissions,
            because=[entered, it],
        )
    for it in _standing(history, "share_id", album.AlbumLinkCreated, album.AlbumLinkRevoked):
        if it.event.expires_at > now:
            yield Grant(
                via="album-share",
                album_id=album_id,
                share_id=it.event.share_id,
                permissions=it.event.permissions,
                expires_at=it.event.expires_at,
                because=[entered, it],
            )


def _in_albums(history: Sequence[Recorded[Any]]) -> dict[AlbumId, Recorded[Any]]:
    added, removed = image_events.AddedToAlbum, image_events.RemovedFromAlbum
    return {it.event.album_id: it for it in _standing(history, "album_id", added, removed)}


def _standing(
    history: Sequence[Recorded[Any]], key: str, given: type, taken: type
) -> list[Recorded[Any]]:
    """Of what was given and not taken since, the last event for each key."""
    standing: dict[UUID, Recorded[Any]] = {}
    for recorded in history:
        if isinstance(recorded.event, given | taken):
            standing.pop(getattr(recorded.event, key), None)
        if isinstance(recorded.event, given):
            standing[getattr(recorded.event, key)] = recorded
    return list(standing.values())


def _last(history: Sequence[Recorded[Any]], *kinds: type) -> Recorded[Any] | None:
    return next((it for it in reversed(history) if isinstance(it.event, kinds)), None)
