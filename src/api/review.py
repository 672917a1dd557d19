"""The gate, as administrators work at it: quarantine and takedown. Each act has its reason."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from api.asking import Asked, leaf, next_leaf, page_of
from api.bodies import Because, NewCounter, NewTakedown
from api.identifiers import image_id
from api.identity import Administrator, AnyRequest, Caller
from api.parts import Given, Parts
from api.streaming import Chunks, Streamed
from api.waiting import REVIEW, written
from commands.ports import ObjectKey, ObjectMissing
from commands.review import Confirm, Release
from commands.takedown import Counter, ReinstateImage, TakeDown
from domain.ids import ImageId, to_text
from domain.image_events import CounterNoticed, Notice, TakenDown
from domain.refusals import NotFound
from projections.scanning import Waiting


class QuarantineController(Controller):
    path = "/v1/admin/quarantine"
    tags = ("administration",)

    @get(summary="What waits for somebody to look at it, the newest first")
    async def queue(
        self, request: AnyRequest, administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        """In quarantine, not to be scanned, or objected to; `?confirmed=true`: what stays there."""
        asked = Asked(request)
        limit, page = leaf(asked)
        confirmed = asked.flag("confirmed")
        asked.check()
        found, total = await parts.suspects.queue(confirmed=confirmed, page=page, limit=limit)
        return page_of(
            "images",
            [await _waiting(parts, it) for it in found],
            limit=limit,
            page=page,
            total=total,
            following=next_leaf(limit, page, total),
        )

    @get(
        "/{id:str}/file",
        summary="The bytes, to be looked at with care",
        media_type="application/octet-stream",
    )
    async def file(
        self, id: FromPath[str], administrator: Administrator, parts: Given
    ) -> Response[Any]:
        """Only of what waits for a scan, is in quarantine, or was taken down."""
        suspect = await parts.suspects.find(image_id(id))
        closed = suspect and (suspect.quarantined_at or suspect.taken_down_at or suspect.asked)
        if suspect is None or suspect.attempt is None or not closed:
            raise NotFound
        headers = {
            "Content-Disposition": f'attachment; filename="{id}.bin"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        }
        return Streamed(
            _chunks(parts, suspect.original),
            parts.streams,
            headers=headers,
            media_type="application/octet-stream",
        )

    @post("/{id:str}/release", status_code=200, summary="Let it pass, whatever the scanner says")
    async def release(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        command = Release(by=administrator, image_id=image_id(id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command), REVIEW)
        return Response({"imageId": id, "quarantined": False}, headers=headers)

    @post("/{id:str}/confirm", status_code=200, summary="Leave it in quarantine")
    async def confirm(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        command = Confirm(by=administrator, image_id=image_id(id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command), REVIEW)
        return Response({"imageId": id, "quarantined": True}, headers=headers)


class TakedownController(Controller):
    path = "/v1/admin/images/{id:str}"
    tags = ("administration",)

    @post("/takedown", status_code=200, summary="Close an image to everybody")
    async def take_down(
        self,
        id: FromPath[str],
        data: JSONBody[NewTakedown],
        administrator: Administrator,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        """From the next request on, on every machine. Its owner is told why, and how to object."""
        claim = data.notice
        notice = Notice(
            reason=data.reason,
            claimant=claim.claimant if claim else "",
            work=claim.work if claim else "",
            url=claim.url if claim else "",
        )
        command = TakeDown(by=administrator, image_id=image_id(id), notice=notice)
        headers = await written(parts, await parts.dispatch(command), REVIEW)
        return Response({"imageId": id, "takenDown": True}, headers=headers)

    @post("/reinstate", status_code=200, summary="Open it again, as it was before")
    async def reinstate(
        self, id: FromPath[str], data: JSONBody[Because], administrator: Administrator, parts: Given
    ) -> Response[dict[str, Any]]:
        command = ReinstateImage(by=administrator, image_id=image_id(id), reason=data.reason)
        headers = await written(parts, await parts.dispatch(command), REVIEW)
        return Response({"imageId": id, "takenDown": False}, headers=headers)


@post(
    "/v1/images/{id:str}/counter-notice",
    status_code=202,
    tags=["images"],
    summary="Object to a takedown",
)
async def counter_notice(
    id: FromPath[str], data: JSONBody[NewCounter], caller: Caller, parts: Given
) -> Response[dict[str, Any]]:
    """An administrator reads it; once is enough."""
    command = Counter(by=caller, image_id=image_id(id), statement=data.statement)
    headers = await written(parts, await parts.dispatch(command), REVIEW)
    return Response({"imageId": id}, status_code=202, headers=headers)


async def _waiting(parts: Parts, found: Waiting) -> dict[str, Any]:
    return {
        "imageId": to_text("img", found.id),
        "ownerId": to_text("u", found.owner_id),
        "finding": found.finding or None,
        "scanner": found.scanner or None,
        "quarantinedAt": found.quarantined_at,
        "confirmed": found.confirmed,
        "takenDownAt": found.taken_down_at,
        "counteredAt": found.countered_at,
        "attempts": found.attempts,
        "failure": found.failure,
        **await _said(parts, found.id),
        "file": f"{parts.public_url}/v1/admin/quarantine/{to_text('img', found.id)}/file",
    }


async def _said(parts: Parts, image_id: ImageId) -> dict[str, Any]:
    """On both sides of a takedown, if there is one."""
    notice, statement = None, None
    for recorded in await parts.store.load(image_id):
        match recorded.event:
            case TakenDown(personal=personal):
                notice, statement = personal, None
            case CounterNoticed(personal=personal):
                statement = personal.statement if personal else None
    return {"notice": notice, "statement": statement}


async def _chunks(parts: Parts, key: ObjectKey) -> Chunks:
    try:
        async with parts.objects.stream(key) as stream:
            async for chunk in stream:
                yield chunk
    except ObjectMissing as error:
        raise NotFound from error
