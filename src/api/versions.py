"""What there is of an image to be had: the original, and every rendering that is stored."""

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from api.delivery import original_of
from api.identity import AnyRequest, MaybeCaller
from api.parts import Given, Parts
from api.seeing import described
from commands import object_keys
from domain.media import Format, Rung
from projections.gallery import Card, Exhibit


class Version(msgspec.Struct, kw_only=True, rename="camel"):
    """Stored bytes; other renderings are made when they are asked for."""

    type: str
    """`original`, or the rung's name."""
    format: str
    width: int
    height: int
    """Upright, in pixels."""
    bytes: int
    recipe: str | None
    """How it was made; null of the original."""
    url: str


@get("/v1/images/{id:str}/versions", tags=["images"], summary="Every stored size and format")
async def versions(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> dict[str, Any]:
    exhibit = await described(request, parts, maybe_caller, id)
    url = f"{parts.public_url}/images/{id}"
    body = await original_of(parts, exhibit, maybe_caller)
    original = _original(exhibit.card, body.size, url)
    return {"versions": [original, *await _made(parts, exhibit, url)]}


def _original(card: Card, size: int, url: str) -> Version:
    assert card.format is not None
    return Version(
        type="original",
        format=card.format.value,
        width=card.width,
        height=card.height,
        bytes=size,
        recipe=None,
        url=url,
    )


async def _made(parts: Parts, exhibit: Exhibit, url: str) -> list[Version]:
    """The store is asked: it alone knows what was made on the spot."""
    card, recipe = exhibit.card, parts.lab.recipe
    prefix = object_keys.made_by(card.id, recipe)
    sizes = {it.key: it.size async for it in parts.objects.list(prefix)}
    return [
        Version(
            type=rung.value,
            format=format.value,
            width=width,
            height=height,
            bytes=sizes[key],
            recipe=recipe,
            url=f"{url}/{rung}.{format.extension}",
        )
        for rung in Rung
        for width, height in [rung.fit(card.width, card.height)]
        for format in Format
        if (key := object_keys.derivative(card.id, recipe, rung, format)) in sizes
    ]
