"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST sent twice, done once.

As with Stripe, the first answer is kept whether it is a success or a refusal, and comes again with
`Idempotency-Replayed: true`. Not kept is what says nothing about the request itself: bad or
missing credentials, malformed fields (correct them and send the same key), conflicts of state (the
bytes may arrive later), limits of rate, and failures on our side, whole or for one item of a
batch. A key belongs to an account, or to one of its API keys, or for signing up to the address it
comes from, and to one path. Signing in and out ignores it: tokens must not be stored where they
can be read again.

A run that dies leaves its record, and in it the seed of every id that it was about to give. The
next run gives the same ids, so it finds what is there already and answers as if it had done it.
"""

import asyncio
import hashlib
import itertools
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import structlog
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.params import SkipValidation
from litestar.types import ASGIApp, Message, Receive, Send
from litestar.types import Scope as Connection

from api.clients import client
from api.fingerprint import DigestedBody
from api.identity import AnyRequest, identified
from api.parts import Given, Parts
from commands.credentials import Bearer
from commands.idempotency import Answer, Records, Scope, Turn
from commands.ports import NewId
from domain.ids import uuid7
from domain.refusals import IdempotencyKeyReused, Refusal, Unauthenticated, Unavailable, Validation

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255
RENEWED_EVERY = 3.0
"""Seconds; a record is held for three times that."""

IGNORED = frozenset(
    {
        *("/v1/auth/login", "/v1/auth/refresh", "/v1/auth/logout", "/oauth/token"),
        *("/v1/me/second-factor", "/v1/me/second-factor/confirm"),
        *("/v1/auth/password-reset/confirm", "/v1/auth/verify-email"),  # a token works once anyway
        "/v1/tus",  # what it is about stands in its headers; a tus client asks how far it came
    }
)
LOCKS = "/s/"
"""What a share link's password opens is no more kept than a token."""
ANONYMOUS = frozenset({"/v1/auth/signup", "/v1/auth/password-reset", "/v1/reports"})

_NOT_KEPT = frozenset({400, 401, 403, 408, 409, 429})
_NOT_KEPT_CODES = frozenset(
    {
        "validation",
        "body_too_large",
        "unsupported_media_type",
        "import_failed",
        IdempotencyKeyReused.code,
    }
)
_NOT_REPEATED = ("ratelimit", "retry-after", "date")
_NEW_ID = "new_id"

_log = structlog.get_logger()

Ids: TypeAlias = NamedDependency[SkipValidation[NewId]]
"""Ids for what the request creates: the same ones each time, where it has a key."""


def new_id(request: AnyRequest, parts: Given) -> NewId:
    return request.scope["state"].get(_NEW_ID, parts.new_id)  # type: ignore[no-any-return]  # put there below


class Idempotency(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(
        self, scope: Connection, receive: Receive, send: Send, next_app: ASGIApp
    ) -> None:
        asked = await self._asked(scope)
        if asked is None:
            await next_app(scope, receive, send)
            return
        records = self._parts.records
        body = DigestedBody(receive, _header(scope, "content-type"), records)
        await body.read_ahead()
        turn = await records.begin(asked, body.digest)
        if turn.answer:
            await body.drained(turn)
            await _send(send, turn.answer, repeated=True)
            return
        async with _held(records, turn):
            scope["state"][_NEW_ID] = seeded(turn)
            answer = await _run(body, turn, scope, next_app)
            await _conclude(records, turn, answer, bound=body.bound)
        await _send(send, answer)

    async def _asked(self, scope: Connection) -> Scope | None:
        """What the key stands for; None where there is none, or nobody it could belong to."""
        path = str(scope["path"])
        keys = _headers(scope, HEADER.lower())
        if scope["method"] != "POST" or not keys or path in IGNORED or path.startswith(LOCKS):  # type: ignore[typeddict-item]  # HTTP only
            return None
        try:
            bearer = await identified(scope, self._parts)
        except Unauthenticated:
            return None
        if bearer is None and path not in ANONYMOUS:
            return None
        return Scope(
            account_id=bearer.account_id if bearer else None,
            client=self._client(scope, bearer),
            method="POST",
            path=f"{path}?{scope['query_string'].decode('latin-1')}",
            key=_valid(keys),
        )

    def _client(self, scope: Connection, bearer: Bearer | None) -> str:
        """Guests of an account are strangers to each other, and to their host's own requests; so
        are API keys: none is shown what was answered to one that may more."""
        if bearer is None:
            return client(scope, self._parts.proxies)
        if bearer.key_id:
            return " ".join([bearer.key_id.hex, *sorted(bearer.scopes)])
        return bearer.token_id.hex if bearer.token_id else ""


def seeded(turn: Turn) -> NewId:
    """Ids in a fixed order: the first call in every run of the request gives the same one."""
    numbers = itertools.count()

    def new_id() -> UUID:
        made_of = turn.seed.bytes + next(numbers).to_bytes(4, "big")
        return uuid7(turn.begun_at, hashlib.blake2b(made_of, digest_size=10).digest())

    return new_id


async def _run(body: DigestedBody, turn: Turn, scope: Connection, next_app: ASGIApp) -> Answer:
    """What the application answers, held back until it is kept."""
    await body.begin(turn)
    status, headers, content = 0, [], bytearray()

    async def held_back(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message["headers"]]
        elif message["type"] == "http.response.body":
            content.extend(message["body"])

    await next_app(scope, body.receive, held_back)
    return Answer(status=status, headers=headers, body=bytes(content))


async def _conclude(records: Records, turn: Turn, answer: Answer, *, bound: bool) -> None:
    """A record that cannot be kept now is taken over later: the effect stays one."""
    try:
        if bound and _keeps(answer):
            await records.answered(turn, answer)
        elif turn.first and answer.status < 500 and not _failing_items(answer):
            await records.forget(turn)
        else:
            await records.release(turn)
    except Unavailable:
        _log.warning("an answer was not kept", status=answer.status)


@asynccontextmanager
async def _held(records: Records, turn: Turn) -> Any:
    """Renew the hold for as long as the run lasts; give it up if the run fails."""
    renewing = asyncio.create_task(_renew_for_ever(records, turn))
    try:
        yield
    except Refusal:
        await records.release(turn)
        raise
    finally:
        renewing.cancel()


async def _renew_for_ever(records: Records, turn: Turn) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY)
        try:
            await records.renew(turn)
        except Unavailable:
            _log.warning("a hold was not renewed")


def _keeps(answer: Answer) -> bool:
    if answer.status in _NOT_KEPT or answer.status >= 500:
        return False
    if answer.status >= 400:
        return _document(answer).get("code") not in _NOT_KEPT_CODES
    return not _failing_items(answer)


def _failing_items(answer: Answer) -> bool:
    """Whether one item of a batch failed on our side: then the batch may be sent again."""
    results = _document(answer).get("results")
    items = results if isinstance(results, list) else []
    return any(isinstance(item, dict) and _status(item) >= 500 for item in items)


def _status(item: dict[str, Any]) -> int:
    status = item.get("status")
    return status if isinstance(status, int) else 0


def _document(answer: Answer) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


async def _send(send: Send, answer: Answer, *, repeated: bool = False) -> None:
    headers = answer.headers
    if repeated:
        headers = [it for it in headers if not it[0].lower().startswith(_NOT_REPEATED)]
        headers = [*headers, (REPLAYED.lower(), "true")]
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _valid(keys: Sequence[str]) -> str:
    key = keys[0]
    if len(keys) > 1 or not 0 < len(key) <= LONGEST or any(not "!" <= it <= "~" for it in key):
        message = f"must be one key of 1 to {LONGEST} visible ASCII characters"
        raise Validation.of(HEADER, message)
    return key


def _headers(scope: Connection, name: str) -> list[str]:
    wanted = name.encode()
    return [value.decode("latin-1") for it, value in scope["headers"] if it.lower() == wanted]


def _header(scope: Connection, name: str) -> str:
    return next(iter(_headers(scope, name)), "")
