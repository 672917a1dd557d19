"""HEAD wherever there is GET, and an OPTIONS that knows every method (RFC 9110, 9.3)."""

from typing import Any

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.utils.path import normalize_path

NOBODYS: Any = "NOBODYS"
"""No route has this method: its refusal names those that the route has."""


class Methods(Litestar):
    """Litestar answers HEAD only where a handler says so, and its OPTIONS forgets some methods."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        method = scope.get("method")
        if method == "OPTIONS" and not any(name == b"origin" for name, _ in scope["headers"]):
            if known := allowed(self._refusal(scope["path"])):
                await _tell(known, send)
                return
        elif method == "HEAD" and _lacks_head(self._refusal(scope["path"])):
            scope["method"], send = "GET", _bodiless(send)
        await super().__call__(scope, receive, send)

    def _refusal(self, path: str) -> HTTPException:
        try:
            self.asgi_router.handle_routing(path=normalize_path(path), method=NOBODYS)
        except HTTPException as refusal:
            return refusal
        raise AssertionError("nobody's method was taken")


def allowed(refusal: HTTPException) -> str:
    """The Allow of a route that refused a method; empty if there is no such route."""
    own = _own(refusal)
    return ", ".join(sorted(own | {"HEAD"} if "GET" in own else own))


def _own(refusal: HTTPException) -> set[str]:
    return set((refusal.headers or {}).get("allow", "").split(", ")) - {""}


def _lacks_head(refusal: HTTPException) -> bool:
    own = _own(refusal)
    return "GET" in own and "HEAD" not in own


def _bodiless(send: Any) -> Any:
    async def without_body(message: Any) -> None:
        body = {"body": b""} if message["type"] == "http.response.body" else {}
        await send(message | body)

    return without_body


async def _tell(allow: str, send: Any) -> None:
    headers = [(b"allow", allow.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
