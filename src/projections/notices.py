"""Notices: what people are told of what others did to what is theirs, each once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID, uuid5

import msgspec

from commands.blocklist import BY_BLOCKLIST
from commands.mail import Letter, Occasion
from commands.ports import EventStore
from commands.reports import BY_REPORT
from commands.surroundings import roles
from domain import account, image, image_events
from domain.account import Account
from domain.account_marks import QuotaThresholdReached
from domain.album import AlbumLent
from domain.ids import AccountId, to_text
from domain.stream import Event, Recorded, fold, tag

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


KINDS: Mapping[type[Event], Kind] = {
    image_events.ImageQuarantined: Kind.QUARANTINED,
    image_events.QuarantineReleased: Kind.RELEASED,
    image_events.TakenDown: Kind.TAKEN_DOWN,
    image_events.Reinstated: Kind.REINSTATED,
    image_events.CollaboratorAdded: Kind.SHARED,
    image_events.ShareLinkCreated: Kind.SHARED,
    AlbumLent: Kind.SHARED,
    QuotaThresholdReached: Kind.QUOTA,
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
    Kind.QUOTA: "So many per cent of your storage are in use.",
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


class Notices(Protocol):
    """The read port."""

    async def of(
        self, account_id: AccountId, *, unread: bool, before: int | None, page: int, limit: int
    ) -> tuple[Sequence[Notice], int]:
        """The newest first, those `before` a position; and how many are unread in all."""
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
        case QuotaThresholdReached():
            return {AccountId(recorded.stream_id)}
    return await _owners(recorded.stream_id, store)


async def _owners(image_id: UUID, store: EventStore) -> set[AccountId]:
    """Whoever brought the image in, and whoever owns it."""
    state = fold(image.evolve, await store.load(image_id))
    assert state is not None
    stewards = await roles(store, state.owner_id) if state.entrusted else (state.owner_id,)
    return {state.uploader_id, *stewards}


async def written(
    notice: Notice, recorded: Recorded[Any], to: Account, store: EventStore
) -> Letter:
    """The same by mail. However often it is written, it is sent once."""
    facts = {
        "image": to_text("img", notice.stream_id),
        "reason": reason(recorded.event) or "",
    }
    if notice.kind is Kind.SHARED:
        giver = await reader(AccountId(recorded.by), store)
        thing = "an album" if isinstance(recorded.event, AlbumLent) else "an image"
        facts = {"somebody": giver.username if giver else "somebody", "thing": thing}
    if notice.kind is Kind.QUOTA:
        facts = {"percent": str(recorded.event.percent)}
    occasion = Occasion(notice.kind.value)
    return Letter(id=notice.id, occasion=occasion, address=to.email, facts=facts)


def wanted(notice: Notice, by: Account) -> bool:
    """Whether its reader did not say no to its kind."""
    return account.wants(by, notice.kind.value, "app")


async def reader(account_id: AccountId, store: EventStore) -> Account | None:
    """None of who is no more."""
    state = fold(account.evolve, await store.load(account_id))
    return None if state is None or state.erased else state


def reason(event: Event | None) -> str | None:
    """As whoever did it gave it; or what was found."""
    if isinstance(event, image_events.ImageQuarantined):
        return _FOUND.get(event.scanner, f"{event.scanner} found {event.finding}")
    return getattr(getattr(event, "personal", None), "reason", None)
