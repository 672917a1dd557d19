"""Bytes on their way in: presigned, as a form, one or many."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody

from api import problems, tickets
from api.bodies import (
    MAX_BATCH,
    Describing,
    NewImage,
    NewImages,
    NewUpload,
    NewUploads,
    converted,
    decoded,
    details,
    file_name,
)
from api.forms import Form, ReceivedFile, received
from api.identity import AnyRequest, Caller, upload_id
from api.parts import Given, Parts
from api.pictures import etag, picture
from api.waiting import after_write, written
from commands.ports import StreamMoved
from commands.standing import InspectUpload
from commands.uploads import (
    AbortUpload,
    FinalizeUpload,
    InitiateUpload,
    TakeIn,
    Ticket,
    Uploaded,
)
from domain.access import Visibility
from domain.ids import AccountId
from domain.image import Promised
from domain.refusals import BatchTooLarge, Conflict, NotFound, Refusal, Validation
from projections.gallery import Exhibit

T = TypeVar("T")

MAX_JSON = 1_000_000


class UploadController(Controller):
    path = "/v1/uploads"
    tags = ("uploads",)

    @post(summary="Promise bytes, and learn where to put them")
    async def initiate(
        self, data: JSONBody[NewUpload], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        ticket = await _initiate(parts, caller, data)
        headers = await written(parts, ticket.receipt)
        body = tickets.ticket(ticket)
        location = f"/v1/uploads/{body['uploadId']}"
        return Response(body, status_code=201, headers=headers | {"Location": location})

    @post("/batch", status_code=200, summary="The same for many")
    async def initiate_many(
        self, data: JSONBody[NewUploads], caller: Caller, parts: Given
    ) -> Response[dict[str, Any]]:
        _bounded(data.uploads)
        last = None
        results = []
        for item in data.uploads:
            outcome = await _outcome(lambda item=item: _promised(parts, caller, item))  # type: ignore[misc]  # bound now
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
        summary="Make an image of an upload, or of the files of a form", request_max_body_size=None
    )
    async def take_in(self, request: AnyRequest, caller: Caller, parts: Given) -> Response[Any]:
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return await _from_form(request, caller, parts)
        return await _from_upload(decoded(await _json(request), NewImage), caller, parts)

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
            await _outcome(lambda item=item: _finalized(parts, caller, item))  # type: ignore[misc]  # bound now
            for item in data.images
        ]
        return await _results(parts, finalized, status_code=200)


async def _json(request: AnyRequest) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_JSON:
            raise ClientException("the body is too large", status_code=413)
    try:
        msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise ClientException(f"the body is not JSON: {error}") from error
    return bytes(raw)


def _bounded(items: Sequence[Any]) -> None:
    if len(items) > MAX_BATCH:
        raise BatchTooLarge(limit=MAX_BATCH, requested=len(items))


async def _outcome(attempt: Callable[[], Awaitable[T]]) -> T | dict[str, Any]:
    """One item of a batch fails alone."""
    try:
        return await attempt()
    except Refusal as refusal:
        error = problems.members(refusal)
    except StreamMoved:
        error = problems.members(Conflict())
    return {"status": error["status"], "error": error}


async def _promised(parts: Parts, caller: AccountId, item: Any) -> Ticket:
    return await _initiate(parts, caller, converted(item, NewUpload))


async def _initiate(parts: Parts, caller: AccountId, data: NewUpload) -> Ticket:
    ticket: Ticket = await parts.dispatch(
        InitiateUpload(
            by=caller,
            promised=Promised(filename=file_name(data.filename), sha256=data.sha256),
            size=data.size,
            content_type=data.content_type,
        )
    )
    return ticket


async def _from_upload(data: NewImage, caller: AccountId, parts: Parts) -> Response[Any]:
    uploaded = await _finalize(parts, caller, data)
    return await _created(parts, uploaded)


async def _finalized(parts: Parts, caller: AccountId, item: Any) -> Uploaded:
    return await _finalize(parts, caller, converted(item, NewImage))


async def _finalize(parts: Parts, caller: AccountId, data: NewImage) -> Uploaded:
    id = upload_id(data.upload_id)
    data = await tickets.completed(data, id, parts)
    uploaded: Uploaded = await parts.dispatch(
        FinalizeUpload(
            by=caller,
            image_id=id,
            visibility=await chosen_visibility(parts, caller, data),
            details=details(data),
        )
    )
    return uploaded


async def chosen_visibility(parts: Parts, caller: AccountId, said: Describing) -> Visibility:
    if said.visibility is not None:
        return said.visibility
    profile = await parts.accounts.find(caller)
    return profile.default_visibility if profile else Visibility.PRIVATE


async def _created(parts: Parts, uploaded: Uploaded) -> Response[Any]:
    headers = await written(parts, uploaded.receipt)
    exhibit = await _exhibit(parts, uploaded)
    shown = picture(exhibit, parts.public_url)
    return Response(
        shown,
        status_code=201 if uploaded.receipt.position is not None else 200,
        headers=headers | {"Location": f"/v1/images/{shown.image_id}", "ETag": etag(exhibit)},
    )


async def _exhibit(parts: Parts, uploaded: Uploaded) -> Exhibit:
    exhibit = await after_write(parts, uploaded.image_id, uploaded.receipt)
    if exhibit.card.deleted_at:
        raise NotFound
    return exhibit


async def _from_form(request: AnyRequest, caller: AccountId, parts: Parts) -> Response[Any]:
    async with received(
        request, parts.spool, max_bytes=parts.caps.file_bytes, max_files=MAX_BATCH
    ) as form:
        if not form.files:
            raise Validation(errors=[{"field": "file", "message": "is missing"}])
        said = _said(form)
        visibility = await chosen_visibility(parts, caller, said)
        if len(form.files) == 1:
            return await _created(
                parts, await _taken(parts, caller, form.files[0], said, visibility)
            )
        taken = [
            await _outcome(lambda file=file: _taken(parts, caller, file, said, visibility))  # type: ignore[misc]  # bound now
            for file in form.files
        ]
        return await _results(parts, taken, status_code=201)


async def _taken(
    parts: Parts, caller: AccountId, file: ReceivedFile, said: Describing, visibility: Visibility
) -> Uploaded:
    if file.refusal:
        raise file.refusal
    uploaded: Uploaded = await parts.dispatch(
        TakeIn(
            by=caller,
            path=file.path,
            promised=Promised(filename=file.filename),
            content_type=file.content_type or "application/octet-stream",
            visibility=visibility,
            details=details(said),
        )
    )
    return uploaded


def _said(form: Form) -> Describing:
    """The form's fields as in JSON: tags repeated or with commas, custom.<key> or a JSON object."""
    said: dict[str, Any] = {}
    for name, values in form.fields.items():
        if name in ("tags", "tags[]"):
            tags = [tag.strip() for value in values for tag in value.split(",")]
            said.setdefault("tags", []).extend(tag for tag in tags if tag)
        elif name.startswith("custom."):
            said.setdefault("custom", {})[name.removeprefix("custom.")] = values[-1]
        elif name == "custom":
            try:
                said["custom"] = msgspec.json.decode(values[-1])
            except msgspec.DecodeError as error:
                message = "must be a JSON object"
                raise Validation(errors=[{"field": "custom", "message": message}]) from error
        else:
            said[name] = values[-1]
    return converted(said, Describing)


async def _results(
    parts: Parts, outcomes: Sequence[Uploaded | dict[str, Any]], *, status_code: int
) -> Response[dict[str, Any]]:
    receipts = [outcome.receipt for outcome in outcomes if isinstance(outcome, Uploaded)]
    last = max(receipts, key=lambda receipt: receipt.position or 0, default=None)
    headers = await written(parts, last)
    results = [
        outcome if isinstance(outcome, dict) else await _result(parts, outcome)
        for outcome in outcomes
    ]
    return Response({"results": results}, status_code=status_code, headers=headers)


async def _result(parts: Parts, uploaded: Uploaded) -> dict[str, Any]:
    status = 201 if uploaded.receipt.position is not None else 200
    return {"status": status, "image": picture(await _exhibit(parts, uploaded), parts.public_url)}
