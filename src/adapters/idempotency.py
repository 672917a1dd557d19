"""The Records port over Postgres: hashes are keyed and answers sealed, both by the instance."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import replace

from adapters.database import Database
from adapters.sealing import Sealer
from commands.idempotency import Answer, Scope, Turn
from domain.ids import from_text
from domain.refusals import IdempotencyInProgress, IdempotencyKeyReused

LEASE = timedelta(seconds=10)
KEPT = timedelta(hours=24)
NEVER = datetime.min.replace(tzinfo=UTC)

_BEGIN = """
    insert into idempotency.records as r
        (id, holder, held_until, seed, begun_at, expires_at, fingerprint, account_id)
    values (%(id)s, %(holder)s, now() + %(lease)s, %(seed)s, now(), now() + %(kept)s, %(body)s,
        %(account)s)
    on conflict (id) do update set holder = excluded.holder, held_until = excluded.held_until
    where r.answer is null and (r.held_until < now() or r.holder = excluded.holder)
    returning seed, begun_at, fingerprint"""
_LOOK = "select seed, begun_at, fingerprint, answer from idempotency.records where id = %(id)s"
_BIND = """
    update idempotency.records set fingerprint = coalesce(fingerprint, %s)
    where id = %s returning fingerprint"""
_RENEW = """
    update idempotency.records set held_until = now() + %s
    where id = %s and holder = %s and answer is null returning id"""
_ANSWER = """
    update idempotency.records set answer = %s, subjects = %s
    where id = %s and holder = %s and answer is null returning id"""
_FORGET = """
    delete from idempotency.records
    where id = %s and holder = %s and answer is null returning id"""
_EXPIRE = "delete from idempotency.records where expires_at < now() returning id"


_SUBJECT = re.compile(rb"(img|upl|alb|org)_[0-9a-v]{26}")


class Derives(Protocol):
    def derived(self, purpose: str) -> bytes: ...


class PostgresRecords:
    """Every statement may be sent twice: a run knows its own record by its holder."""

    def __init__(
        self,
        database: Database,
        key: Derives,
        *,
        lease: timedelta = LEASE,
        kept: timedelta = KEPT,
    ) -> None:
        self._database = database
        self._hashing = key.derived("idempotency-hashes")
        self._sealer = Sealer(key.derived("idempotency-answers"))
        self._lease = lease
        self._kept = kept

    async def begin(self, scope: Scope, body: bytes | None) -> Turn:
        id = self._hash(msgspec.msgpack.encode(scope))
        turn = Turn(id=id, holder=uuid4(), seed=uuid4(), begun_at=NEVER, first=True)
        asked = {
            "id": id,
            "holder": turn.holder,
            "seed": turn.seed,
            "lease": self._lease,
            "kept": self._kept,
            "body": self._hash(body) if body else None,
            "account": scope.account_id,
        }
        for _ in range(3):  # a record may be forgotten between the two
            if rows := await self._database.rows(_BEGIN, asked):
                return self._as_stored(turn, *rows[0])
            if rows := await self._database.rows(_LOOK, asked):
                if rows[0][-1] is None:
                    break
                return self._as_stored(turn, *rows[0])
        raise IdempotencyInProgress

    def _as_stored(
        self,
        turn: Turn,
        seed: UUID,
        begun_at: datetime,
        fingerprint: bytes | None,
        answer: bytes | None = None,
    ) -> Turn:
        return replace(
            turn,
            seed=seed,
            begun_at=begun_at,
            first=seed == turn.seed,
            fingerprint=fingerprint,
            answer=self._opened(answer, turn.id) if answer else None,
        )

    async def bind(self, turn: Turn, body: bytes) -> None:
        ours = self._hash(body)
        fingerprint = turn.fingerprint
        if fingerprint is None:
            rows = await self._database.rows(_BIND, (ours, turn.id))
            fingerprint = rows[0][0] if rows else ours
        if fingerprint != ours:
            raise IdempotencyKeyReused

    async def renew(self, turn: Turn) -> None:
        await self._database.rows(_RENEW, (self._lease, turn.id, turn.holder))

    async def answered(self, turn: Turn, answer: Answer) -> None:
        plain = msgspec.msgpack.encode(answer)
        sealed = self._sealer.seal(plain, turn.id)
        await self._database.rows(_ANSWER, (sealed, _subjects(plain), turn.id, turn.holder))

    async def release(self, turn: Turn) -> None:
        await self._database.rows(_RENEW, (timedelta(seconds=-1), turn.id, turn.holder))

    async def forget(self, turn: Turn) -> None:
        await self._database.rows(_FORGET, (turn.id, turn.holder))

    async def expire(self) -> int:
        return len(await self._database.rows(_EXPIRE))

    def _opened(self, sealed: bytes, id: bytes) -> Answer:
        return msgspec.msgpack.decode(self._sealer.open(sealed, id), type=Answer)

    def _hash(self, content: bytes) -> bytes:
        return hmac.digest(self._hashing, content, hashlib.sha256)


def _subjects(answer: bytes) -> list[UUID]:
    """The images and albums that it speaks of: when one is purged, so is the answer."""
    named = {(it[1].decode(), it[0].decode()) for it in _SUBJECT.finditer(answer)}
    found = {from_text(prefix, text) for prefix, text in named}
    return [id for id in found if id]
