"""tus 1.0.0: uploads that go on where they broke off (https://tus.io/protocols/resumable-upload)."""

from collections.abc import AsyncIterator
from typing import Any, cast

from litestar import Controller, Response, delete, head, patch, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import MediaType, ScopeType
from litestar.exceptions import ClientException, InternalServerException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp, Message, Method, Receive, Scope, Send

from api import problems, tus_headers
from api.arrivals import accepted, wishes
from api.idempotency import Ids
from api.identifiers import upload_id
from api.identity import AnyRequest, Caller
from api.parts import Given, Parts
from api.reading import details
from api.waiting import written
from commands.finalizing import FinalizeUpload
from commands.receiving import (
    Interrupted,
    LocateUpload,
    Opened,
    OpenUpload,
    ReceiveBytes,
    Received,
)
from commands.uploads import AbortUpload
from domain.ids import AccountId, ImageId, to_text
from domain.image_events import Promised
from domain.refusals import ChunkMismatch, PreconditionFailed, Refusal, RequestTimeout, Validation

PATH = "/v1/tus"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
CHECKSUM_MISMATCH = 460
EXPOSED = (
    "Darkroom-Image-Id",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
)
"""Headers of answers that scripts of other origins need to see."""


class UnsupportedTusVersion(PreconditionFailed):
    """This server speaks tus 1.0.0; say so with Tus-Resumable."""


def speaks_tus(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    version = connection.headers.get("Tus-Resumable")
    if version != VERSION and connection.scope.get("method") != "OPTIONS":
        raise UnsupportedTusVersion(requested=version or "none", supported=VERSION)


def mismatched(request: AnyRequest, refusal: ChunkMismatch) -> Response[Any]:
    answer = problems.refused(request, refusal)
    answer.content["status"] = answer.status_code = CHECKSUM_MISMATCH
    return answer


class TusController(Controller):
    path = PATH
    tags = ("uploads",)
    guards = (speaks_tus,)
    exception_handlers = {ChunkMismatch: mismatched}

    @post(summary="Create an upload", request_max_body_size=None)
    async def create(
        self, request: AnyRequest, caller: Caller, parts: Given, new_id: Ids
    ) -> Response[None]:
        opened = await _opened(request, caller, parts, ImageId(new_id()))
        headers = await written(parts, opened.receipt) | {
            "Location": f"{PATH}/{to_text('upl', opened.image_id)}",
            "Upload-Expires": tus_headers.date(opened.expires_at),
        }
        if _kind(request) == tus_headers.CONTENT_TYPE:
            try:
                headers |= await _append(request, caller, parts, opened.image_id, offset=0)
            except (Refusal, ClientException):  # who is refused never learns the location
                abort = AbortUpload(by=caller, image_id=opened.image_id)
                await written(parts, await parts.dispatch(abort))
                raise
        return _empty(201, headers)

    @head("/{id:str}", summary="How far an upload has come")
    async def locate(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        image_id = upload_id(id)
        received = await parts.dispatch(LocateUpload(by=caller, image_id=image_id))
        headers = await _outcome(received, caller, parts, image_id)
        headers |= {"Upload-Length": str(received.size), "Cache-Control": "no-store"}
        if received.metadata:
            headers["Upload-Metadata"] = received.metadata
        return _empty(200, headers)

    @patch("/{id:str}", status_code=204, summary="Go on", request_max_body_size=None)
    async def append(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> Response[None]:
        if _kind(request) != tus_headers.CONTENT_TYPE:
            message = f"Content-Type must be {tus_headers.CONTENT_TYPE}"
            raise ClientException(message, status_code=415)
        offset = tus_headers.number(request.headers, "Upload-Offset")
        headers = await _append(request, caller, parts, upload_id(id), offset=offset)
        return _empty(204, headers)

    @delete("/{id:str}", status_code=204, summary="Give up an upload")
    async def terminate(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        image_id = upload_id(id)
        await parts.dispatch(LocateUpload(by=caller, image_id=image_id))
        receipt = await parts.dispatch(AbortUpload(by=caller, image_id=image_id))
        return _empty(204, await written(parts, receipt))


class Dialect:
    """What tus wants of every request and answer, of those too that no route of ours takes."""

    def __init__(self, app: ASGIApp, *, max_size: int) -> None:
        self._app = app
        self._always = {"Tus-Resumable": VERSION, "Tus-Version": VERSION}
        self._options = {
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(max_size),
            "Tus-Checksum-Algorithm": ",".join(tus_headers.ALGORITHMS),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not f"{scope['path']}/".startswith(f"{PATH}/"):
            await self._app(scope, receive, send)
            return
        method = Headers.from_scope(scope).get("X-HTTP-Method-Override") or scope["method"]
        scope["method"] = cast("Method", method.upper())
        added = self._always | (self._options if scope["method"] == "OPTIONS" else {})

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message).update(added)
            await send(message)

        await self._app(scope, receive, sending)


async def _opened(
    request: AnyRequest, caller: AccountId, parts: Parts, image_id: ImageId
) -> Opened:
    if "Upload-Concat" in request.headers:
        raise ClientException("concatenation is not supported")
    size = tus_headers.number(request.headers, "Upload-Length")
    if size == 0:
        message = "must be at least 1: no image is empty"
        raise Validation.of("Upload-Length", message)
    metadata = request.headers.get("Upload-Metadata", "")
    said = tus_headers.said(metadata)
    details(said.describing)
    _, _, album = await wishes(parts, caller, said.describing)
    opened: Opened = await parts.dispatch(
        OpenUpload(
            by=caller,
            image_id=image_id,
            promised=Promised(filename=said.filename, sha256=said.sha256),
            size=size,
            content_type=said.content_type,
            metadata=metadata,
            album_id=album,
        )
    )
    return opened


async def _append(
    request: AnyRequest, caller: AccountId, parts: Parts, image_id: ImageId, *, offset: int
) -> dict[str, str]:
    command = ReceiveBytes(
        by=caller,
        image_id=image_id,
        offset=offset,
        body=_body(request),
        length=request.content_length,
        checksum=tus_headers.checksum(request.headers.get("Upload-Checksum")),
    )
    try:
        received = await parts.dispatch(command)
    except Interrupted as error:
        raise ClientException("the body broke off; what came of it is kept") from error
    return await _outcome(received, caller, parts, image_id)


async def _outcome(
    received: Received, caller: AccountId, parts: Parts, image_id: ImageId
) -> dict[str, str]:
    """Finalize if asked to and not done yet: a client may have been cut off just before it was."""
    headers = {
        "Upload-Offset": str(received.offset),
        "Upload-Expires": tus_headers.date(received.expires_at),
    }
    finalized = received.finalized
    if received.complete and not finalized:
        said = tus_headers.said(received.metadata)
        if said.finalize:
            visibility, duplicates, album = await wishes(parts, caller, said.describing)
            uploaded = await accepted(
                parts,
                FinalizeUpload(
                    by=caller,
                    image_id=image_id,
                    visibility=visibility,
                    details=details(said.describing),
                    duplicates=duplicates,
                    album_id=album,
                ),
            )
            headers |= await written(parts, uploaded.receipt)
            image_id, finalized = uploaded.image_id, True
    if finalized:
        headers["Darkroom-Image-Id"] = to_text("img", image_id)
    return headers


def _empty(status: int, headers: dict[str, str]) -> Response[None]:
    return Response(None, status_code=status, headers=headers, media_type=MediaType.TEXT)


async def _body(request: AnyRequest) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except (InternalServerException, RequestTimeout) as error:
        # the framework's word for a lost connection; ours for one that is too slow
        raise Interrupted from error


def _kind(request: AnyRequest) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
