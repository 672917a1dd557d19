"""Share links as clients see them: their URLs, and what became of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.identity import PAGE, share_path
from api.parts import Parts
from commands.counts import Looks
from domain.access import Share
from domain.ids import AlbumId, ImageId, ShareId, to_text


def signed(
    parts: Parts, of: ImageId | AlbumId, share_id: ShareId, until: datetime, *, page: bool = False
) -> str:
    """The query that opens what a link lends; `page`: to whoever has given its password."""
    parameters = {"share": to_text("shr", share_id)} | ({PAGE: "1"} if page else {})
    url = parts.signer.sign(share_path(of), parameters, until, parts.clock()).url
    return url.partition("?")[2]


def image_url(parts: Parts, image: ImageId, query: str) -> str:
    return f"{parts.public_url}/images/{to_text('img', image)}?{query}"


def album_url(parts: Parts, album: AlbumId, query: str) -> str:
    id = to_text("alb", album)
    return f"{parts.public_url}/v1/albums/{id}/images?album={id}&{query}"


def page_url(parts: Parts, share_id: ShareId, share: Share) -> str | None:
    """None for what is made out to an account: its page could not tell who looks at it."""
    return None if share.shared_with else f"{parts.public_url}/s/{to_text('shr', share_id)}"


def made(parts: Parts, share_id: ShareId, share: Share, url: str) -> dict[str, Any]:
    """Of one that was just made."""
    return {
        "shareId": to_text("shr", share_id),
        "shareUrl": url,
        "expiresAt": share.expires_at,
        "pageUrl": page_url(parts, share_id, share),
        "hasPassword": share.locked,
    }


async def listed(
    parts: Parts, of: ImageId | AlbumId, shares: Mapping[ShareId, Share]
) -> list[dict[str, Any]]:
    """To whoever manages what they lend."""
    looks = await parts.tallies.of_links(of)
    return [_listed(parts, id, share, looks.get(id, Looks())) for id, share in shares.items()]


def _listed(parts: Parts, share_id: ShareId, share: Share, looks: Looks) -> dict[str, Any]:
    return {
        "shareId": to_text("shr", share_id),
        "permissions": sorted(share.permissions),
        "expiresAt": share.expires_at,
        "sharedWith": to_text("u", share.shared_with) if share.shared_with else None,
        "revoked": share.revoked,
        "pageUrl": page_url(parts, share_id, share),
        "hasPassword": share.locked,
        "views": looks.views,
        "lastViewedAt": looks.last_viewed_at,
    }
