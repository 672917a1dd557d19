"""A webhook: where an account wants to be told of events. Its secret is no fact, and not here."""

from enum import StrEnum
from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.ids import AccountId, AlbumId
from domain.refusals import Conflict, NotFound
from domain.stream import Event, Personal

MOST = 20
"""Of one account."""


class Cause(StrEnum):
    GONE = "gone"
    """It said so itself: 410."""
    FAILING = "failing"
    """So many events in a row had to be given up."""


# Events


class Endpoint(Personal, frozen=True, kw_only=True):
    """A URL may hold names and tokens."""

    url: str
    description: str = ""


class WebhookCreated(Event, frozen=True, kw_only=True, tag="webhook.created"):
    owner_id: AccountId
    types: tuple[str, ...] = ()
    """Whole types, or streams; all where there is none."""
    album_id: AlbumId | None = None
    personal: Endpoint | None


class SecretRotated(Event, frozen=True, kw_only=True, tag="webhook.secret-rotated"):
    request: UUID


class TurnedBack(Event, frozen=True, kw_only=True, tag="webhook.turned-back"):
    """Everything behind this position is to be delivered, again where it was before."""

    after: int
    request: UUID


class DeliveryAbandoned(Event, frozen=True, kw_only=True, tag="webhook.delivery-abandoned"):
    """After a day of tries the event at `position` became a dead letter."""

    owner_id: AccountId
    position: int


class WebhookDisabled(Event, frozen=True, kw_only=True, tag="webhook.disabled"):
    """Nothing is delivered until its owner rewinds it."""

    owner_id: AccountId
    cause: Cause


class WebhookDeleted(Event, frozen=True, kw_only=True, tag="webhook.deleted"):
    """For good; the stream's key is destroyed because of this."""


WebhookEvent: TypeAlias = (
    WebhookCreated
    | SecretRotated
    | TurnedBack
    | DeliveryAbandoned
    | WebhookDisabled
    | WebhookDeleted
)

# State


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    owner_id: AccountId
    url: str
    description: str
    types: tuple[str, ...]
    album_id: AlbumId | None
    rotation: UUID | None = None
    rewinding: UUID | None = None
    """The requests that asked for it last."""
    abandoned: int | None = None
    disabled: Cause | None = None
    deleted: bool = False


def evolve(webhook: Webhook | None, event: WebhookEvent) -> Webhook:
    if isinstance(event, WebhookCreated):
        return Webhook(
            owner_id=event.owner_id,
            url=event.personal.url if event.personal else "",
            description=event.personal.description if event.personal else "",
            types=event.types,
            album_id=event.album_id,
        )
    assert webhook is not None, "a webhook stream opens with WebhookCreated"
    match event:
        case SecretRotated(request=request):
            return replace(webhook, rotation=request)
        case TurnedBack(request=request):
            return replace(webhook, rewinding=request, disabled=None, abandoned=None)
        case DeliveryAbandoned(position=position):
            return replace(webhook, abandoned=position)
        case WebhookDisabled(cause=cause):
            return replace(webhook, disabled=cause)
        case WebhookDeleted():
            return replace(webhook, url="", description="", deleted=True)
        case _:
            assert_never(event)


# Decisions


def create(
    webhook: Webhook | None,
    *,
    by: AccountId,
    endpoint: Endpoint,
    types: tuple[str, ...],
    album_id: AlbumId | None,
) -> list[WebhookEvent]:
    if webhook is not None:
        if webhook.deleted or webhook.owner_id != by:
            raise Conflict
        return []
    created = WebhookCreated(owner_id=by, types=types, album_id=album_id, personal=endpoint)
    return [created]


def rotate(webhook: Webhook | None, *, by: AccountId, request: UUID) -> list[WebhookEvent]:
    webhook = owned(webhook, by=by)
    return [] if webhook.rotation == request else [SecretRotated(request=request)]


def rewind(
    webhook: Webhook | None, *, by: AccountId, after: int, request: UUID
) -> list[WebhookEvent]:
    webhook = owned(webhook, by=by)
    turned = TurnedBack(after=after, request=request)
    return [] if webhook.rewinding == request else [turned]


def abandon(webhook: Webhook | None, *, position: int) -> list[WebhookEvent]:
    if webhook is None or webhook.deleted or webhook.abandoned == position:
        return []
    return [DeliveryAbandoned(owner_id=webhook.owner_id, position=position)]


def disable(webhook: Webhook | None, *, cause: Cause) -> list[WebhookEvent]:
    if webhook is None or webhook.deleted or webhook.disabled:
        return []
    return [WebhookDisabled(owner_id=webhook.owner_id, cause=cause)]


def delete(webhook: Webhook | None, *, by: AccountId) -> list[WebhookEvent]:
    owned(webhook, by=by)
    return [WebhookDeleted()]


def end(webhook: Webhook | None) -> list[WebhookEvent]:
    """With its owner."""
    return [] if webhook is None or webhook.deleted else [WebhookDeleted()]


def owned(webhook: Webhook | None, *, by: AccountId) -> Webhook:
    """What one may know of it. Raises NotFound."""
    if webhook is None or webhook.deleted or webhook.owner_id != by:
        raise NotFound
    return webhook
