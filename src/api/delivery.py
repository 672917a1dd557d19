"""Pictures to whoever may see them: the routes that browsers and caches ask."""

from contextlib import aclosing, suppress
from typing import Any

import msgspec
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from api import heads, ranges, renderings
from api.conversions import etag_of, wanted_of
from api.identity import AnyRequest, MaybeCaller, signed_exactly
from api.parts import Given, Parts
from api.pictures import EXTENSIONS
from api.problems import beyond
from api.seeing import visible
from api.streaming import Chunks, Streamed
from commands import object_keys
from commands.ports import ObjectKey, ObjectMissing
from commands.transfers import exceeded
from commands.transforming import Wanted
from domain.access import Action
from domain.ids import AccountId
from domain.media import Format, Rung
from domain.refusals import NotFound, PreconditionFailed
from domain.transform import Transform
from projections.gallery import Exhibit

BOUNDARY = "darkroom-range"
READ = [HttpMethod.GET, HttpMethod.HEAD]


class Body(heads.Sent, frozen=True, kw_only=True):
    """Bytes to be served: in memory, or in the object store."""

    size: int
    held: bytes | None = None
    key: ObjectKey | None = None

    async def chunks(self, parts: Parts, span: ranges.Span) -> Chunks:
        start, stop = span
        if self.held is not None:
            yield self.held[start:stop]
            return
        assert self.key is not None
        async with parts.objects.stream(self.key, start=start, stop=stop) as stream:
            async for chunk in stream:
                yield chunk


@route("/images/{id:str}", http_method=READ, tags=["delivery"], summary="The original's bytes")
async def original(
    request: AnyRequest, id: FromPath[str], maybe_caller: MaybeCaller, parts: Given
) -> Response[Any]:
    exhibit = await visible(request, parts, maybe_caller, id, asked_for(request))
    return answer(request, parts, exhibit, await original_of(parts, exhibit, maybe_caller))


@route(
    "/images/{id:str}/{variant:str}",
    http_method=READ,
    tags=["delivery"],
    summary="A rendering: thumb, small, medium, large or original, with .jpg .png .webp .avif .gif",
)
async def rendering(
    request: AnyRequest,
    id: FromPath[str],
    variant: FromPath[str],
    maybe_caller: MaybeCaller,
    parts: Given,
) -> Response[Any]:
    exhibit = await visible(request, parts, maybe_caller, id, asked_for(request))
    name, _, extension = variant.partition(".")
    asked = EXTENSIONS.get(extension)
    if name == "original" and (asked or extension) in (exhibit.card.format, "auto"):
        body = await original_of(parts, exhibit, maybe_caller)
    elif name == "original" and asked:
        charged = not signed_exactly(request)
        wanted = wanted_of(exhibit, Transform(), asked, charged=charged)
        body = await converted(request, parts, exhibit, wanted)
    else:
        body = await _rendering(request, parts, exhibit, name, extension)
    return answer(request, parts, exhibit, body)


def answer(request: AnyRequest, parts: Parts, exhibit: Exhibit, body: Body) -> Response[Any]:
    """The body or a part of it, under every condition that HTTP knows.

    Raises PreconditionFailed, and TransferExceeded once the owner's images were fetched as much as
    may be in a month.
    """
    if spent := parts.allowances.spent(exhibit.card.owner_id):
        raise exceeded(spent, body.size)
    card, ask = exhibit.card, request.headers.get
    headers = _headers(request, exhibit, body)
    if ranges.fails(body.etag, card.created_at, ask("If-Match"), ask("If-Unmodified-Since")):
        raise PreconditionFailed
    if unchanged(request, exhibit, body.etag):
        return Response(b"", status_code=304, headers=headers, media_type=body.content_type)
    wanted = ask("Range") if ranges.applies(body.etag, card.created_at, ask("If-Range")) else None
    spans = ranges.spans(wanted, body.size)
    if spans is None:
        return _streamed(request, parts, body, 200, headers, (0, body.size))
    if not spans:
        return beyond(body.size)
    if len(spans) == 1:
        first, stop = spans[0]
        headers["Content-Range"] = f"bytes {first}-{stop - 1}/{body.size}"
        return _streamed(request, parts, body, 206, headers, spans[0])
    return _multipart(request, parts, body, headers, list(spans))


def unchanged(request: AnyRequest, exhibit: Exhibit, etag: str) -> bool:
    ask = request.headers.get
    since = exhibit.card.created_at
    return ranges.unchanged(etag, since, ask("If-None-Match"), ask("If-Modified-Since"))


def _streamed(
    request: AnyRequest,
    parts: Parts,
    body: Body,
    status: int,
    headers: dict[str, str],
    span: ranges.Span,
) -> Response[Any]:
    headers = headers | {"Content-Length": str(span[1] - span[0])}
    if body.held is not None and request.method != HttpMethod.HEAD:
        held = body.held[slice(*span)]
        return Response(held, status_code=status, headers=headers, media_type=body.content_type)
    return _sent(request, parts, body.chunks(parts, span), status, headers, body.content_type)


def _multipart(
    request: AnyRequest,
    parts: Parts,
    body: Body,
    headers: dict[str, str],
    spans: list[ranges.Span],
) -> Response[Any]:
    heads = [
        f"\r\n--{BOUNDARY}\r\nContent-Type: {body.content_type}\r\n"
        f"Content-Range: bytes {first}-{stop - 1}/{body.size}\r\n\r\n".encode()
        for first, stop in spans
    ]
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    length = sum(map(len, heads)) + sum(stop - first for first, stop in spans) + len(tail)

    async def chunks() -> Chunks:
        for head, span in zip(heads, spans, strict=True):
            yield head
            async with aclosing(body.chunks(parts, span)) as part:
                async for chunk in part:
                    yield chunk
        yield tail

    headers = headers | {"Content-Length": str(length)}
    content_type = f"multipart/byteranges; boundary={BOUNDARY}"
    return _sent(request, parts, chunks(), 206, headers, content_type)


def _sent(
    request: AnyRequest,
    parts: Parts,
    chunks: Chunks,
    status: int,
    headers: dict[str, str],
    content_type: str,
) -> Response[Any]:
    if request.method == HttpMethod.HEAD:
        return Response(b"", status_code=status, headers=headers, media_type=content_type)
    return Streamed(
        chunks, parts.streams, status_code=status, headers=headers, media_type=content_type
    )


async def original_of(parts: Parts, exhibit: Exhibit, caller: AccountId | None) -> Body:
    """Exactly what was uploaded; to others without its whereabouts, unless the owner keeps them."""
    card = exhibit.card
    assert card.format is not None
    whole = Body(
        etag=f'"{card.checksum}"',
        content_type=card.format.content_type,
        size=card.size,
        key=card.original,
        private=caller == card.owner_id,
        vary="Authorization",
    )
    if caller == card.owner_id or not await _hides_place(parts, exhibit):
        return whole
    etag = f'"{card.checksum}-scrubbed"'
    if exhibit.print:
        key = object_keys.scrubbed(card.id, exhibit.print.recipe)
        with suppress(ObjectMissing):  # a print: where it is lost, it is made again
            size = (await parts.objects.head(key)).size
            return msgspec.structs.replace(whole, etag=etag, key=key, size=size)
    clean = await parts.printer.scrubbed(card.original)
    if clean is None:
        return whole
    return msgspec.structs.replace(whole, etag=etag, key=None, held=clean, size=len(clean))


async def _hides_place(parts: Parts, exhibit: Exhibit) -> bool:
    if exhibit.print and not exhibit.print.scrubbed:
        return False
    owner = await parts.accounts.find(exhibit.card.owner_id)
    return owner is None or not owner.keep_gps


async def _rendering(
    request: AnyRequest, parts: Parts, exhibit: Exhibit, name: str, extension: str
) -> Body:
    if name not in list(Rung) or extension not in (*EXTENSIONS, "auto"):
        raise NotFound
    card, rung, asked = exhibit.card, Rung(name), EXTENSIONS.get(extension)
    format = asked or negotiated(request, exhibit, late=True)
    sent = renderings.sent(card, parts.lab.recipe, rung, format, asked=asked)
    made = b""
    if not unchanged(request, exhibit, sent.etag):
        made = await parts.printer.derivative(card.original, card.id, rung, format)
    return Body(**msgspec.structs.asdict(sent), size=len(made), held=made)


async def converted(
    request: AnyRequest, parts: Parts, exhibit: Exhibit, wanted: Wanted, *, vary: str = ""
) -> Body:
    """Raises what Transformer.transformed does."""
    etag = etag_of(exhibit, parts.lab.recipe, wanted)
    made = b""
    if not unchanged(request, exhibit, etag):
        made = await parts.transformer.transformed(wanted)
    content_type = wanted.format.content_type
    return Body(etag=etag, content_type=content_type, size=len(made), held=made, vary=vary)


def negotiated(request: AnyRequest, exhibit: Exhibit, *, late: bool) -> Format:
    """`late` is that AVIF may be there: it takes too long to be made for somebody who waits."""
    return renderings.negotiated(request.headers.get("Accept", ""), exhibit, late=late)


def asked_for(request: AnyRequest) -> Action:
    return Action.DOWNLOAD if request.query_params.get("download") else Action.VIEW


def _headers(request: AnyRequest, exhibit: Exhibit, body: Body) -> dict[str, str]:
    query = request.query_params
    asked = heads.Asked(
        id=request.path_params["id"],
        signed="sig" in query,
        download=bool(query.get("download")),
        version=str(query.get("v", "")),
    )
    return heads.head(asked, exhibit.card, body)
