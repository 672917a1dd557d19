"""One file's way into Darkroom: promise, bytes, image; broken off anywhere, it goes on there."""

import asyncio
import hashlib
import mimetypes
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from client.api import Api, Problem
from client.journal import Entry, Journal, Source

CHUNK = 256 * 1024
BEGINNINGS = 3
"""How often an upload is begun anew because the last one expired or was aborted."""
LOST = {"not_found", "upload_closed", "upload_incomplete", "http_403"}
"""What is said of an upload that leads nowhere any more; 403: its presigned URL has expired."""

Report = Callable[[int], None]
"""Called with how many of a file's bytes have gone out."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fields of POST /v1/images."""

    title: str | None = None
    tags: list[str] | None = None
    visibility: str | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What came of one file: an image, or the problem."""

    file: str
    image_id: str | None = None
    url: str | None = None
    before: bool = False
    """An earlier run had uploaded it."""
    code: str | None = None
    detail: str | None = None


class Uploader:
    def __init__(self, api: Api, journal: Journal, wishes: Wishes) -> None:
        self._api = api
        self._journal = journal
        self._wishes = msgspec.to_builtins(wishes)
        self._account = ""

    async def identify(self) -> None:
        """Learn whose files these will be. Raises Problem."""
        self._account = (await self._api.get("/v1/me"))["userId"]

    async def upload(self, path: Path, report: Report) -> Done:
        """Problems are answers: one file's are no other's."""
        try:
            return await self._upload(path, report)
        except Problem as problem:
            return Done(file=str(path), code=problem.code, detail=problem.detail)
        except OSError as error:
            return Done(file=str(path), code="unreadable", detail=str(error))

    async def _upload(self, path: Path, report: Report) -> Done:
        source = self._source(path)
        entry = self._journal.find(source)
        if entry and entry.image:
            report(source.size)
            return Done(file=str(path), before=True, **entry.image)
        if entry is None:
            digest = await asyncio.to_thread(_digest, path)
            entry = Entry(key=source.key, path=source.path, sha256=digest)
        for left in reversed(range(BEGINNINGS)):
            try:
                return await self._attempt(path, source, entry, report)
            except Problem as problem:
                if problem.passing or problem.status == 401:
                    raise  # the next run goes on from here
                entry = replace(entry, ticket=None)
                self._journal.write(entry)
                if not left or problem.code not in LOST:
                    raise
        raise AssertionError("unreachable")

    def _source(self, path: Path) -> Source:
        stat = path.stat()
        return Source(
            server=self._api.url,
            account=self._account,
            path=str(path.absolute()),
            size=stat.st_size,
            mtime=stat.st_mtime_ns,
        )

    async def _attempt(self, path: Path, source: Source, entry: Entry, report: Report) -> Done:
        ticket = await self._ticket(path, source, entry)
        self._journal.write(replace(entry, ticket=ticket))
        if ticket.get("status", "initiated") == "initiated":
            await self._send(path, source.size, ticket, report)
        wishes = {"uploadId": ticket["uploadId"], **self._wishes}
        image = await self._api.post("/v1/images", wishes)
        found = {"image_id": image["imageId"], "url": image["url"]}
        self._journal.write(replace(entry, ticket=None, image=found))
        report(source.size)
        return Done(file=str(path), **found)

    async def _ticket(self, path: Path, source: Source, entry: Entry) -> dict[str, Any]:
        """The one there is, as the server has it now, or a new one."""
        if entry.ticket:
            standing = await self._api.get(f"/v1/uploads/{entry.ticket['uploadId']}")
            if standing["status"] in ("aborted", "expired"):
                raise Problem(409, "upload_closed", f"the upload is {standing['status']}")
            return entry.ticket | standing
        promise = {
            "filename": path.name,
            "size": source.size,
            "contentType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "sha256": entry.sha256,
        }
        ticket: dict[str, Any] = await self._api.post("/v1/uploads", promise, key=uuid4().hex)
        return ticket

    async def _send(self, path: Path, size: int, ticket: dict[str, Any], report: Report) -> None:
        """The whole, or those parts that have not arrived yet."""
        if not (multipart := ticket.get("multipart")):
            await self._put(ticket, _Range(path, 0, size), report)
            return
        step = multipart["partSize"]
        there = {part["partNumber"] for part in ticket.get("parts", ())}
        for part in multipart["parts"]:
            start = (part["partNumber"] - 1) * step
            if part["partNumber"] not in there:
                await self._put(part, _Range(path, start, min(start + step, size)), report)

    async def _put(self, request: dict[str, Any], part: "_Range", report: Report) -> None:
        """A 412 says that the bytes are there: the answer to them was lost."""
        length = {"Content-Length": str(part.stop - part.start)}
        headers = request.get("headers", {}) | length
        try:
            await self._api.put(request["presignedUrl"], headers, lambda: part.read(report))
        except Problem as problem:
            if problem.status != 412:
                raise


class _Range(msgspec.Struct, frozen=True):
    """Bytes [start, stop) of a file."""

    path: Path
    start: int
    stop: int

    async def read(self, report: Report) -> AsyncIterator[bytes]:
        position = self.start
        with self.path.open("rb") as file:
            file.seek(position)
            while chunk := file.read(min(CHUNK, self.stop - position)):
                yield chunk
                position += len(chunk)
                report(position)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
