"""Albums as clients see them, and whether they may."""

from collections.abc import Sequence
from typing import Any

from api.identifiers import album_id
from api.parts import Parts
from domain import access
from domain.access import Action, Viewer
from domain.ids import AlbumId, to_text
from domain.media import Rung
from projections.albums import AlbumCard, Binder, Contents


async def visible_album(parts: Parts, viewer: Viewer, id: str, action: Action) -> Binder:
    """The album, if the viewer may do `action` with it. Raises the policy's refusal."""
    binder = await parts.albums.find(album_id(id))
    circle = binder.circle if binder else None
    access.require_on_album(viewer, action, circle, now=parts.clock())
    assert binder is not None
    return binder


async def shown(
    parts: Parts, viewer: Viewer, cards: Sequence[AlbumCard], *, lent: bool = False
) -> list[dict[str, Any]]:
    """The JSON of albums, with as much of their contents as the viewer may see."""
    contents = await parts.albums.contents([it.id for it in cards], viewer, lent=lent)
    parents = await parts.albums.cards({it.parent_id for it in cards if it.parent_id})
    now = parts.clock()
    seen = {
        id
        for id, it in parents.items()
        if access.decide_on_album(viewer, Action.VIEW, it.circle, now=now) is None
    }
    return [
        _document(parts, it, contents.get(it.id, Contents()))
        | {"parentId": _named(it.parent_id if it.parent_id in seen else None)}
        for it in cards
    ]


def _document(parts: Parts, card: AlbumCard, inside: Contents) -> dict[str, Any]:
    cover = to_text("img", inside.cover_id) if inside.cover_id else None
    return {
        "albumId": to_text("alb", card.id),
        "ownerId": to_text("org" if card.team_id else "u", card.owner_id),
        "teamId": to_text("team", card.team_id) if card.team_id else None,
        "title": card.title,
        "description": card.description,
        "visibility": card.visibility.value,
        "coverId": cover,
        "coverUrl": f"{parts.public_url}/images/{cover}/{Rung.THUMB}.webp" if cover else None,
        "imageCount": inside.images,
        "createdAt": card.created_at,
        "updatedAt": card.updated_at,
    }


def etag(card: AlbumCard) -> str:
    return f'"{card.version}"'


def _named(id: AlbumId | None) -> str | None:
    return to_text("alb", id) if id else None
