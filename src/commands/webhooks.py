"""Webhooks: made, listed, turned back, given new secrets, and ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import EventStore, Receipt
from domain import webhook
from domain.ids import NOBODY, AccountId, AlbumId, WebhookId
from domain.refusals import Conflict
from domain.stream import fold
from domain.webhook import Endpoint, Webhook


class State(StrEnum):
    DELIVERED = "delivered"
    RETRYING = "retrying"
    DEAD = "dead"


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How far a webhook is."""

    id: WebhookId
    account_id: AccountId
    position: int
    made_at: datetime
    attempts: int
    failing_since: datetime | None
    next_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event."""

    number: int
    position: int
    type: str
    state: State
    attempts: int
    status: int | None
    """As it was answered last; None where it was not."""
    reason: str
    answer: str
    """Its first bytes."""
    milliseconds: int
    first_at: datetime
    last_at: datetime


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What is untold of all webhooks that are to be told something."""

    webhooks: int
    position: int
    """Of the one that is furthest behind."""
    dead: int
    """Events given up, as far as they are remembered."""


class Webhooks(Protocol):
    """What is kept of webhooks beside the log."""

    async def keep(self, account_id: AccountId, webhook_id: WebhookId) -> None:
        """With a new secret, to go on behind what the log holds now; nothing if it is there."""
        ...

    async def secret(self, webhook_id: WebhookId) -> str: ...

    async def rotate(self, webhook_id: WebhookId, request: UUID) -> None:
        """A new secret, once for each request; the former one signs too for a day."""
        ...

    async def rewind(self, webhook_id: WebhookId, after: int) -> None:
        """Go on behind this position, at once."""
        ...

    async def of(self, account_id: AccountId) -> Mapping[WebhookId, Reached]: ...

    async def deliveries(
        self, webhook_id: WebhookId, *, before: int | None, skip: int = 0, limit: int
    ) -> Sequence[Delivery]:
        """Newest first, of the last thousand; `before` is the number of one of them."""
        ...

    async def kept(self, webhook_id: WebhookId) -> int:
        """How many deliveries there are to look at."""
        ...

    async def backlog(self) -> Backlog: ...

    async def forget(self, webhook_id: WebhookId) -> None:
        """Everything, and the key of its stream."""
        ...


class CreateWebhook(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    webhook_id: WebhookId
    endpoint: Endpoint
    types: tuple[str, ...]
    album_id: AlbumId | None


class RotateSecret(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    webhook_id: WebhookId
    request: UUID


class Redeliver(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    webhook_id: WebhookId
    position: int
    request: UUID


class DeleteWebhook(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    webhook_id: WebhookId


class Made(msgspec.Struct, frozen=True, kw_only=True):
    webhook: Webhook
    secret: str
    receipt: Receipt


async def create_webhook(command: CreateWebhook, *, store: EventStore, webhooks: Webhooks) -> Made:
    """Kept first: whatever an account has in the log can be found, and erased with it."""
    id, known = command.webhook_id, await webhooks.of(command.by)
    if id not in known and len(known) >= webhook.MOST:
        raise Conflict(reason="the account has as many webhooks as it may", limit=webhook.MOST)
    await webhooks.keep(command.by, id)
    decide = partial(
        webhook.create,
        by=command.by,
        endpoint=command.endpoint,
        types=command.types,
        album_id=command.album_id,
    )
    receipt = await execute(store, _stream(id), decide, by=command.by)
    return await _made(id, receipt, store, webhooks)


async def rotate_secret(command: RotateSecret, *, store: EventStore, webhooks: Webhooks) -> Made:
    id = command.webhook_id
    decide = partial(webhook.rotate, by=command.by, request=command.request)
    receipt = await execute(store, _stream(id), decide, by=command.by)
    await webhooks.rotate(id, command.request)
    return await _made(id, receipt, store, webhooks)


async def redeliver(command: Redeliver, *, store: EventStore, webhooks: Webhooks) -> Receipt:
    id = command.webhook_id
    decide = partial(
        webhook.rewind, by=command.by, after=command.position - 1, request=command.request
    )
    receipt = await execute(store, _stream(id), decide, by=command.by)
    await webhooks.rewind(id, command.position - 1)
    return receipt


async def delete_webhook(
    command: DeleteWebhook, *, store: EventStore, webhooks: Webhooks
) -> Receipt:
    decide = partial(webhook.delete, by=command.by)
    receipt = await execute(store, _stream(command.webhook_id), decide, by=command.by)
    await webhooks.forget(command.webhook_id)
    return receipt


async def end_webhook(webhook_id: WebhookId, *, store: EventStore, webhooks: Webhooks) -> None:
    """With its owner's account."""
    await execute(store, _stream(webhook_id), webhook.end, by=NOBODY)
    await webhooks.forget(webhook_id)


async def load_webhook(webhook_id: WebhookId, *, store: EventStore) -> Webhook | None:
    return fold(webhook.evolve, await store.load(webhook_id))


async def _made(id: WebhookId, receipt: Receipt, store: EventStore, webhooks: Webhooks) -> Made:
    state = await load_webhook(id, store=store)
    assert state is not None
    return Made(webhook=state, secret=await webhooks.secret(id), receipt=receipt)


def _stream(webhook_id: WebhookId) -> Stream[Webhook]:
    return Stream(webhook_id, webhook.evolve)
