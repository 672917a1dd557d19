"""What looks like an image: near duplicates among what the caller may see."""

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from api.identity import AnyRequest, MaybeCaller
from api.images import described
from api.listing import MAX_LIMIT, Asked
from api.parts import Given
from api.pictures import picture
from api.surroundings import listable
from domain.access import Viewer
from projections.likeness import FAR, NEAR


@get("/v1/images/{id:str}/similar", tags=["listing"], summary="What looks the same, or nearly")
async def similar(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> dict[str, Any]:
    """`maxDistance` bits of 64 may differ: saved anew 0 to 6, trimmed up to 10."""
    card = (await described(request, parts, maybe_caller, id)).card
    asked = Asked(request)
    within = asked.number("maxDistance", NEAR, FAR, least=0)
    limit = asked.number("limit", 20, MAX_LIMIT)
    asked.check()
    viewer = Viewer(account_id=maybe_caller)
    likes = await parts.likenesses.of(card.id, viewer, within=within, limit=limit)
    distances = {like.exhibit.card.id: like.distance for like in likes}
    shown = await listable(parts, viewer, [like.exhibit for like in likes])
    return {
        "images": [
            msgspec.to_builtins(picture(it, parts.public_url)) | {"distance": distances[it.card.id]}
            for it in shown
        ]
    }
