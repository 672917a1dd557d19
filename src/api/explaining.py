"""Why who can see an image: told to who manages it, event by event."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import get
from litestar.params import FromPath

from api.identity import AnyRequest, Caller
from api.parts import Given
from api.seeing import visible
from domain.access import Action
from domain.ids import to_text
from domain.stream import Recorded
from projections.explaining import Closed, Grant, album_ids, closed, grants
from projections.history import told


@get("/v1/images/{id:str}/access", tags=["sharing"], summary="Who can see it, and why")
async def access(
    request: AnyRequest, id: FromPath[str], caller: Caller, parts: Given
) -> dict[str, Any]:
    """Each grant names the events that together make it so, by their positions in the log."""
    card = (await visible(request, parts, caller, id, Action.MANAGE)).card
    history = await parts.store.load(card.id)
    albums: dict[UUID, Sequence[Recorded[Any]]] = {
        it: await parts.store.load(it) for it in album_ids(history)
    }
    teams = {it[0].event.owner_id for it in albums.values() if it and it[0].event.team_id}
    if card.entrusted:
        teams.add(card.owner_id)
    owners = {it: await parts.store.load(it) for it in teams}
    shut = closed(history)
    return {
        "imageId": id,
        "visibility": card.visibility.value,
        "closed": _closed(shut) if shut else None,
        "grants": [_grant(it, shut) for it in grants(history, albums, owners, now=parts.clock())],
    }


def _grant(grant: Grant, shut: Closed | None) -> dict[str, Any]:
    to = "account" if grant.account_id else "link" if grant.share_id else "everyone"
    return {
        "to": to,
        "userId": to_text("u", grant.account_id) if grant.account_id else None,
        "shareId": to_text("shr", grant.share_id) if grant.share_id else None,
        "albumId": to_text("alb", grant.album_id) if grant.album_id else None,
        "via": grant.via,
        "permissions": sorted(grant.permissions),
        "manages": grant.manages,
        "expiresAt": grant.expires_at,
        "effective": grant.manages or shut is None,
        "because": _events(grant.because),
    }


def _closed(shut: Closed) -> dict[str, Any]:
    return {"reason": shut.reason, "because": _events(shut.because)}


def _events(because: Sequence[Recorded[Any]]) -> list[dict[str, Any]]:
    entries = [told(it) for it in because]
    return [
        {
            "position": it.position,
            "type": it.type,
            "streamId": it.stream,
            "at": it.at,
            "actor": it.actor,
        }
        for it in entries
    ]
