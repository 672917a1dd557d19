"""What can be done with an album, and with the images in it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial, reduce
from typing import Any

import msgspec
from msgspec.structs import replace

from commands.execute import Stream, execute, execute_together
from commands.ports import Clock, EventStore, Receipt
from commands.share_links import SharePasswords
from commands.surroundings import execute_amid, execute_on_album, place, roles
from domain import album, image, placing
from domain.access import Permission, Visibility
from domain.album import Album, AlbumEvent, AlbumText
from domain.ids import AccountId, AlbumId, ImageId, OrganizationId, ShareId, TeamId
from domain.stream import Event, fold


class CreateAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    text: AlbumText
    visibility: Visibility
    parent_id: AlbumId | None = None
    organization_id: OrganizationId | None = None
    team_id: TeamId | None = None
    """One of the organization's, whose it will be."""


class ChangeAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    text: AlbumText = AlbumText()
    visibility: Visibility | None = None
    cover_id: ImageId | None = None
    cover: bool = False
    """Whether `cover_id` is meant; None chooses none."""
    expected: frozenset[int] | None = None


class ArrangeAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    image_ids: tuple[ImageId, ...]


class DeleteAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    expected: frozenset[int] | None = None


class ShareAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    share_id: ShareId
    permissions: frozenset[Permission]
    expires_in: timedelta
    password: str | None = None


class SharedAlbum(msgspec.Struct, frozen=True, kw_only=True):
    expires_at: datetime
    receipt: Receipt


class RevokeAlbumShare(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    share_id: ShareId


class LendAlbum(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    account_id: AccountId
    permissions: frozenset[Permission]


class TakeAlbumBack(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    album_id: AlbumId
    account_id: AccountId


class PlaceImage(msgspec.Struct, frozen=True, kw_only=True):
    """Put an image into an album, or take it out."""

    by: AccountId
    album_id: AlbumId
    image_id: ImageId
    out: bool = False


async def create_album(command: CreateAlbum, *, store: EventStore, now: Clock) -> Receipt:
    owner = command.organization_id
    decide = partial(
        album.create,
        by=command.by,
        text=command.text,
        visibility=command.visibility,
        parent_id=command.parent_id,
        team_id=command.team_id,
        organization_id=owner,
        roles=await roles(store, owner, command.team_id) if owner else {},
        now=now(),
    )
    if command.parent_id is None:
        alone = partial(decide, parent=None)
        return await execute(store, _stream(command.album_id), alone, by=command.by)
    streams: list[Stream[Any]] = [_stream(command.album_id), _stream(command.parent_id)]
    known = await place(store, command.parent_id)
    team = known.album.roles if known and known.album else {}

    def nested(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        parent = replace(states[1], roles=team) if states[1] else None
        return [decide(states[0], parent=parent), []]

    return await execute_together(store, streams, nested, by=command.by)


async def change_album(command: ChangeAlbum, *, store: EventStore, now: Clock) -> Receipt:
    inside = command.cover_id is not None and await _inside(store, command)
    decide = partial(_changes, command=command, inside=inside, now=now())
    return await execute_on_album(
        store, command.album_id, decide, by=command.by, expected=command.expected
    )


async def arrange_album(command: ArrangeAlbum, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(album.arrange, by=command.by, image_ids=command.image_ids, now=now())
    return await execute_on_album(store, command.album_id, decide, by=command.by)


async def delete_album(command: DeleteAlbum, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(album.delete, by=command.by, now=now())
    return await execute_on_album(
        store, command.album_id, decide, by=command.by, expected=command.expected
    )


async def share_album(
    command: ShareAlbum, *, store: EventStore, now: Clock, passwords: SharePasswords
) -> SharedAlbum:
    expires_at = now() + command.expires_in
    decide = partial(
        album.share,
        by=command.by,
        share_id=command.share_id,
        permissions=command.permissions,
        expires_at=expires_at,
        has_password=command.password is not None,
        now=now(),
    )
    receipt = await execute_on_album(store, command.album_id, decide, by=command.by)
    if command.password is not None:
        await passwords.keep(command.share_id, command.album_id, command.password)
    state = fold(album.evolve, await store.load(command.album_id))
    assert state is not None
    return SharedAlbum(expires_at=state.shares[command.share_id].expires_at, receipt=receipt)


async def revoke_album_share(
    command: RevokeAlbumShare, *, store: EventStore, now: Clock, passwords: SharePasswords
) -> Receipt:
    decide = partial(album.revoke_share, by=command.by, share_id=command.share_id, now=now())
    receipt = await execute_on_album(store, command.album_id, decide, by=command.by)
    await passwords.forget(command.share_id)
    return receipt


async def lend_album(command: LendAlbum, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(
        album.lend,
        by=command.by,
        account_id=command.account_id,
        permissions=command.permissions,
        now=now(),
    )
    return await execute_on_album(store, command.album_id, decide, by=command.by)


async def take_album_back(command: TakeAlbumBack, *, store: EventStore, now: Clock) -> Receipt:
    decide = partial(album.take_back, by=command.by, account_id=command.account_id, now=now())
    return await execute_on_album(store, command.album_id, decide, by=command.by)


async def place_image(command: PlaceImage, *, store: EventStore, now: Clock) -> Receipt:
    known = await place(store, command.album_id)
    decision: Callable[..., Any] = placing.take_out if command.out else placing.put
    decide = partial(
        decision,
        by=command.by,
        album_id=command.album_id,
        album=known.album if known else None,
        now=now(),
    )
    return await execute_amid(store, command.image_id, decide, by=command.by)


def _stream(album_id: AlbumId) -> Stream[Album]:
    return Stream(album_id, album.evolve)


async def _inside(store: EventStore, command: ChangeAlbum) -> bool:
    assert command.cover_id is not None
    state = fold(image.evolve, await store.load(command.cover_id))
    return state is not None and state.live and command.album_id in state.album_ids


def _changes(
    state: Album | None, *, command: ChangeAlbum, inside: bool, now: datetime
) -> Sequence[AlbumEvent]:
    """Every decision of one request, each on what the ones before lead to."""
    by, events = command.by, album.describe(state, by=command.by, text=command.text, now=now)
    if command.visibility is not None:
        events += album.change_visibility(state, by=by, to=command.visibility, now=now)
    if command.cover:
        state = reduce(album.evolve, events, state)
        cover = command.cover_id
        events += album.choose_cover(state, by=by, image_id=cover, inside=inside, now=now)
    return events
