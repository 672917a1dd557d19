"""The reactor that tells webhooks: each in order, one event at a time, none waiting for another."""

import hashlib
import hmac
import math
import random
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.ports import Clock, EventStore
from commands.webhooks import State, load_webhook
from domain import webhook
from domain.catalogue import stream_of
from domain.ids import NOBODY, AccountId, WebhookId, to_text
from domain.stream import Recorded
from domain.webhook import Cause, Webhook
from projections.feed import Feed, Told, Wanted
from projections.notices import unwanted

PAGE = 200
STRETCH = 20
"""Events that one webhook is told before others have their turn."""
BEHIND = timedelta(seconds=1)
SLOW = 1_000
"""Milliseconds from which on an endpoint waits with the slow ones."""
IN_A_ROW = 5
"""Events given up, one behind the other, after which a webhook is disabled."""
UNBORN = timedelta(hours=1)
"""A webhook that was kept, and of which there is still no event, was never made."""
AT_ONCE = timedelta(0)
LONGEST_ASKED = 3_600
"""Seconds that an endpoint's Retry-After counts for, at most."""


Telling = Callable[[], Awaitable[None]]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request."""

    status: int | None = None
    reason: str = ""
    """Why there is no status."""
    body: str = ""
    """Its first bytes."""
    milliseconds: int = 0
    retry_after: int | None = None

    @property
    def good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Sender(Protocol):
    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Raises nothing: whatever an endpoint does is an answer. Follows no redirects."""
        ...


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    type: str
    status: int | None
    reason: str
    answer: str
    milliseconds: int

    @property
    def slow(self) -> bool:
        good = self.status is not None and 200 <= self.status < 300
        return not good or self.milliseconds >= SLOW


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that is ours for a while: nobody else tells it anything."""

    id: WebhookId
    account_id: AccountId
    made_at: datetime
    lease: UUID
    position: int
    attempts: int
    """Failed ones, of the event that is next."""
    failing_since: datetime | None
    abandoned: int
    secrets: tuple[bytes, ...]


class Queue(Protocol):
    """Webhooks with something to tell. Each method that takes a claim does nothing once it is lost;
    those that move it answer with the claim as it is now, or None."""

    async def claim(self, *, slow: bool) -> Claim | None:
        """The one that waits longest, of those that were slow last time, or of the others."""
        ...

    async def passed(self, claim: Claim, position: int) -> Claim | None:
        """Up to here there was nothing to tell."""
        ...

    async def settled(
        self, claim: Claim, attempt: Attempt, state: State, pause: timedelta
    ) -> Claim | None:
        """Noted; past it, unless it is to be tried again after the pause."""
        ...

    async def release(self, claim: Claim, pause: timedelta) -> None: ...

    async def disable(self, claim: Claim) -> None: ...

    async def forget(self, webhook_id: WebhookId) -> None: ...


class Seen(Protocol):
    async def told(
        self, caller: AccountId | None, page: Sequence[Recorded[Any]], wanted: Wanted
    ) -> Sequence[Told] | None:
        """As Judge.told."""
        ...


class Messenger:
    """Tells at least once: who dies between answer and note is followed by one who tells it again,
    with the same webhook-id. `patience` is how long an event is tried."""

    def __init__(
        self,
        queue: Queue,
        sender: Sender,
        feed: Feed,
        seen: Seen,
        *,
        store: EventStore,
        now: Clock,
        patience: timedelta,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311 - no secret
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._feed = feed
        self._seen = seen
        self._store = store
        self._now = now
        self._patience = patience
        self._jitter = jitter

    async def next(self, *, slow: bool) -> Telling | None:
        """One webhook's turn to be told what it has not been told. None if none waits."""
        claim = await self._queue.claim(slow=slow)
        return partial(self._turn, claim) if claim else None

    async def _turn(self, claim: Claim) -> None:
        state = await load_webhook(claim.id, store=self._store)
        if state is None and self._now() - claim.made_at < UNBORN:
            await self._queue.release(claim, UNBORN)
        elif state is None or state.deleted:
            await self._queue.forget(claim.id)
        else:
            await self._queue.release(*await self._tell(claim, state))

    async def _tell(self, claim: Claim, state: Webhook) -> tuple[Claim, timedelta]:
        """As much as is its turn. Returns the claim as it is then, and how long to let it be."""
        page = await self._feed.page(claim.position, PAGE)
        if not page:
            return claim, AT_ONCE
        shown = await self._seen.told(state.owner_id, page, Wanted(album=state.album_id))
        if shown is None:
            return claim, BEHIND
        meant = [told for told in shown if wanted(state.types, told.type)]
        places = {told.position for told in meant}
        news = [it for it in page if it.position in places]
        silenced = await unwanted(state.owner_id, news, self._store)
        due = [told for told in meant if told.position not in silenced]
        for told in due[:STRETCH]:
            after = await self._tried(claim, state, told)
            if after is None or after.position < told.position:
                return after or claim, AT_ONCE
            claim = after
        last = page[-1].position
        if len(due) <= STRETCH and last is not None and last > claim.position:
            claim = await self._queue.passed(claim, last) or claim
        return claim, AT_ONCE

    async def _tried(self, claim: Claim, state: Webhook, told: Told) -> Claim | None:
        body = message(told)
        headers = signed(claim, told, body, self._now())
        answered = await self._sender.post(state.url, headers, body)
        outcome, wait = self._judged(claim, answered)
        if outcome is State.DEAD:
            await self._note(claim, webhook.abandon, position=told.position)
        after = await self._queue.settled(claim, _attempt(told, answered), outcome, wait)
        cause = self._end(after, answered)
        if after and cause:
            await self._note(claim, webhook.disable, cause=cause)
            await self._queue.disable(claim)
            return None
        return after

    def _judged(self, claim: Claim, answered: Answered) -> tuple[State, timedelta]:
        if answered.good:
            return State.DELIVERED, AT_ONCE
        wait = pause(claim.attempts, self._patience) * self._jitter()
        if answered.retry_after:
            wait = max(wait, timedelta(seconds=min(answered.retry_after, LONGEST_ASKED)))
        since = claim.failing_since or self._now()
        over = self._now() + wait > since + self._patience
        return (State.DEAD, AT_ONCE) if over else (State.RETRYING, wait)

    def _end(self, claim: Claim | None, answered: Answered) -> Cause | None:
        if answered.status == 410:
            return Cause.GONE
        return Cause.FAILING if claim and claim.abandoned >= IN_A_ROW else None

    async def _note(self, claim: Claim, decide: Callable[..., Any], **facts: Any) -> None:
        stream = Stream(claim.id, webhook.evolve)
        await execute(self._store, stream, lambda state: decide(state, **facts), by=NOBODY)


def wanted(types: Sequence[str], type: str) -> bool:
    """Webhooks tell nothing of webhooks: one that fails would have ever more to tell."""
    stream = stream_of(type)
    return stream != "webhook" and (not types or type in types or stream in types)


def pause(attempts: int, patience: timedelta) -> timedelta:
    """Before the next one: with a day's patience 5 s, 15 s, 45 s ... up to 3 h, 15 in all."""
    return min(patience / 17_280 * math.pow(3, min(attempts, 20)), patience / 8)


def message(told: Told) -> bytes:
    """A payload as Standard Webhooks wants it: `data` is the event as the feed tells it."""
    return msgspec.json.encode({"type": told.type, "timestamp": told.at, "data": told})


def signed(claim: Claim, told: Told, body: bytes, now: datetime) -> dict[str, str]:
    """Standard Webhooks, symmetric: a signature for each secret that holds."""
    id = f"msg_{to_text('whk', claim.id).removeprefix('whk_')}_{told.position}"
    at = str(int(now.timestamp()))
    content = f"{id}.{at}.".encode() + body
    digests = [hmac.digest(secret, content, hashlib.sha256) for secret in claim.secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{b64encode(it).decode()}" for it in digests),
    }


def _attempt(told: Told, answered: Answered) -> Attempt:
    return Attempt(
        position=told.position,
        type=told.type,
        status=answered.status,
        reason=answered.reason,
        answer=answered.body,
        milliseconds=answered.milliseconds,
    )
