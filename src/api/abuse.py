"""Abuse: reported by anybody with a link, judged by administrators."""

import re
from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from api.asking import Asked, page_of, paging
from api.bodies import Body, Email, Reason, Text
from api.clients import client
from api.idempotency import Ids
from api.identifiers import id_of
from api.identity import Administrator, AnyRequest, MaybeCaller
from api.parts import Given
from api.reading import clean
from api.waiting import REPORTS, written
from commands.reports import FileReport, ResolveReport
from domain import abuse_report
from domain.abuse_report import Complaint, Resolution
from domain.ids import NOBODY, ImageId, from_text, to_text
from domain.refusals import NotFound, Validation
from projections.reports import Case, Wanted

_NAMED = re.compile(r"(?<![a-z0-9])img_[0-9a-v]{26}(?![a-z0-9])")


class NewReport(Body, kw_only=True):
    """An image by its id, or by any address that it was seen at."""

    url: Annotated[str, Meta(max_length=2_048)] | None = None
    image_id: str | None = None
    reason: abuse_report.Reason
    details: Text = ""
    email: Email | None = None


class Judgement(Body, kw_only=True):
    action: Resolution
    reason: Reason


@post("/v1/reports", status_code=202, tags=["reports"], summary="Report abuse")
async def report(
    request: AnyRequest,
    data: JSONBody[NewReport],
    maybe_caller: MaybeCaller,
    parts: Given,
    new_id: Ids,
) -> dict[str, Any]:
    """The same answer whether there is such an image or not. With `email`, who reports is told
    what became of it."""
    report_id = new_id()
    command = FileReport(
        by=maybe_caller or NOBODY,
        report_id=report_id,
        image_id=_named(data),
        reason=data.reason,
        complaint=Complaint(details=clean("details", data.details), email=data.email),
        client=client(request.scope, parts.proxies),
    )
    await parts.dispatch(command)
    return {"reportId": to_text("rep", report_id), "status": "received"}


class ReportController(Controller):
    path = "/v1/admin/reports"
    tags = ("administration",)

    @get(summary="What was reported, the oldest first")
    async def listed(
        self, request: AnyRequest, administrator: Administrator, parts: Given
    ) -> dict[str, Any]:
        """With `status=open`: what waits to be judged."""
        asked = Asked(request)
        wanted = Wanted(
            resolved=asked.one("status", {"open": False, "resolved": True}),
            image_id=asked.id("imageId", "img", ImageId),
            **paging(asked),
        )
        asked.check()
        docket = await parts.cases.list(wanted)
        images = await parts.gallery.cards({it.image_id for it in docket.cases})
        return page_of(
            "reports",
            [_shown(it) | {"known": it.image_id in images} for it in docket.cases],
            limit=wanted.limit,
            page=wanted.page,
            total=docket.total,
            following=docket.next_cursor,
        )

    @post("/{id:str}/resolve", status_code=200, summary="Judge it")
    async def resolve(
        self,
        id: FromPath[str],
        data: JSONBody[Judgement],
        administrator: Administrator,
        parts: Given,
    ) -> Response[dict[str, Any]]:
        """`takedown` and `quarantine` are done to the image, too. Once: it can be undone there."""
        report_id = id_of("rep", id)
        command = ResolveReport(
            by=administrator, report_id=report_id, to=data.action, reason=data.reason
        )
        headers = await written(parts, await parts.dispatch(command), REPORTS)
        found = await parts.cases.find(report_id)
        if found is None:
            raise NotFound
        return Response(_shown(found), headers=headers)


def _named(data: NewReport) -> ImageId:
    """The image that is meant. Raises Validation where none is."""
    match = _NAMED.search(data.image_id or data.url or "")
    found = from_text("img", match[0]) if match else None
    if found is None:
        field = "imageId" if data.image_id else "url"
        raise Validation.of(field, "names no image")
    return ImageId(found)


def _shown(case: Case) -> dict[str, Any]:
    signed_in = case.reporter_id != NOBODY
    return {
        "reportId": to_text("rep", case.id),
        "imageId": to_text("img", case.image_id),
        "reason": case.reason.value,
        "details": case.details,
        "email": case.email,
        "reporterId": to_text("u", case.reporter_id) if signed_in else None,
        "filedAt": case.filed_at,
        "resolution": case.resolution.value if case.resolution else None,
        "resolvedBy": to_text("u", case.resolved_by) if case.resolved_by else None,
        "resolvedAt": case.resolved_at,
        "verdict": case.verdict,
    }
