"""The feed over HTTP: Server-Sent Events that go on where the subscriber broke off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from litestar import get
from litestar.response import Stream

from api.album_views import visible_album
from api.asking import Asked
from api.identifiers import album_id
from api.identity import AnyRequest, MaybeCaller, holds
from api.parts import Given, Parts
from api.waiting import position, position_in
from domain.access import Action, Viewer
from domain.ids import AccountId
from projections.audit_log import type_of
from projections.event_schemas import schemas
from projections.feed import Wanted

PAGE = 500
IDLE = 1.0
"""Seconds without an announcement after which the log is asked: NATS may be away."""
HEARTBEAT = 15.0
"""Seconds of silence, at most: an empty event that names the position reached."""
LIFETIME = 900
"""Seconds after which a stream ends and its subscriber has to show its credentials again."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@get("/v1/events", tags=["events"], summary="What happens, as Server-Sent Events")
async def events(request: AnyRequest, maybe_caller: MaybeCaller, parts: Given) -> Stream:
    """Every event that the caller may see, in the order of positions, each once.

    `Last-Event-ID`, or `from`, is the position to go on behind: any one, however long ago; `from=0`
    begins at the beginning. Without either the stream begins now. `type` is a whole type or a
    stream's; `album` picks its own events and those of the images that are in it now. It lasts 15
    minutes, or `wait` seconds.
    """
    asked = Asked(request)
    album = asked.one("album", album_id)
    wanted = Wanted(type=asked.one("type", type_of), album=album)
    after = asked.one("from", position)
    lasting = asked.number("wait", LIFETIME, LIFETIME)
    asked.check()
    if (within := request.query_params.get("album")) is not None:
        await visible_album(parts, Viewer(account_id=maybe_caller), within, Action.VIEW)
    if (last := request.headers.get("Last-Event-ID")) is not None:
        after = position_in("Last-Event-ID", last)
    if after is None:
        after = await parts.feed.head()
    still = partial(holds, request.scope, parts)
    told = _told(parts, maybe_caller, after, wanted, still, lasting)
    return Stream(told, media_type="text/event-stream", headers=_HEADERS)


@get("/schema/events.json", tags=["events"], summary="JSON Schema of every event")
async def schema() -> dict[str, Any]:
    return schemas()


async def _told(
    parts: Parts,
    caller: AccountId | None,
    after: int,
    wanted: Wanted,
    still: Callable[[], Awaitable[bool]],
    lasting: int,
) -> AsyncIterator[bytes]:
    """Only as long as the credentials `still` hold."""
    loop = asyncio.get_running_loop()
    ends, spoke = loop.time() + lasting, loop.time()
    yield b"retry: 1000\n\n"
    while loop.time() < ends:
        seen = parts.positions.current("gallery")  # what is newer need not hold up what is there
        page = await parts.feed.page(after, PAGE, upto=seen if seen > after else None)
        if not page:
            await parts.positions.heard("gallery", after, within=IDLE)
        elif (shown := await parts.judge.told(caller, page, wanted)) is not None:
            if not await still():
                return
            for told in shown:
                spoke = loop.time()
                yield _event(told.position, told.type, msgspec.json.encode(told))
            after = page[-1].position or after
        if loop.time() - spoke >= HEARTBEAT:
            spoke = loop.time()
            yield b"id: %d\n\n" % after


def _event(position: int, type: str, data: bytes) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (position, type.encode(), data)
