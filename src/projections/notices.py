"""Notices: what people are told of what others did to what is theirs, each once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID, uuid5

import msgspec

from commands.mail import Letter, Occasion
from commands.ports import EventStore
from commands.surroundings import roles
from domain import account, image, image_events
from domain.ids import AccountId, to_text
from domain.stream import Event, Recorded, fold, tag

NAME = "notices"
_SPACE = UUID("5c1d0a57-52a9-4b5e-9d5e-3f1f6b6b1d0e")


class Kind(StrEnum):
    QUARANTINED = "quarantined"
    RELEASED = "released"
    TAKEN_DOWN = "taken_down"
    REINSTATED = "reinstated"


KINDS: Mapping[type[Event], Kind] = {
    image_events.ImageQuarantined: Kind.QUARANTINED,
    image_events.QuarantineReleased: Kind.RELEASED,
    image_events.TakenDown: Kind.TAKEN_DOWN,
    image_events.Reinstated: Kind.REINSTATED,
}
TOPICS = frozenset(map(tag, KINDS))
WORDS: Mapping[Kind, str] = {
    Kind.QUARANTINED: "A scan found something harmful in your image. Nobody sees it any more, until"
    " an administrator has looked at it.",
    Kind.RELEASED: "An administrator looked at your image and let it pass.",
    Kind.TAKEN_DOWN: "Your image was taken down. If you think that this is wrong, object: POST"
    " /v1/images/{id}/counter-notice with your statement.",
    Kind.REINSTATED: "Your image was taken down, and is there again.",
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
    """To whoever brought the image in, and whoever owns it."""
    state = fold(image.evolve, await store.load(recorded.stream_id))
    assert state is not None
    assert recorded.position is not None
    stewards = await roles(store, state.owner_id) if state.entrusted else (state.owner_id,)
    return [
        Notice(
            id=uuid5(_SPACE, f"{recorded.position}/{account_id.hex}"),
            account_id=account_id,
            kind=KINDS[type(recorded.event)],
            stream_id=recorded.stream_id,
            position=recorded.position,
            at=recorded.at,
        )
        for account_id in sorted({state.uploader_id, *stewards})
    ]


async def written(notice: Notice, recorded: Recorded[Any], store: EventStore) -> Letter | None:
    """The same by mail; None to who is no more. However often it is written, it is sent once."""
    state = fold(account.evolve, await store.load(notice.account_id))
    if state is None or state.erased:
        return None
    facts = {
        "image": to_text("img", notice.stream_id),
        "reason": reason([recorded], notice) or "",
    }
    occasion = Occasion(notice.kind.value)
    return Letter(id=notice.id, occasion=occasion, address=state.email, facts=facts)


def reason(history: Sequence[Recorded[Any]], notice: Notice) -> str | None:
    """As whoever did it gave it. What a scanner found is for administrators."""
    event = next((it.event for it in history if it.position == notice.position), None)
    return getattr(getattr(event, "personal", None), "reason", None)
