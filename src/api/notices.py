"""What its reader should know: the list of notices."""

from typing import Any

from litestar import Controller, get, post
from litestar.params import FromPath

from api.asking import MAX_LIMIT, MAX_PAGE, Asked, page_of
from api.identifiers import id_of
from api.identity import AnyRequest, Caller
from api.parts import Given, Parts
from api.waiting import position
from domain.account_marks import NewDeviceSeen, QuotaThresholdReached
from domain.album import AlbumLent
from domain.ids import to_text
from domain.organization import MemberInvited, RoomRanShort
from domain.refusals import NotFound
from domain.webhook import DeliveryAbandoned, WebhookDisabled
from projections.notices import WORDS, Kind, Notice, reason

ELSEWHERE = {Kind.QUOTA, Kind.INVITATION, Kind.SIGN_IN, Kind.WEBHOOK}
"""They are of no image."""


class NoticeController(Controller):
    path = "/v1/notifications"
    tags = ("accounts",)

    @get(summary="What happened to what is yours, the newest first")
    async def show(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        """`?unread=true` for what was not read yet."""
        asked = Asked(request)
        limit, page = asked.number("limit", 20, MAX_LIMIT), asked.number("page", 1, MAX_PAGE)
        unread, before = asked.flag("unread"), asked.one("cursor", position)
        asked.check()
        found = await parts.notices.of(caller, unread=unread, before=before, page=page, limit=limit)
        shown = page_of(
            "notifications",
            [await _told(parts, it) for it in found.notices],
            limit=limit,
            page=page,
            total=found.total,
            following=str(found.notices[-1].position) if found.more else None,
        )
        return shown | {"unread": found.unread}

    @post("/{id:str}/read", status_code=200, summary="Note that it was read")
    async def read(self, id: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        read_at = await parts.notices.read(caller, id_of("ntf", id), parts.clock())
        if read_at is None:
            raise NotFound
        return {"notificationId": id, "readAt": read_at}


async def _told(parts: Parts, notice: Notice) -> dict[str, Any]:
    history = await parts.store.load(notice.stream_id)
    event = next((it.event for it in history if it.position == notice.position), None)
    return {
        "notificationId": to_text("ntf", notice.id),
        "kind": notice.kind.value,
        **_about(notice, event),
        "text": WORDS[notice.kind],
        "reason": reason(event),
        "at": notice.at,
        "readAt": notice.read_at,
    }


def _about(notice: Notice, event: Any) -> dict[str, Any]:
    """What it is of, by name; what was destroyed meanwhile has none but that of an image."""
    match event:
        case QuotaThresholdReached(percent=percent):
            return {"percent": percent}
        case RoomRanShort(percent=percent):
            return {"percent": percent, "orgId": to_text("org", notice.stream_id)}
        case AlbumLent():
            return {"albumId": to_text("alb", notice.stream_id)}
        case NewDeviceSeen(personal=device):
            return {"address": device.address, "agent": device.agent} if device else {}
        case MemberInvited(invitation_id=invitation_id, role=role):
            return {
                "orgId": to_text("org", notice.stream_id),
                "invitationId": to_text("inv", invitation_id),
                "role": role.value,
            }
        case DeliveryAbandoned(position=position):
            return {"webhookId": to_text("whk", notice.stream_id), "position": position}
        case WebhookDisabled(cause=cause):
            return {"webhookId": to_text("whk", notice.stream_id), "disabled": cause}
    return {} if notice.kind in ELSEWHERE else {"imageId": to_text("img", notice.stream_id)}
