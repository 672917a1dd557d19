"""Webhooks: where an account wants to be told of events."""

from operator import itemgetter
from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.album_views import visible_album
from api.asking import MAX_LIMIT, MAX_PAGE, Asked, page_of
from api.bodies import NewRedelivery, NewWebhook
from api.idempotency import Ids
from api.identifiers import id_of
from api.identity import AnyRequest, Caller
from api.parts import Given, Parts
from api.reading import line
from api.short_lists import short_list
from api.waiting import position, written
from commands.webhooks import (
    CreateWebhook,
    DeleteWebhook,
    Delivery,
    Made,
    Reached,
    Redeliver,
    RotateSecret,
    load_webhook,
)
from domain import webhook
from domain.access import Action, Viewer
from domain.catalogue import stream_of
from domain.ids import AccountId, WebhookId, to_text
from domain.refusals import NotFound, Validation
from domain.webhook import Endpoint, Webhook
from projections.audit_log import type_of


class WebhookController(Controller):
    path = "/v1/webhooks"
    tags = ("events",)

    @post(summary="Be told of events; the secret is shown this once")
    async def create(
        self, data: JSONBody[NewWebhook], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        """Requests are signed as Standard Webhooks says it. `data` is what the feed tells."""
        viewer, within = Viewer(account_id=caller), None
        if data.album_id:
            album = await visible_album(parts, viewer, data.album_id, Action.VIEW)
            within = album.card.id
        parts.check_url(data.url)
        description = line("description", data.description) if data.description else ""
        id = WebhookId(new_id())
        command = CreateWebhook(
            by=caller,
            webhook_id=id,
            endpoint=Endpoint(url=data.url, description=description),
            types=_types(data.types),
            album_id=within,
        )
        made: Made = await parts.dispatch(command)
        headers = await written(parts, made.receipt)
        headers |= {"Location": f"{self.path}/{to_text('whk', id)}", "Cache-Control": "no-store"}
        standing = (await parts.webhooks.of(caller))[id]
        body = _shown(made.webhook, standing) | {"secret": made.secret}
        return Response(body, status_code=201, headers=headers)

    @get(summary="Your webhooks, without their secrets")
    async def list(self, request: AnyRequest, caller: Caller, parts: Given) -> dict[str, Any]:
        known = await parts.webhooks.of(caller)
        states = [(await load_webhook(id, store=parts.store), it) for id, it in known.items()]
        shown = [_shown(state, it) for state, it in states if state and not state.deleted]
        return short_list(request, "webhooks", shown, by=itemgetter("webhookId"))

    @get("/{id:str}", summary="One of your webhooks, and how far it is")
    async def read(self, id: FromPath[str], caller: Caller, parts: Given) -> dict[str, Any]:
        return _shown(*await _own(parts, caller, id))

    @delete("/{id:str}", status_code=204, summary="Be told no more")
    async def remove(self, id: FromPath[str], caller: Caller, parts: Given) -> Response[None]:
        receipt = await parts.dispatch(DeleteWebhook(by=caller, webhook_id=_id(id)))
        return Response(None, status_code=204, headers=await written(parts, receipt))

    @get("/{id:str}/deliveries", summary="What became of the last thousand deliveries")
    async def deliveries(
        self, request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
    ) -> dict[str, Any]:
        """Newest first."""
        await _own(parts, caller, id)
        asked = Asked(request)
        limit, page = asked.number("limit", 20, MAX_LIMIT), asked.number("page", 1, MAX_PAGE)
        before = asked.one("cursor", position)
        asked.check()
        skip = 0 if before else (page - 1) * limit
        found = await parts.webhooks.deliveries(_id(id), before=before, skip=skip, limit=limit + 1)
        shown = found[:limit]
        return page_of(
            "deliveries",
            [*map(_told, shown)],
            limit=limit,
            page=page,
            total=await parts.webhooks.kept(_id(id)),
            following=str(shown[-1].number) if len(found) > limit else None,
        )

    @post("/{id:str}/redeliver", status_code=202, summary="Be told again, from a position on")
    async def redeliver(
        self,
        data: JSONBody[NewRedelivery],
        id: FromPath[str],
        caller: Caller,
        parts: Given,
        new_id: Ids,
    ) -> Response[dict[str, Any]]:
        """In order, with the same `webhook-id`s. One that was disabled is told again, too."""
        await _own(parts, caller, id)
        head = await parts.feed.head()
        if data.from_ > head + 1:
            raise Validation.of("from", f"must be a position; the last is {head}")
        command = Redeliver(by=caller, webhook_id=_id(id), position=data.from_, request=new_id())
        headers = await written(parts, await parts.dispatch(command))
        body = {"webhookId": id, "from": data.from_}
        return Response(body, status_code=202, headers=headers)

    @post("/{id:str}/rotate-secret", status_code=200, summary="A new secret, shown this once")
    async def rotate(
        self, id: FromPath[str], caller: Caller, parts: Given, new_id: Ids
    ) -> Response[dict[str, Any]]:
        """For a day both sign: a request then carries two signatures."""
        command = RotateSecret(by=caller, webhook_id=_id(id), request=new_id())
        made: Made = await parts.dispatch(command)
        headers = await written(parts, made.receipt) | {"Cache-Control": "no-store"}
        return Response({"webhookId": id, "secret": made.secret}, headers=headers)


def _types(types: list[str]) -> tuple[str, ...]:
    wrong = [
        {"field": f"types[{number}]", "message": "no event is called so"}
        for number, text in enumerate(types)
        if not _told_of(text)
    ]
    if wrong:
        raise Validation(errors=wrong)
    return tuple(dict.fromkeys(types))


def _told_of(text: str) -> bool:
    try:
        return stream_of(type_of(text)) != "webhook"
    except ValueError:
        return False


async def _own(parts: Parts, caller: AccountId, text: str) -> tuple[Webhook, Reached]:
    """Raises NotFound."""
    id = _id(text)
    state = webhook.owned(await load_webhook(id, store=parts.store), by=caller)
    standing = (await parts.webhooks.of(caller)).get(id)
    if standing is None:
        raise NotFound
    return state, standing


def _id(text: str) -> WebhookId:
    return WebhookId(id_of("whk", text))


def _shown(state: Webhook, standing: Reached) -> dict[str, Any]:
    return {
        "webhookId": to_text("whk", standing.id),
        "url": state.url,
        "description": state.description,
        "types": state.types,
        "albumId": to_text("alb", state.album_id) if state.album_id else None,
        "createdAt": standing.made_at,
        "position": standing.position,
        "disabled": state.disabled,
        "failingSince": standing.failing_since,
        "nextAttemptAt": standing.next_at if standing.attempts else None,
    }


def _told(delivery: Delivery) -> dict[str, Any]:
    return {
        "position": delivery.position,
        "type": delivery.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "reason": delivery.reason or None,
        "answer": delivery.answer,
        "durationMs": delivery.milliseconds,
        "firstAttemptAt": delivery.first_at,
        "lastAttemptAt": delivery.last_at,
    }
