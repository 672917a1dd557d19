"""The Webhooks port, and the reactor's Queue, over tables of their own."""

import base64
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from adapters import metrics
from adapters.database import Database
from adapters.sealing import Sealer
from commands.webhooks import Backlog, Delivery, Reached, State
from domain.ids import AccountId, WebhookId
from domain.refusals import NotFound
from projections.webhooks import Attempt, Claim

LEASE = timedelta(seconds=25)
"""What a worker that dies leaves is taken up after that long: an attempt takes 15 s at most."""
BOTH_SIGN = timedelta(days=1)
KEPT = 1_000
"""Of each webhook, deliveries that are remembered."""


class PostgresWebhooks:
    def __init__(self, database: Database, sealer: Sealer, *, lease: timedelta = LEASE) -> None:
        self._database = database
        self._sealer = sealer
        self._lease = lease

    async def keep(self, account_id: AccountId, webhook_id: WebhookId) -> None:
        await self._database.write(_KEEP, (webhook_id, account_id, self._new(webhook_id)))

    async def secret(self, webhook_id: WebhookId) -> str:
        query = "select secret from webhooks.endpoints where id = %s"
        rows = await self._database.rows(query, (webhook_id,))
        if not rows:
            raise NotFound
        return _told(self._opened(rows[0][0], webhook_id))

    async def rotate(self, webhook_id: WebhookId, request: UUID) -> None:
        parameters = (BOTH_SIGN, self._new(webhook_id), request, webhook_id, request)
        await self._database.write(_ROTATE, parameters)

    async def rewind(self, webhook_id: WebhookId, after: int) -> None:
        await self._database.write(_REWIND, (after, webhook_id))

    async def of(self, account_id: AccountId) -> Mapping[WebhookId, Reached]:
        found = await self._database.records(_OF, (account_id,))
        return {row["id"]: msgspec.convert(row, Reached) for row in found}

    async def deliveries(
        self, webhook_id: WebhookId, *, before: int | None, skip: int = 0, limit: int
    ) -> Sequence[Delivery]:
        asked = (webhook_id, before or 2**62, limit, skip)
        return msgspec.convert(await self._database.records(_DELIVERIES, asked), list[Delivery])

    async def kept(self, webhook_id: WebhookId) -> int:
        ((count,),) = await self._database.rows(
            "select count(*) from webhooks.deliveries where webhook_id = %s", (webhook_id,)
        )
        return int(count)

    async def backlog(self) -> Backlog:
        (found,) = await self._database.records(_BACKLOG)
        return msgspec.convert(found, Backlog)

    async def forget(self, webhook_id: WebhookId) -> None:
        async with self._database.connection() as connection, connection.transaction():
            for statement in _FORGET:
                await connection.execute(statement, (webhook_id,))

    async def claim(self, *, slow: bool) -> Claim | None:
        rows = await self._database.changed(_CLAIM, {"lease": self._lease, "slow": slow})
        if not rows:
            return None
        *plain, secret, former = rows[0]
        fields = dict(zip(_CLAIMED, plain, strict=True))
        secrets = [self._opened(it, fields["id"]) for it in (secret, former) if it]
        return msgspec.convert(fields | {"secrets": secrets}, Claim)

    async def passed(self, claim: Claim, position: int) -> Claim | None:
        return await self._moved(_PASSED, claim, {"to": position})

    async def release(self, claim: Claim, pause: timedelta) -> None:
        await self._database.write(_RELEASE, {"pause": pause, "id": claim.id, "lease": claim.lease})

    async def settled(
        self, claim: Claim, attempt: Attempt, state: State, pause: timedelta
    ) -> Claim | None:
        done = state is not State.RETRYING
        change: dict[str, Any] = {
            "to": attempt.position if done else claim.position,
            "slow": attempt.slow,
            "attempts": 0 if done else claim.attempts + 1,
            "failing": not done,
            "abandoned": claim.abandoned + 1 if state is State.DEAD else 0 if done else None,
            "pause": pause,
            "state": state,
            "kept": KEPT,
            **msgspec.structs.asdict(attempt),
        }
        after = await self._moved(_SETTLED, claim, change)
        if after:
            metrics.WEBHOOK_DELIVERIES.labels(state).inc()
        return after

    async def disable(self, claim: Claim) -> None:
        await self._database.write(
            "update webhooks.endpoints set disabled = true where id = %s", (claim.id,)
        )

    async def _moved(self, statement: str, claim: Claim, change: dict[str, Any]) -> Claim | None:
        """None where it is no longer ours: it was turned back, deleted, or took too long."""
        change |= {"id": claim.id, "lease": claim.lease, "for": self._lease}
        rows = await self._database.changed(statement, change)
        if not rows:
            return None
        position, attempts, failing_since, abandoned = rows[0]
        return msgspec.structs.replace(
            claim,
            position=position,
            attempts=attempts,
            failing_since=failing_since,
            abandoned=abandoned,
        )

    def _new(self, webhook_id: WebhookId) -> bytes:
        return self._sealer.seal(os.urandom(32), webhook_id.bytes)

    def _opened(self, sealed: bytes, webhook_id: WebhookId) -> bytes:
        return self._sealer.open(sealed, webhook_id.bytes)


def _told(secret: bytes) -> str:
    """As Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secret).decode()


_KEEP = """
    insert into webhooks.endpoints (id, account_id, secret, position)
    select %s, %s, %s, coalesce(max(notification_id), 0) from log.darkroom_events
    on conflict (id) do nothing"""
_ROTATE = """
    update webhooks.endpoints set former = secret, former_until = now() + %s, secret = %s,
        rotation = %s
    where id = %s and rotation is distinct from %s"""
_REWIND = """
    update webhooks.endpoints set position = %s, lease = null, leased_until = '-infinity',
        disabled = false, attempts = 0, failing_since = null, abandoned = 0, next_at = now()
    where id = %s"""
_OF = """
    select id, account_id, position, made_at, attempts, failing_since, next_at
    from webhooks.endpoints where account_id = %s order by made_at, id"""
_DELIVERIES = """
    select number, position, type, state, attempts, status, reason, answer, milliseconds,
        first_at, last_at
    from webhooks.deliveries where webhook_id = %s and number < %s order by number desc
    limit %s offset %s"""
_FORGET = (
    "delete from webhooks.deliveries where webhook_id = %s",
    "delete from webhooks.endpoints where id = %s",
    "delete from log.stream_keys where stream_id = %s",
)
_CLAIMED = (
    *("id", "account_id", "made_at", "lease", "position"),
    *("attempts", "failing_since", "abandoned"),
)
# Of a suspended account nothing is told.
_BEHIND = """not disabled and position < (select max(notification_id) from log.darkroom_events)
            and not exists (select from secrets.bars b where b.account_id = endpoints.account_id)"""
_BACKLOG = f"""
    select count(*) as webhooks, coalesce(min(position), 0) as position,
        (select count(*) from webhooks.deliveries where state = 'dead') as dead
    from webhooks.endpoints where {_BEHIND}"""  # noqa: S608 - our own words
_CLAIM = f"""
    update webhooks.endpoints e set lease = gen_random_uuid(), leased_until = now() + %(lease)s
    where id = (
        select id from webhooks.endpoints
        where {_BEHIND}
            and next_at <= now() and leased_until < now() and slow = %(slow)s
        order by next_at for update skip locked limit 1)
    returning id, account_id, made_at, lease, position, attempts, failing_since, abandoned,
        secret, case when former_until > now() then former end"""  # noqa: S608 - our own words
_PASSED = """
    update webhooks.endpoints set position = %(to)s, leased_until = now() + %(for)s
    where id = %(id)s and lease = %(lease)s
    returning position, attempts, failing_since, abandoned"""
_RELEASE = """
    update webhooks.endpoints set lease = null, leased_until = '-infinity',
        next_at = greatest(next_at, now() + %(pause)s)
    where id = %(id)s and lease = %(lease)s"""
_SETTLED = """
    with moved as (
        update webhooks.endpoints set position = %(to)s, slow = %(slow)s,
            attempts = %(attempts)s, leased_until = now() + %(for)s,
            failing_since = case when %(failing)s then coalesce(failing_since, now()) end,
            abandoned = coalesce(%(abandoned)s, abandoned),
            next_at = now() + %(pause)s, tried = tried + 1
        where id = %(id)s and lease = %(lease)s
        returning id, tried, position, attempts, failing_since, abandoned
    ), noted as (
        insert into webhooks.deliveries as d (webhook_id, position, number, type, state,
            attempts, status, reason, answer, milliseconds)
        select id, %(position)s, tried, %(type)s, %(state)s, 1, %(status)s, %(reason)s,
            %(answer)s, %(milliseconds)s from moved
        on conflict (webhook_id, position) do update set number = excluded.number,
            state = excluded.state, attempts = d.attempts + 1, status = excluded.status,
            reason = excluded.reason, answer = excluded.answer,
            milliseconds = excluded.milliseconds, last_at = now()
    ), forgotten as (
        delete from webhooks.deliveries d using moved m
        where d.webhook_id = m.id and d.number <= m.tried - %(kept)s
    )
    select position, attempts, failing_since, abandoned from moved"""
