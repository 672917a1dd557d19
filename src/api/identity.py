"""Who asks: a bearer token, a share link, a signed URL, or nobody."""

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

from litestar import Request
from litestar.datastructures import Headers
from litestar.di import NamedDependency

from api.identifiers import album_id
from api.parts import Given, Parts
from commands.accounts import find_account
from commands.credentials import Bearer
from domain import access, account
from domain.access import Scope, Viewer
from domain.ids import (
    AccountId,
    AlbumId,
    ImageId,
    ShareId,
    from_text,
    to_text,
)
from domain.refusals import Refusal, SignatureInvalid, Unauthenticated
from domain.stream import fold

AnyRequest: TypeAlias = Request[Any, Any, Any]
Caller: TypeAlias = NamedDependency[AccountId]
Bearing: TypeAlias = NamedDependency[Bearer]
"""The caller, and by which right they call."""
Administrator: TypeAlias = NamedDependency[AccountId]
MaybeCaller: TypeAlias = NamedDependency[AccountId | None]

PAGE = "page"
"""Of a share link's query: its page gave it out, to somebody who knew the password."""
SHARING = ("share", PAGE, "exp", "kid", "sig")
LENDING = ("album", *SHARING)
"""What of a query belongs to a share link."""
BEARER = "bearer"
"""Where a request's state keeps who asks."""
_UNASKED = object()


async def maybe_caller(request: AnyRequest, parts: Given) -> AccountId | None:
    """The account behind the bearer token; None without one. Raises Unauthenticated."""
    bearer = await identified(request.scope, parts)
    return bearer.account_id if bearer else None


async def identified(scope: Any, parts: Parts) -> Bearer | None:
    """Who asks; found out once for each request. Raises Unauthenticated."""
    known = scope["state"].get(BEARER, _UNASKED)
    if known is _UNASKED:
        try:
            known = await _bearer(scope, parts)
        except Refusal as refusal:
            known = refusal
        scope["state"][BEARER] = known
    if isinstance(known, Refusal):
        raise known
    return known  # type: ignore[no-any-return]  # we put it there


async def holds(scope: Any, parts: Parts) -> bool:
    """Whether what the request came with is still worth something, however long ago it came."""
    try:
        await _bearer(scope, parts)
    except Refusal:
        return False
    return True


def actor(scope: Any) -> AccountId | None:
    """Who asked, where that is known by now."""
    known = scope["state"].get(BEARER) if "state" in scope else None
    return known.account_id if isinstance(known, Bearer) else None


async def _bearer(scope: Any, parts: Parts) -> Bearer | None:
    header = Headers.from_scope(scope).get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated
    return await parts.credentials.check(token.strip())


async def bearer(request: AnyRequest, parts: Given) -> Bearer:
    """Raises Unauthenticated."""
    found = await identified(request.scope, parts)
    if found is None:
        raise Unauthenticated
    return found


async def caller(bearer: Bearing) -> AccountId:
    return bearer.account_id


async def administrator(bearer: Bearing, parts: Given) -> AccountId:
    """The caller, who is one. Raises Forbidden."""
    access.require_administrator(administrates=await administrates(parts, bearer))
    return bearer.account_id


async def administrates(parts: Parts, bearer: Bearer) -> bool:
    """Whether somebody runs this installation: by its settings, or as another one has it. Keys do
    only where they reach that far."""
    if Scope.ADMIN not in access.reach(bearer.scopes):
        return False
    state = fold(account.evolve, await parts.store.load(bearer.account_id))
    if state is None or state.erased:
        return False
    return state.administrator or bearer.account_id == await first_administrator(parts)


async def first_administrator(parts: Parts) -> AccountId | None:
    """Who has the address of the settings, once there is somebody."""
    address = parts.admin_email
    if not address:
        return None
    return await find_account(address, store=parts.store, hasher=parts.hasher)


def signed_exactly(request: AnyRequest) -> bool:
    """Whether the signature, which holds, was given for just this path: a share link's is not."""
    return "sig" in request.query_params and "share" not in request.query_params


async def acquainted(request: AnyRequest, parts: Parts) -> None:
    """Before a signature is looked at: another process may have made its key just now."""
    if key_id := request.query_params.get("kid"):
        await parts.url_keys.meet(str(key_id))


def viewer(request: AnyRequest, parts: Parts, account_id: AccountId | None, id: ImageId) -> Viewer:
    """What the caller holds in hands for this image. Raises what `UrlSigner.verify` does."""
    query = _query(request)
    if "sig" not in query:
        return Viewer(account_id=account_id)
    now = parts.clock()
    if "album" in query and "share" in query:
        return album_viewer(request, parts, account_id, album_id(query["album"]))
    if "share" in query:
        signed = {name: value for name, value in query.items() if name in SHARING}
        parts.signer.verify(share_path(id), signed, now)
        return _sharing(account_id, signed)
    parts.signer.verify(request.url.path, query, now)
    return Viewer(account_id=account_id, signed=int(query.get("epoch", 0)))


def album_viewer(
    request: AnyRequest, parts: Parts, account_id: AccountId | None, id: AlbumId
) -> Viewer:
    """The same for an album, and for whatever is in it."""
    query = _query(request)
    if "sig" not in query or "share" not in query:
        return Viewer(account_id=account_id)
    signed = {name: value for name, value in query.items() if name in SHARING}
    parts.signer.verify(share_path(id), signed, parts.clock())
    return _sharing(account_id, signed)


def _sharing(account_id: AccountId | None, signed: Mapping[str, str]) -> Viewer:
    share_id = from_text("shr", signed["share"])
    return Viewer(
        account_id=account_id,
        share_id=ShareId(share_id) if share_id else None,
        unlocked=PAGE in signed,
    )


def held(request: AnyRequest, album: AlbumId | None = None) -> str:
    """The query of the share link that one comes by, for what is lent; empty without.

    Whoever asks has looked at its signature. `album` is whose link it is, where no query says so.
    """
    query = {str(name): str(value) for name, value in request.query_params.items()}
    if not {"share", "sig"} <= query.keys():
        return ""
    if album is not None:
        query["album"] = to_text("alb", album)
    return urlencode({name: query[name] for name in LENDING if name in query})


def share_path(id: ImageId | AlbumId) -> str:
    """What a share link's signature stands for: every path of one image, or of one album."""
    return f"share:{id.hex}"


def _query(request: AnyRequest) -> dict[str, str]:
    pairs = list(request.query_params.multi_items())
    query = {str(name): str(value) for name, value in pairs}
    if len(query) != len(pairs) and "sig" in query:
        raise SignatureInvalid(reason="a parameter stands twice")
    return query
