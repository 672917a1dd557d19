"""Notices: what people are told of what others did to what is theirs, each once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID, uuid5

import msgspec

from commands.blocklist import BY_BLOCKLIST
from commands.ports import EventStore
from commands.reports import BY_REPORT
from commands.surroundings import roles
from domain import account, image, image_events
from domain.account import Account
from domain.account_marks import NewDeviceSeen, QuotaThresholdReached
from domain.album import AlbumLent
from domain.ids import AccountId
from domain.organization import MemberInvited, RoomRanShort
from domain.stream import Event, Recorded, fold, tag
from domain.webhook import DeliveryAbandoned, WebhookDisabled

NAME = "notices"
_SPACE = UUID("5c1d0a57-52a9-4b5e-9d5e-3f1f6b6b1d0e")


class Kind(StrEnum):
    QUARANTINED = "quarantined"
    RELEASED = "released"
    TAKEN_DOWN = "taken_down"
    REINSTATED = "reinstated"
    SHARED = "shared"
    """An image or an album, with its reader."""
    QUOTA = "quota"
    """So much of it is used."""
    PROCESSING_FAILED = "processing_failed"
    INVITATION = "invitation"
    """To an organization."""
    SIGN_IN = "sign_in"
    """From somewhere new."""
    WEBHOOK = "webhook"
    """An event that it could not be told, or that it is told nothing any more."""


KINDS: Mapping[type[Event], Kind] = {
    image_events.ImageQuarantined: Kind.QUARANTINED,
    image_events.QuarantineReleased: Kind.RELEASED,
    image_events.TakenDown: Kind.TAKEN_DOWN,
    image_events.Reinstated: Kind.REINSTATED,
    image_events.ProcessingFailed: Kind.PROCESSING_FAILED,
    image_events.CollaboratorAdded: Kind.SHARED,
    image_events.ShareLinkCreated: Kind.SHARED,
    AlbumLent: Kind.SHARED,
    MemberInvited: Kind.INVITATION,
    NewDeviceSeen: Kind.SIGN_IN,
    QuotaThresholdReached: Kind.QUOTA,
    RoomRanShort: Kind.QUOTA,
    DeliveryAbandoned: Kind.WEBHOOK,
    WebhookDisabled: Kind.WEBHOOK,
}
TOPICS = frozenset(map(tag, KINDS))
WORDS: Mapping[Kind, str] = {
    Kind.QUARANTINED: "Your image is in quarantine. Nobody sees it any more, until an administrator"
    " has looked at it; you can delete it.",
    Kind.RELEASED: "An administrator looked at your image and let it pass.",
    Kind.TAKEN_DOWN: "Your image was taken down. If you think that this is wrong, object: POST"
    " /v1/images/{id}/counter-notice with your statement.",
    Kind.REINSTATED: "Your image was taken down, and is there again.",
    Kind.SHARED: "Somebody shared something with you.",
    Kind.QUOTA: "So many per cent of your storage, or your organization's, are in use.",
    Kind.PROCESSING_FAILED: "No rendering of your image could be made. The original is kept.",
    Kind.INVITATION: "You are invited to an organization: accept or decline, POST"
    " /v1/invitations/{id}/accept or DELETE /v1/invitations/{id}.",
    Kind.SIGN_IN: "Somebody signed in to your account from somewhere new. If it was not you, choose"
    " another password: all sessions end with it.",
    Kind.WEBHOOK: "Your webhook could not be told of an event, or was disabled: see GET"
    " /v1/webhooks/{id}/deliveries, and go on with POST /v1/webhooks/{id}/redeliver.",
}


_FOUND = {
    BY_BLOCKLIST: "it looks like a picture that must not be here",
    BY_REPORT: "somebody reported it",
}


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """It names an event; what people wrote is read from there, for as long as it is there."""

    id: UUID
    account_id: AccountId
    kind: Kind
    stream_id: UUID
    position: int
    at: datetime
    read_at: datetime | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A page of one's notices."""

    notices: Sequence[Notice]
    more: bool
    total: int
    """Of those that were asked for."""
    unread: int


class Notices(Protocol):
    """The read port."""

    async def of(
        self, account_id: AccountId, *, unread: bool, before: int | None, page: int, limit: int
    ) -> Board:
        """The newest first, those `before` a position."""
        ...

    async def read(self, account_id: AccountId, id: UUID, now: datetime) -> datetime | None:
        """When it was first read. None if the account has no such notice."""
        ...


async def told(recorded: Recorded[Any], store: EventStore) -> list[Notice]:
    """Of one event, to each whom it concerns; whoever did it knows."""
    assert recorded.position is not None
    return [
        Notice(
            id=uuid5(_SPACE, f"{recorded.position}/{account_id.hex}"),
            account_id=account_id,
            kind=KINDS[type(recorded.event)],
            stream_id=recorded.stream_id,
            position=recorded.position,
            at=recorded.at,
        )
        for account_id in sorted(await _concerned(recorded, store) - {recorded.by})
    ]


async def _concerned(recorded: Recorded[Any], store: EventStore) -> set[AccountId]:
    match recorded.event:
        case image_events.CollaboratorAdded(account_id=somebody) | AlbumLent(account_id=somebody):
            return {somebody}
        case image_events.ShareLinkCreated(shared_with=somebody):
            return {somebody} if somebody else set()
        case MemberInvited(account_id=somebody):
            return {somebody} if somebody else set()
        case RoomRanShort():
            return set(await roles(store, AccountId(recorded.stream_id)))
        case NewDeviceSeen() | QuotaThresholdReached():
            return {AccountId(recorded.stream_id)}
        case DeliveryAbandoned(owner_id=owner) | WebhookDisabled(owner_id=owner):
            return {owner}
    return await _owners(recorded.stream_id, store)


async def _owners(image_id: UUID, store: EventStore) -> set[AccountId]:
    """Whoever brought the image in, and whoever owns it."""
    state = fold(image.evolve, await store.load(image_id))
    assert state is not None
    stewards = await roles(store, state.owner_id) if state.entrusted else (state.owner_id,)
    return {state.uploader_id, *stewards}


def wanted(notice: Notice, by: Account) -> bool:
    """In the list, unless its reader said no to its kind there."""
    return account.wants(by, notice.kind.value, "app")


async def unwanted(
    account_id: AccountId, events: Sequence[Recorded[Any]], store: EventStore
) -> set[int]:
    """Positions of those that the account would be told of, but not by webhooks, as it said.

    What it did itself, or hears of for another reason, is none of them.
    """
    news = [it for it in events if type(it.event) in KINDS]
    listener = await reader(account_id, store) if news else None
    if listener is None or not listener.notify:
        return set()
    silent = [it for it in news if not account.wants(listener, KINDS[type(it.event)], "webhook")]
    return {
        notice.position
        for it in silent
        for notice in await told(it, store)
        if notice.account_id == account_id
    }


async def reader(account_id: AccountId, store: EventStore) -> Account | None:
    """None of who is no more."""
    state = fold(account.evolve, await store.load(account_id))
    return None if state is None or state.erased else state


def reason(event: Event | None) -> str | None:
    """As whoever did it gave it; or what was found, or stood in the way."""
    if isinstance(event, image_events.ProcessingFailed):
        return event.code
    if isinstance(event, image_events.ImageQuarantined):
        return _FOUND.get(event.scanner, f"{event.scanner} found {event.finding}")
    return getattr(getattr(event, "personal", None), "reason", None)
