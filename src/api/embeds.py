"""Public images on other people's pages: codes to embed them, oEmbed 1.0, a page of their own.

Whatever stands here is the same for everybody: it shows what somebody without credentials may see.
"""

from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get
from litestar.params import FromPath

from api import embed_views, pages, ranges, surroundings
from api.asking import Asked
from api.embed_views import Shown
from api.heads import CACHING
from api.identifiers import image_id
from api.identity import AnyRequest, MaybeCaller
from api.parts import Given, Parts
from api.pictures import etag
from api.seeing import visible
from domain import access
from domain.access import ANONYMOUS, Action, Visibility
from domain.ids import to_text
from domain.media import Rung, within
from domain.refusals import (
    Forbidden,
    FormatNotImplemented,
    NotEmbeddable,
    NotFound,
    Refusal,
    Unauthenticated,
    Validation,
)
from projections.gallery import Exhibit

FRESH = 300
"""Seconds that whoever asks oEmbed may keep its answer."""
PLACES = ("p", "images")
"""What the path of a URL that oEmbed knows begins with; an image's id follows."""
MOST = 1_000_000
FORMATS = {it: it for it in ("json", "xml")}


@get("/v1/images/{id:str}/embed", tags=["sharing"], summary="Codes to embed a public image by")
async def embed(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> dict[str, Any]:
    exhibit = await visible(request, parts, maybe_caller, id, Action.VIEW)
    if await _refusal(parts, exhibit):
        raise NotEmbeddable
    it = embed_views.shown(exhibit, parts.public_url)
    return {
        "html": embed_views.html(it),
        "markdown": embed_views.markdown(it),
        "bbcode": embed_views.bbcode(it),
        "oembedUrl": it.oembed,
        "pageUrl": it.page,
    }


@get("/oembed", tags=["sharing"], summary="oEmbed 1.0, of type photo")
async def oembed(request: AnyRequest, parts: Given) -> Response[dict[str, Any]]:
    """404 for what is not here, 401 for what not everybody may see, 501 for XML."""
    asked = Asked(request)
    url, format = asked.text("url", 2_000), asked.one("format", FORMATS) or "json"
    widest, highest = (asked.number(name, MOST, MOST) for name in ("maxwidth", "maxheight"))
    asked.check()
    if format != "json":
        raise FormatNotImplemented(format=format)
    if url is None:
        raise Validation.of("url", "is missing")
    exhibit = await _of_url(parts, url)
    body = _photo(parts, embed_views.shown(exhibit, parts.public_url), widest, highest)
    return Response(body, headers=_headers(exhibit))


@get("/p/{id:str}", tags=["sharing"], summary="The page of a public image")
async def page(request: AnyRequest, id: FromPath[str], parts: Given) -> Response[Any]:
    """No script; what the previews of messengers and networks are made from."""
    try:
        exhibit = await _public(parts, id)
    except Refusal as no:
        if not pages.wanted(request):
            raise
        return pages.refused(no)
    it, listed = embed_views.shown(exhibit, parts.public_url), _listed(exhibit)
    headers = _headers(exhibit) | {
        "ETag": etag(exhibit),
        "Link": f'<{it.oembed}>; rel="alternate"; type="application/json+oembed"',
    }
    if ranges.matches(headers["ETag"], request.headers.get("If-None-Match")):
        return Response(b"", status_code=304, headers=headers, media_type="text/html")
    return pages.page(
        it.alt,
        embed_views.body(it),
        head=embed_views.head(it, listed=listed),
        headers=headers,
        public=True,
    )


async def _public(parts: Parts, id: str) -> Exhibit:
    """Raises NotFound or Forbidden."""
    exhibit = await parts.gallery.find(image_id(id))
    if exhibit is None:
        raise NotFound
    if no := await _refusal(parts, exhibit):
        raise no
    return exhibit


async def _refusal(parts: Parts, exhibit: Exhibit) -> Refusal | None:
    """What somebody without credentials is told."""
    subject = await surroundings.subject(parts, exhibit.card, ANONYMOUS, Action.VIEW)
    return access.decide(ANONYMOUS, Action.VIEW, subject, now=parts.clock())


async def _of_url(parts: Parts, url: str) -> Exhibit:
    """Raises NotFound or Unauthenticated, as oEmbed has it."""
    try:
        asked, ours = urlsplit(url), urlsplit(parts.public_url)
    except ValueError:
        raise NotFound from None
    steps = asked.path.removeprefix(ours.path.rstrip("/")).split("/")
    if asked.netloc.lower() != ours.netloc.lower() or len(steps) < 3 or steps[1] not in PLACES:
        raise NotFound
    try:
        return await _public(parts, steps[2])
    except Forbidden as error:
        raise Unauthenticated from error


def _photo(parts: Parts, it: Shown, widest: int, highest: int) -> dict[str, Any]:
    url, (width, height) = _fitting(parts, it, widest, highest)
    thumb_width, thumb_height = it.sizes[Rung.THUMB]
    return {
        "version": "1.0",
        "type": "photo",
        "url": url,
        "width": min(width, widest),
        "height": min(height, highest),
        "title": it.alt,
        "provider_name": embed_views.SITE,
        "provider_url": it.page.rpartition("/p/")[0],
        "cache_age": FRESH,
        **(
            {
                "thumbnail_url": it.jpeg(Rung.THUMB),
                "thumbnail_width": thumb_width,
                "thumbnail_height": thumb_height,
            }
            if _fits(it.sizes[Rung.THUMB], widest, highest)
            else {}
        ),
    }


def _fitting(parts: Parts, it: Shown, widest: int, highest: int) -> tuple[str, tuple[int, int]]:
    """The largest rendering that fits, or the largest step that everybody may ask for; where even
    the smallest is too large, that one, to be shown smaller."""
    for rung in reversed(Rung):
        if _fits(it.sizes[rung], widest, highest):
            return it.jpeg(rung), it.sizes[rung]
    steps = sorted(step for step in parts.steps if step < Rung.THUMB.side)
    found = [step for step in steps if _fits(_within(it, step), widest, highest)]
    if not found + steps:
        return it.jpeg(Rung.THUMB), it.sizes[Rung.THUMB]
    step = (found[-1:] or steps)[0]
    return f"{it.original}/t/w_{step},h_{step},fit_inside.jpg", _within(it, step)


def _within(it: Shown, side: int) -> tuple[int, int]:
    return within(it.card.width, it.card.height, side)


def _fits(size: tuple[int, int], widest: int, highest: int) -> bool:
    return size[0] <= widest and size[1] <= highest


def _headers(exhibit: Exhibit) -> dict[str, str]:
    """Pages are cached as the image is."""
    hidden = {} if _listed(exhibit) else {"X-Robots-Tag": "noindex"}
    return {
        "Cache-Control": CACHING[exhibit.card.visibility],
        "Surrogate-Key": to_text("img", exhibit.card.id),
        **hidden,
    }


def _listed(exhibit: Exhibit) -> bool:
    return exhibit.card.visibility is Visibility.PUBLIC
