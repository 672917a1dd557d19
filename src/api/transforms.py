"""Pictures as they are asked for: size, shape, quality and more, in the URL."""

from typing import Any

from litestar import Response, route
from litestar.params import FromPath

from api.conversions import wanted_of
from api.delivery import READ, answer, asked_for, converted, negotiated
from api.identity import AnyRequest, MaybeCaller, signed_exactly
from api.parts import Given, Parts
from api.pictures import EXTENSIONS
from api.seeing import visible
from commands.transforming import Wanted
from domain import preset, transform
from domain.refusals import NotFound
from domain.transform import Transform
from projections.gallery import Card, Exhibit


@route(
    "/images/{id:str}/t/{ops:str}",
    http_method=READ,
    tags=["delivery"],
    summary="A transform: operations like w_640,h_480,fit_cover or a preset like p_hero, with"
    " .jpg .png .webp .avif .gif or .auto",
)
async def transformed(
    request: AnyRequest,
    id: FromPath[str],
    ops: FromPath[str],
    maybe_caller: MaybeCaller,
    parts: Given,
) -> Response[Any]:
    exhibit = await visible(request, parts, maybe_caller, id, asked_for(request))
    text, _, extension = ops.rpartition(".")
    if extension not in (*EXTENSIONS, "auto"):
        raise NotFound
    wanted = await _wanted(request, parts, exhibit, text, extension)
    vary = "Accept" if extension == "auto" else ""
    body = await converted(request, parts, exhibit, wanted, vary=vary)
    return answer(request, parts, exhibit, body)


async def _wanted(
    request: AnyRequest, parts: Parts, exhibit: Exhibit, text: str, extension: str
) -> Wanted:
    """Raises Validation, NotFound for an unknown preset, or SignatureRequired."""
    card = exhibit.card
    signed, named = signed_exactly(request), text.startswith(preset.PREFIX)
    asked = await _preset(parts, card, text) if named else transform.parse(text)
    if not (signed or named):
        transform.require_steps(asked, parts.steps)
    format = EXTENSIONS.get(extension) or negotiated(request, exhibit, late=False)
    return wanted_of(exhibit, asked, format, charged=not (signed or named))


async def _preset(parts: Parts, card: Card, text: str) -> Transform:
    owner = await parts.accounts.find(card.owner_id)
    ops = owner.presets.get(text.removeprefix(preset.PREFIX)) if owner else None
    if ops is None:
        raise NotFound
    return transform.parse(ops)
