"""Who can see an image, and which events made it so: the policy's answer, with its reasons."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import album, image_events, organization
from domain.access import BY_ROLE, Action, Permission, Visibility
from domain.ids import AccountId, AlbumId, ShareId, TeamId
from domain.stream import Recorded, fold

Histories = Mapping[UUID, Sequence[Recorded[Any]]]

_GIVING = (
    organization.MemberJoined
    | organization.RoleChanged
    | organization.OwnershipTransferred
    | organization.TeamMemberAdded
)
LOOKING = frozenset({Permission.VIEW, Permission.DOWNLOAD})
EVERYTHING = frozenset(Permission)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Something that opens an image. To everybody, where it names neither account nor link."""

    via: str
    """owner, role, visibility, collaborator, share; the same of an album, as in album-share."""
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


def grants(
    history: Sequence[Recorded[Any]],
    albums: Histories,
    owners: Histories,
    *,
    now: datetime,
) -> list[Grant]:
    """Of an image that is there.

    `albums` are the histories of those it is in, `owners` those of the organizations that own it
    or them.
    """
    found = [*_of_image(history, owners, now)]
    for entered in _in_albums(history).values():
        album_id = entered.event.album_id
        found += _of_album(album_id, entered, albums.get(album_id, ()), owners, now)
    return found


def owner(history: Sequence[Recorded[Any]]) -> Recorded[Any]:
    """The event that says whose it is."""
    return (
        _last(history, image_events.UploadTransferred, image_events.UploadInitiated) or history[0]
    )


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
    taken_down = _last(history, image_events.TakenDown, image_events.Reinstated)
    if taken_down and isinstance(taken_down.event, image_events.TakenDown):
        return Closed(reason="taken down", because=[taken_down])
    return None


def _of_image(
    history: Sequence[Recorded[Any]], owners: Histories, now: datetime
) -> Iterator[Grant]:
    owned = owner(history)
    owner_id = getattr(owned.event, "to", None) or owned.event.owner_id
    if owner_id in owners:
        yield from _by_role("role", [owned], owners[owner_id], None)
    else:
        yield Grant(
            via="owner", account_id=owner_id, permissions=EVERYTHING, manages=True, because=[owned]
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
    album_id: AlbumId,
    entered: Recorded[Any],
    history: Sequence[Recorded[Any]],
    owners: Histories,
    now: datetime,
) -> Iterator[Grant]:
    if not history or _last(history, album.AlbumDeleted):
        return
    created = history[0]
    if created.event.team_id:
        reasons, team = [entered, created], owners.get(created.event.owner_id, ())
        for grant in _by_role("album-role", reasons, team, created.event.team_id):
            yield replace(grant, album_id=album_id, manages=False)
    else:
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


def _by_role(
    via: str,
    reasons: Sequence[Recorded[Any]],
    history: Sequence[Recorded[Any]],
    team_id: TeamId | None,
) -> Iterator[Grant]:
    """Each person's role, and the event that gave it."""
    state = fold(organization.evolve, history)
    for account_id, role in (state.roles(team_id) if state else {}).items():
        actions = BY_ROLE[role]
        yield Grant(
            via=via,
            account_id=account_id,
            permissions=frozenset(it for it in Permission if Action(it.value) in actions),
            manages=Action.MANAGE in actions,
            because=[*reasons, _gave(history, account_id)],
        )


def _gave(history: Sequence[Recorded[Any]], account_id: AccountId) -> Recorded[Any]:
    """The last event about somebody that a role can come of."""
    created = history[0]
    about = (it for it in reversed(history) if getattr(it.event, "account_id", None) == account_id)
    return next((it for it in about if isinstance(it.event, _GIVING)), created)


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
