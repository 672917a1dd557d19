"""What looks like an image: near duplicates among what the caller may see."""

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from api.asking import Asked, leaf, next_leaf, page_of
from api.identity import AnyRequest, MaybeCaller
from api.parts import Given
from api.pictures import picture
from api.seeing import described
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
    limit, page = leaf(asked)
    asked.check()
    viewer = Viewer(account_id=maybe_caller)
    likes = await parts.likenesses.of(card.id, viewer, within=within, limit=limit, page=page)
    distances = {like.exhibit.card.id: like.distance for like in likes.found}
    shown = await listable(parts, viewer, [like.exhibit for like in likes.found])
    rows = [
        msgspec.to_builtins(picture(it, parts.public_url)) | {"distance": distances[it.card.id]}
        for it in shown
    ]
    following = next_leaf(limit, page, likes.total)
    return page_of("images", rows, limit=limit, page=page, total=likes.total, following=following)
