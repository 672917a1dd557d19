"""What a share link lends, as a page for people; and its lock, for them and for programs."""

from datetime import timedelta
from html import escape
from string import Template
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Controller, Response, post, route
from litestar.datastructures import Cookie
from litestar.enums import HttpMethod
from litestar.params import FromPath

from api import pages, share_links, share_views, surroundings
from api.bodies import PasswordOnly
from api.clients import client
from api.identifiers import share_id
from api.identity import AnyRequest, MaybeCaller
from api.parts import Given, Parts
from api.reading import converted
from api.robots import is_robot
from commands.share_links import UnlockShare
from domain import access
from domain.access import Action, Share, Viewer
from domain.ids import AccountId, AlbumId, ImageId, ShareId
from domain.refusals import (
    NotFound,
    PasswordRequired,
    PasswordWrong,
    RateLimited,
    Refusal,
    SignatureExpired,
    SignatureInvalid,
)
from projections.albums import Binder
from projections.gallery import Card, Exhibit

OPEN = timedelta(hours=12)
"""So long a password that was given is remembered, and the URLs on a page work."""
_COOKIE = "darkroom-share"
_SIGNED = ("exp", "kid", "sig")
_FORM = Template("""<form method="post" action="/s/$id/unlock">
<label>Password<input type="password" name="password" required autofocus autocomplete="off"></label>
<button>Open</button></form>""")


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A link, and what it lends."""

    share_id: ShareId
    share: Share
    lent: Exhibit | Binder

    @property
    def id(self) -> ImageId | AlbumId:
        return self.lent.card.id


class SharePages(Controller):
    path = "/s/{share:str}"
    tags = ("sharing",)

    @route(http_method=[HttpMethod.GET, HttpMethod.HEAD], summary="What a link lends, as a page")
    async def show(
        self, request: AnyRequest, share: FromPath[str], maybe_caller: MaybeCaller, parts: Given
    ) -> Response[Any]:
        """Where the link has a password, the page asks for it."""
        try:
            held = await _found(parts, share)
            unlocked = await _unlocked(request, parts, held.share_id)
            viewer = await _require(parts, held, maybe_caller, unlocked=unlocked)
            content = await _content(parts, held, viewer)
        except Refusal as no:
            return _refused(request, share, no)
        _count(request, parts, held)
        return pages.page(_title(held), content)

    @post("/unlock", status_code=303, summary="Open a link that has a password")
    async def unlock(
        self, request: AnyRequest, share: FromPath[str], parts: Given
    ) -> Response[Any]:
        """A form or JSON, `{password}`. Browsers are led back to the page; others are given
        `{shareUrl, expiresAt}`."""
        try:
            held = await _found(parts, share)
            await _require(parts, held, None, unlocked=True)
            if held.share.locked:
                await _try(request, parts, held)
        except Refusal as no:
            return _refused(request, share, no)
        until = min(parts.clock() + OPEN, held.share.expires_at)
        if pages.wanted(request):
            return _led_back(parts, share, held)
        _count(request, parts, held)
        query = share_links.signed(parts, held.id, held.share_id, until, page=True)
        url = (
            share_links.album_url(parts, held.lent.card.id, query)
            if isinstance(held.lent, Binder)
            else share_links.image_url(parts, held.lent.card.id, query)
        )
        return Response(
            {"shareUrl": url, "expiresAt": until},
            status_code=200,
            headers={"Cache-Control": "no-store"},
        )


async def _found(parts: Parts, text: str) -> Held:
    """Raises NotFound."""
    asked = share_id(text)
    lent = await _lent(parts, asked)
    share = lent.card.shares.get(asked) if lent else None
    if lent is None or share is None:
        raise NotFound
    return Held(share_id=asked, share=share, lent=lent)


async def _lent(parts: Parts, share_id: ShareId) -> Exhibit | Binder | None:
    image = await parts.gallery.lent_by(share_id)
    if image is not None:
        return await parts.gallery.find(image)
    album = await parts.albums.lent_by(share_id)
    return await parts.albums.find(album) if album is not None else None


async def _require(parts: Parts, held: Held, caller: AccountId | None, *, unlocked: bool) -> Viewer:
    """Raises the policy's refusal."""
    viewer = Viewer(account_id=caller, share_id=held.share_id, unlocked=unlocked)
    now = parts.clock()
    if isinstance(held.lent, Binder):
        access.require_on_album(viewer, Action.VIEW, held.lent.circle, now=now)
    else:
        subject = await surroundings.subject(parts, held.lent.card, viewer, Action.VIEW)
        access.require(viewer, Action.VIEW, subject, now=now)
    return viewer


async def _try(request: AnyRequest, parts: Parts, held: Held) -> None:
    """Raises PasswordWrong, RateLimited or Validation."""
    json = request.headers.get("Content-Type", "").startswith("application/json")
    given = await request.json() if json else await pages.fields(request)
    password = converted(given, PasswordOnly).password
    address = client(request.scope, parts.proxies)
    command = UnlockShare(share_id=held.share_id, password=password, client=address)
    await parts.dispatch(command)


def _led_back(parts: Parts, share: str, held: Held) -> Response[Any]:
    now = parts.clock()
    url = parts.signer.sign(_lock(held.share_id), {}, now + OPEN, now).url
    signed = dict(parse_qsl(url.partition("?")[2]))
    cookie = Cookie(
        key=_COOKIE,
        value=".".join(signed[name] for name in _SIGNED),
        path=f"/s/{share}",
        max_age=int(OPEN.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=parts.public_url.startswith("https:"),
    )
    headers = {"Location": f"/s/{share}", "Cache-Control": "no-store"}
    return Response("", status_code=303, media_type="text/plain", headers=headers, cookies=[cookie])


async def _unlocked(request: AnyRequest, parts: Parts, share_id: ShareId) -> bool:
    values = request.cookies.get(_COOKIE, "").split(".")
    if len(values) != len(_SIGNED):
        return False
    signed = dict(zip(_SIGNED, values, strict=True))
    await parts.url_keys.meet(signed["kid"])
    try:
        parts.signer.verify(_lock(share_id), signed, parts.clock())
    except (SignatureInvalid, SignatureExpired):
        return False
    return True


def _lock(share_id: ShareId) -> str:
    """What the cookie's signature stands for."""
    return f"unlocked:{share_id.hex}"


def _count(request: AnyRequest, parts: Parts, held: Held) -> None:
    robot = is_robot(request.headers.get("User-Agent", ""))
    if parts.counter and request.method != HttpMethod.HEAD and not robot:
        parts.counter.opened(held.share_id, held.id)


def _refused(request: AnyRequest, share: str, no: Refusal) -> Response[Any]:
    """Raises it again where a program asks."""
    if not pages.wanted(request):
        raise no
    if isinstance(no, PasswordRequired):
        form = _FORM.substitute(id=escape(share))
        return pages.page("This link has a password", form, status=403)
    again = isinstance(no, (PasswordWrong, RateLimited))
    return pages.refused(no, _FORM.substitute(id=escape(share)) if again else "")


async def _content(parts: Parts, held: Held, viewer: Viewer) -> str:
    until = min(parts.clock() + OPEN, held.share.expires_at)
    query = share_links.signed(parts, held.id, held.share_id, until, page=True)
    if isinstance(held.lent, Binder):
        return await share_views.album(parts, held.lent, viewer, query)
    return share_views.image(held.lent.card, held.share, query)


def _title(held: Held) -> str:
    card = held.lent.card
    return card.title or (card.filename if isinstance(card, Card) else "Album")
