"""Archives over HTTP: what goes into one, and how it is sent, whole or from where it broke off."""

import tempfile
from contextlib import aclosing, suppress
from datetime import datetime
from typing import IO, Any
from zlib import crc32

import msgspec
import structlog
from litestar import Response

from api import ranges
from api.clients import visitor
from api.identity import AnyRequest, holds
from api.parts import Parts
from api.problems import beyond
from api.seeing import still_allowed
from api.streaming import Streamed
from api.zipping import Archive, Changed, Chunks, Entry
from commands import object_keys
from commands.counts import Sight
from commands.lab import Traits
from commands.limits import refusal
from commands.ports import ObjectKey, ObjectMissing
from domain.access import Action, Viewer
from domain.ids import AccountId, ImageId
from domain.limits import Policy
from domain.refusals import PreconditionFailed, Refusal
from projections.gallery import Exhibit

OFTEN = Policy("archives", 30, 600)
"""Counted apart: each costs a look at every image in it, before its first byte."""
PAGE = 500
"""Images that are looked up at once."""
TYPE = "application/zip"

_log = structlog.get_logger()


class Documents:
    """JSON that goes into an archive, on disk until it is sent: it may be of 100,000 images."""

    def __init__(self, parts: Parts) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=parts.spool)  # noqa: SIM115 - as long as the answer
        self._size = 0

    def entry(self, name: str, document: Any, modified: datetime) -> Entry:
        body = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        begin, self._size = self._size, self._size + len(body)
        self._file.write(body)

        async def read(start: int, stop: int) -> Chunks:
            self._file.seek(begin + start)
            yield self._file.read(stop - start)

        return Entry(name=name, size=len(body), crc=crc32(body), modified=modified, read=read)


class Originals:
    """Of one request: originals as its viewer may have them, each asked for again as it is sent."""

    def __init__(self, request: AnyRequest, parts: Parts, viewer: Viewer, action: Action) -> None:
        self._request = request
        self._parts = parts
        self._viewer = viewer
        self._action = action
        self._keeping: dict[AccountId, bool] = {}

    async def entry(self, exhibit: Exhibit, name: str, traits: Traits | None) -> Entry | None:
        """None for what is not known well enough to be given to others."""
        card, key = exhibit.card, exhibit.card.original
        size, crc = card.size, traits.crc if traits else None
        if self._viewer.account_id != card.owner_id:
            if traits is None or exhibit.print is None:
                return None
            hidden = traits.scrubbed_size
            if hidden is not None and not await self._keeps_place(card.owner_id):
                key = object_keys.scrubbed(card.id, exhibit.print.recipe)
                size, crc = hidden, traits.scrubbed_crc
        if crc is None:
            crc = await self._checksum(key)

        async def read(start: int, stop: int) -> Chunks:
            await self._require(card.id)
            async with aclosing(self._bytes(key, card.original, start, stop)) as chunks:
                async for chunk in chunks:
                    yield chunk
            self._note(card.id, stop - start)

        return Entry(name=name, size=size, crc=crc, modified=card.created_at, read=read)

    async def _bytes(self, key: ObjectKey, original: ObjectKey, start: int, stop: int) -> Chunks:
        objects = self._parts.objects
        with suppress(ObjectMissing):
            async with objects.stream(key, start=start, stop=stop) as stream:
                async for chunk in stream:
                    yield chunk
                return
        clean = None if key == original else await self._parts.printer.scrubbed(original)
        if clean is None:
            raise Changed
        yield clean[start:stop]  # a print: where it is lost, it is made again

    async def _checksum(self, key: ObjectKey) -> int:
        crc = 0
        async with self._parts.objects.stream(key) as stream:
            async for chunk in stream:
                crc = crc32(chunk, crc)
        return crc

    async def _keeps_place(self, owner_id: AccountId) -> bool:
        if owner_id not in self._keeping:
            owner = await self._parts.accounts.find(owner_id)
            self._keeping[owner_id] = owner is not None and owner.keep_gps
        return self._keeping[owner_id]

    async def _require(self, image_id: ImageId) -> None:
        """Whatever was allowed when the archive began may have been taken back."""
        allowed = await still_allowed(self._parts, self._viewer, image_id, self._action)
        if not (allowed and await holds(self._request.scope, self._parts)):
            raise Changed

    def _note(self, image_id: ImageId, egress: int) -> None:
        counter = self._parts.counter
        if counter is None:
            return
        account, own = self._viewer.account_id, self._action is Action.MANAGE
        sight = Sight(
            image_id=image_id,
            by=visitor(self._request.scope, account.hex if account else ""),
            original=True,
            shared=self._viewer.share_id is not None,
            download=True,
            again=own,  # that somebody keeps a copy of what is theirs, tells of no interest in it
            egress=egress,
        )
        counter.saw(sight)


async def admit(parts: Parts, key: str) -> None:
    """Raises RateLimited."""
    if parts.tolls:
        count = await parts.tolls.limiter.take(OFTEN, key)
        if not count.granted:
            raise refusal(count)


def answer(request: AnyRequest, parts: Parts, archive: Archive, filename: str) -> Response[Any]:
    """All of it, or one range: a download that broke off goes on if nothing has changed."""
    ask, etag = request.headers.get, archive.etag
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{filename}"',
        "X-Content-Type-Options": "nosniff",
    }
    if (suits := ask("If-Match")) and not ranges.named(etag, suits):
        raise PreconditionFailed
    if ranges.matches(etag, ask("If-None-Match")):
        return Response(b"", status_code=304, headers=headers, media_type=TYPE)
    applies = ranges.applies(etag, parts.clock(), ask("If-Range"))
    spans = ranges.spans(ask("Range"), archive.size) if applies else None
    if spans is not None and not spans:
        return beyond(archive.size)
    start, stop, status = 0, archive.size, 200
    if spans is not None and len(spans) == 1:
        start, stop, status = *spans[0], 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{archive.size}"
    headers["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        return Response(b"", status_code=status, headers=headers, media_type=TYPE)
    body = _sent(parts, archive, start, stop)
    return Streamed(body, parts.archives, status_code=status, headers=headers, media_type=TYPE)


async def _sent(parts: Parts, archive: Archive, start: int, stop: int) -> Chunks:
    try:
        with parts.metrics.archiving() as went:
            async with aclosing(archive.chunks(start, stop)) as chunks:
                async for chunk in chunks:
                    yield chunk
                    went(len(chunk))
    except (Changed, ObjectMissing, Refusal) as error:
        # less than Content-Length ends the connection; what is asked for next is another archive
        _log.warning("archive broken off", reason=str(error) or type(error).__name__)
