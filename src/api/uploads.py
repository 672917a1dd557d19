"""Bytes on their way in: presigned, as a form, one or many."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from litestar import Controller, Response, delete, get, post
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody

from api import problems, tickets
from api.arrivals import accepted, created, results, wishes
from api.bodies import MAX_BATCH, NewImage, NewImages, NewUpload, NewUploads
from api.entrance import GUESTS
from api.forms import ReceivedFile, describing, received
from api.guests import require_modest, require_own, taking
from api.idempotency import Ids
from api.identifiers import album_id, upload_id
from api.identity import AnyRequest, Bearing, Caller
from api.parts import Given, Parts
from api.reading import converted, details, file_name, parsed
from api.waiting import written
from commands.credentials import Bearer
from commands.finalizing import FinalizeUpload, TakeIn, Uploaded
from commands.ports import NewId, StreamMoved
from commands.standing import InspectUpload
from commands.upload_tokens import Terms
from commands.uploads import AbortUpload, InitiateUpload, Ticket
from domain.ids import AccountId, ImageId
from domain.image_events import Promised
from domain.refusals import BatchTooLarge, Conflict, Refusal, Validation

T = TypeVar("T")

MAX_JSON = 1_000_000
NO_TERMS = Terms()
"""Of who is nobody's guest."""


class UploadController(Controller):
    path = "/v1/uploads"
    tags = ("uploads",)

    @post(opt=GUESTS, summary="Promise bytes, and learn where to put them")
    async def initiate(
        self, data: JSONBody[NewUpload], bearer: Bearing, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        require_modest(bearer, album=data.album_id)
        image_id = ImageId(new_id())
        async with taking(parts, bearer, image_id, data.size) as terms:
            ticket = await _initiate(parts, bearer.account_id, data, image_id, terms)
        headers = await written(parts, ticket.receipt)
        body = tickets.ticket(ticket)
        location = f"/v1/uploads/{body['uploadId']}"
        return Response(body, status_code=201, headers=headers | {"Location": location})

    @post("/batch", status_code=200, summary="The same for many")
    async def initiate_many(
        self, data: JSONBody[NewUploads], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        _bounded(data.uploads)
        last = None
        results = []
        for item in data.uploads:
            outcome = await _outcome(partial(_promised, parts, caller, item, new_id))
            if isinstance(outcome, Ticket):
                last = outcome.receipt
                results.append({"status": 201, "upload": tickets.ticket(outcome)})
            else:
                results.append(outcome)
        return Response({"results": results}, headers=await written(parts, last))

    @get("/{id:str}", summary="How an upload stands")
    async def show(self, id: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        standing = await parts.dispatch(InspectUpload(by=caller, image_id=upload_id(id)))
        return tickets.standing(standing)

    @delete("/{id:str}", status_code=204, summary="Give up an upload")
    async def abort(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        receipt = await parts.dispatch(AbortUpload(by=caller, image_id=upload_id(id)))
        return Response(None, status_code=204, headers=await written(parts, receipt))


class TakingInController(Controller):
    path = "/v1/images"
    tags = ("uploads",)

    @post(
        opt=GUESTS,
        summary="Make an image of an upload, or of the files of a form",
        request_max_body_size=None,
    )
    async def take_in(
        self, request: AnyRequest, bearer: Bearing, parts: Given, new_id: Ids
    ) -> Response[Any]:
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return await _from_form(request, bearer, parts, new_id)
        data = converted(await _json(request), NewImage)
        require_modest(bearer, visibility=data.visibility, album=data.album_id)
        await require_own(parts, bearer, upload_id(data.upload_id))
        return await _from_upload(data, bearer, parts)

    @post(
        "/batch",
        status_code=200,
        summary="The same for many uploads",
        request_max_body_size=MAX_JSON,
    )
    async def take_in_many(
        self, data: JSONBody[NewImages], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        _bounded(data.images)
        finalized = [
            await _outcome(partial(_finalized, parts, caller, item)) for item in data.images
        ]
        return await results(parts, finalized, status_code=200)


async def _json(request: AnyRequest) -> Any:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_JSON:
            raise ClientException("the body is too large", status_code=413)
    return parsed(bytes(raw))


def _bounded(items: Sequence[Any]) -> None:
    if len(items) > MAX_BATCH:
        raise BatchTooLarge(limit=MAX_BATCH, requested=len(items))


async def _outcome(attempt: Callable[[], Awaitable[T]]) -> T | dict[str, Any]:
    """One item of a batch fails alone."""
    try:
        return await attempt()
    except Refusal as refusal:
        return problems.item(refusal)
    except StreamMoved:
        return problems.item(Conflict())


async def _promised(parts: Parts, caller: AccountId, item: Any, new_id: NewId) -> Ticket:
    return await _initiate(parts, caller, converted(item, NewUpload), ImageId(new_id()))


async def _initiate(
    parts: Parts,
    caller: AccountId,
    data: NewUpload,
    image_id: ImageId,
    terms: Terms = NO_TERMS,
) -> Ticket:
    album = album_id(data.album_id) if data.album_id else terms.album_id
    name = file_name(data.filename)
    ticket: Ticket = await parts.dispatch(
        InitiateUpload(
            by=caller,
            promised=Promised(filename=name, sha256=data.sha256, format=terms.format),
            size=data.size,
            content_type=data.content_type,
            album_id=album,
            image_id=image_id,
        )
    )
    return ticket


async def _from_upload(data: NewImage, bearer: Bearer, parts: Parts) -> Response[Any]:
    guest = bearer.token_id is not None
    uploaded = await _finalize(parts, bearer.account_id, data, guest=guest)
    new = uploaded.receipt.position is not None
    return await created(parts, uploaded, new=new, guest=guest)


async def _finalized(parts: Parts, caller: AccountId, item: Any) -> Uploaded:
    return await _finalize(parts, caller, converted(item, NewImage))


async def _finalize(
    parts: Parts, caller: AccountId, data: NewImage, *, guest: bool = False
) -> Uploaded:
    id = upload_id(data.upload_id)
    data = await tickets.completed(data, id, parts)
    visibility, duplicates, album = await wishes(parts, caller, data, guest=guest)
    command = FinalizeUpload(
        by=caller,
        image_id=id,
        visibility=visibility,
        details=details(data),
        duplicates=duplicates,
        album_id=album,
    )
    return await accepted(parts, command)


async def _from_form(
    request: AnyRequest, bearer: Bearer, parts: Parts, new_id: NewId
) -> Response[Any]:
    async with received(
        request, parts.spool, max_bytes=parts.caps.file_bytes, max_files=MAX_BATCH
    ) as form:
        if not form.files:
            raise Validation.of("file", "is missing")
        said, caller, guest = describing(form), bearer.account_id, bearer.token_id is not None
        require_modest(bearer, visibility=said.visibility, album=said.album_id)
        visibility, duplicates, album = await wishes(parts, caller, said, guest=guest)

        async def taken(file: ReceivedFile) -> Uploaded:
            if file.refusal:
                raise file.refusal
            image_id = ImageId(new_id())
            async with taking(parts, bearer, image_id, file.path.stat().st_size) as terms:
                return await accepted(
                    parts,
                    TakeIn(
                        by=caller,
                        path=file.path,
                        promised=Promised(filename=file.filename, format=terms.format),
                        content_type=file.content_type or "application/octet-stream",
                        visibility=visibility,
                        details=details(said),
                        duplicates=duplicates,
                        album_id=album or terms.album_id,
                        image_id=image_id,
                    ),
                )

        if len(form.files) == 1:
            return await created(parts, await taken(form.files[0]), new=True, guest=guest)
        outcomes = [await _outcome(partial(taken, file)) for file in form.files]
        return await results(parts, outcomes, status_code=201, guest=guest)
