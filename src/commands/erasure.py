"""Destroying for good: one image, or everything of an account."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute, execute_together
from commands.oidc import linked_name
from commands.ports import (
    Clock,
    EventStore,
    Hasher,
    Receipt,
    SetQuota,
    StreamMoved,
)
from commands.proving import Claimant, Prover
from commands.surroundings import around
from commands.uploads import charge
from domain import account, album, claim, image, membership, organization, placing, purging
from domain.account import Account
from domain.ids import NOBODY, AccountId, AlbumId, ImageId
from domain.image_events import Cause, ImageEvent, ImageFinalized
from domain.stream import Event, fold


class Kind(StrEnum):
    IMAGE = "image"
    ACCOUNT = "account"
    ALBUM = "album"
    ORGANIZATION = "organization"
    REPORT = "report"


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be destroyed, and how far that is. It names ids only, so it can stay for ever."""

    subject: UUID
    kind: Kind
    receipt_id: UUID
    owner_id: AccountId
    position: int
    """Of the event that ordered it."""
    requested_at: datetime
    removed: dict[str, int] = {}
    """How many things, by place; a place that is not named was not cleared yet."""
    completed_at: datetime | None = None
    again: bool = False
    """Every place was clear once, and is looked at anew."""


class Erasures(Protocol):
    async def open(self, erasure: Erasure) -> None:
        """Put it on the list, if it is not there. The log is the truth, and asked later too."""
        ...

    async def find(self, receipt_id: UUID) -> Erasure | None: ...


class Owned(Protocol):
    async def owned(self, account_id: AccountId) -> int:
        """How many organizations somebody owns, as far as the read model knows."""
        ...


class PurgeImage(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    image_id: ImageId
    request: UUID
    """The same where a repeated request must find what it did."""


class EraseAccount(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    password: str
    client: str = ""


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    receipt_id: UUID
    receipt: Receipt


async def purge_image(
    command: PurgeImage, *, store: EventStore, hasher: Hasher, erasures: Erasures, now: Clock
) -> Ordered:
    known = await around(store, command.image_id, command.by)
    asked = partial(purging.purge, by=command.by, request=command.request, now=now())

    def decide(state: image.Image | None) -> list[ImageEvent]:
        return asked(placing.amid(state, known))

    receipt = await purge(command.image_id, decide, by=command.by, store=store, hasher=hasher)
    state = fold(image.evolve, await store.load(command.image_id))
    assert state is not None
    owner_id = state.owner_id
    erasure = await order(Kind.IMAGE, command.image_id, owner_id, store=store, hasher=hasher)
    await erasures.open(erasure)
    return Ordered(receipt_id=erasure.receipt_id, receipt=receipt)


async def purge(
    image_id: ImageId,
    decide: Callable[[image.Image | None], list[ImageEvent]],
    *,
    by: AccountId,
    store: EventStore,
    hasher: Hasher,
) -> Receipt:
    """Decide upon an image's end; with it goes its claim on its bytes, and its room is free."""
    streams: list[Stream[Any]] = [Stream(image_id, image.evolve)]
    for recorded in await store.load(image_id):
        if isinstance(recorded.event, ImageFinalized) and (content := recorded.event.personal):
            held = hasher.claim_id("bytes", f"{recorded.by.hex}/{content.checksum}")
            streams.append(Stream(held, claim.evolve))

    def decided(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        events = decide(states[0])
        kept = [claim.give_back(it, image_id=image_id) if events else [] for it in states[1:]]
        return [events, *kept]

    return await execute_together(store, streams, decided, by=by, guards=charge)


async def erase_account(
    command: EraseAccount,
    *,
    store: EventStore,
    hasher: Hasher,
    prover: Prover,
    erasures: Erasures,
    owned: Owned,
) -> Ordered:
    """Its names are free at once, so nobody can sign in; the rest goes in the background."""
    by = command.by
    who = Claimant(account_id=by, subject=by, client=command.client)
    await prover.by_password(who, command.password)
    erase = partial(account.erase, owned=await owned.owned(by))
    receipt = await _end_account(by, erase, by=by, store=store, hasher=hasher)
    erasure = await order(Kind.ACCOUNT, by, by, store=store, hasher=hasher)
    await erasures.open(erasure)
    return Ordered(receipt_id=erasure.receipt_id, receipt=receipt)


async def erase_image_again(subject: UUID, *, store: EventStore, hasher: Hasher) -> None:
    """For a log that is older than the purge; where it is not, nothing happens."""
    decide = partial(purging.erase, cause=Cause.ERASURE)
    await purge(ImageId(subject), decide, by=NOBODY, store=store, hasher=hasher)


async def erase_album_again(subject: UUID, *, store: EventStore, hasher: Hasher) -> None:
    """The same for an album."""
    await erase_album(AlbumId(subject), store=store)


async def erase_album(album_id: AlbumId, *, store: EventStore) -> Receipt:
    """With its owner, whoever that was."""
    return await execute(store, Stream(album_id, album.evolve), album.erase, by=NOBODY)


async def erase_organization_again(subject: UUID, *, store: EventStore, hasher: Hasher) -> None:
    """The same for an organization."""
    no_room = SetQuota(account_id=AccountId(subject), quota_bytes=0)
    await execute(
        store,
        Stream(subject, organization.evolve),
        membership.delete_again,
        by=NOBODY,
        guards=lambda before, after: (no_room,),
    )


async def depart(organization_id: UUID, account_id: AccountId, *, store: EventStore) -> Receipt:
    """Whose account is erased leaves every organization."""
    decide = partial(membership.depart, account_id=account_id)
    return await execute(store, Stream(organization_id, organization.evolve), decide, by=NOBODY)


async def erase_account_again(subject: UUID, *, store: EventStore, hasher: Hasher) -> None:
    """The same for an account."""
    again = account.erase_again
    await _end_account(AccountId(subject), again, by=NOBODY, store=store, hasher=hasher)


async def _end_account(
    account_id: AccountId,
    end: Callable[[Account | None], Sequence[Event]],
    *,
    by: AccountId,
    store: EventStore,
    hasher: Hasher,
) -> Receipt:
    """Its end, the release of its names, and no more room for uploads: together."""
    seen = fold(account.evolve, await store.load(account_id))
    names = _names(seen) if seen and not seen.erased else []

    def decide(states: Sequence[Any]) -> Sequence[Sequence[Event]]:
        before, *claims = states
        if before != seen:
            raise StreamMoved
        return [end(before), *(claim.release(it, by=account_id) for it in claims)]

    claims = [Stream(hasher.claim_id(kind, name), claim.evolve) for kind, name in names]
    streams: list[Stream[Any]] = [Stream(account_id, account.evolve), *claims]
    no_room = SetQuota(account_id=account_id, quota_bytes=0)
    return await execute_together(
        store, streams, decide, by=by, guards=lambda before, after: (no_room,)
    )


def _names(state: Account) -> Sequence[tuple[str, str]]:
    """Everything that it claims, by kind."""
    linked = [("oidc", linked_name(it.issuer, it.subject)) for it in state.linked]
    return [("email", state.email), ("username", state.username), *linked]


async def order(
    kind: Kind, subject: UUID, owner_id: AccountId, *, store: EventStore, hasher: Hasher
) -> Erasure:
    """As the last event of the stream has it."""
    order = (await store.load(subject))[-1]
    assert order.position is not None
    return Erasure(
        subject=subject,
        kind=kind,
        receipt_id=receipt_id(subject, hasher),
        owner_id=owner_id,
        position=order.position,
        requested_at=order.at,
    )


def receipt_id(subject: UUID, hasher: Hasher) -> UUID:
    """Unguessable, and the same each time: whoever was given it may look, without a login."""
    return hasher.claim_id("receipt", subject.hex)
