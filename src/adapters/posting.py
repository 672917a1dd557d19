"""The Sender port: one POST to a public address, and what came of it."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address

import httpcore

from adapters.web import PORTS, CheckedBackend, Resolve, checked, for_httpcore, resolved
from domain.refusals import UrlForbidden
from projections.webhooks import Answered

PATIENCE = 15.0
"""Seconds for everything up to the answer's headers."""
DAWDLING = 2.0
"""Seconds more for what it says: nobody needs it."""
HEARD = 300
"""Bytes of it."""


def allowed(url: str, *, public: Callable[[str], bool]) -> None:
    """As far as the URL shows: a name is looked up each time something is sent. Raises
    UrlForbidden."""
    host = checked(url).host
    try:
        ip_address(host)
    except ValueError:
        return
    if not public(host):
        raise UrlForbidden(reason="no public address")


class HttpSender:
    """`tls` is the context of connections; None verifies against the usual authorities."""

    def __init__(
        self,
        public: Callable[[str], bool],
        *,
        resolve: Resolve = resolved,
        ports: frozenset[int] = PORTS,
        patience: float = PATIENCE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = CheckedBackend(public, resolve)
        self._ports = ports
        self._patience = patience
        self._tls = tls

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        began = time.monotonic()
        try:
            answered = await self._asked(url, headers, body)
        except UrlForbidden as error:
            answered = Answered(reason=str(error.facts["reason"]))
        except (TimeoutError, httpcore.TimeoutException):
            answered = Answered(reason="too slow")
        except (httpcore.NetworkError, ssl.SSLError, OSError):
            answered = Answered(reason="unreachable")
        except (httpcore.ProtocolError, ValueError):
            answered = Answered(reason="malformed answer")
        seconds = time.monotonic() - began
        return Answered(
            status=answered.status,
            reason=answered.reason,
            body=answered.body,
            milliseconds=round(seconds * 1_000),
            retry_after=answered.retry_after,
        )

    async def _asked(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        spot = checked(url, self._ports)
        sent = [
            (b"Host", spot.netloc),
            (b"User-Agent", b"Darkroom"),
            (b"Content-Length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ]
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=self._backend, max_keepalive_connections=0
        ) as pool:
            request = httpcore.Request("POST", for_httpcore(spot), headers=sent, content=body)
            async with asyncio.timeout(self._patience):
                response = await pool.handle_async_request(request)
            try:
                return Answered(
                    status=response.status,
                    body=await _heard(response),
                    retry_after=_retry_after(response),
                )
            finally:
                await response.aclose()


async def _heard(response: httpcore.Response) -> str:
    """Its first bytes, as far as they come in time and are text."""
    said = b""
    try:
        async with asyncio.timeout(DAWDLING):
            async for chunk in response.aiter_stream():
                said += chunk
                if len(said) >= HEARD:
                    break
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return said[:HEARD].decode(errors="replace").replace("\0", "\ufffd")


def _retry_after(response: httpcore.Response) -> int | None:
    """Seconds; a date is not heeded."""
    values = [value for name, value in response.headers if name.lower() == b"retry-after"]
    return int(values[0]) if values and values[0].isdigit() and len(values[0]) < 10 else None
