"""The Fetcher port: HTTP/1.1 by httpcore, each hop checked anew."""

import asyncio
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import httpcore
import msgspec

from adapters.web import PORTS, CheckedBackend, Resolve, checked, for_httpcore, resolved
from commands.imports import Fetched
from domain.refusals import FileTooLarge, ImportFailed

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
AT_ONCE = 16
"""In one process; the others wait."""

_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}")
_HEADERS = [
    (b"User-Agent", b"Darkroom"),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),
]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a server may take. Seconds, and bytes a second."""

    in_all: float = 30.0
    silence: float = 5.0
    grace: float = 5.0
    """Until then the rate does not matter."""
    rate: int = 16 * 1024


class HttpFetcher:
    """`tls` is the context of connections; None verifies against the usual authorities."""

    def __init__(
        self,
        public: Callable[[str], bool],
        *,
        resolve: Resolve = resolved,
        ports: frozenset[int] = PORTS,
        patience: Patience | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = CheckedBackend(public, resolve)
        self._ports = ports
        self._patience = patience or Patience()
        self._tls = tls
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, url: str, target: Path, *, max_bytes: int) -> Fetched:
        try:
            async with self._turns, asyncio.timeout(self._patience.in_all):
                return await self._followed(url, target, max_bytes)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise ImportFailed(reason="too slow") from error
        except httpcore.NetworkError as error:
            raise ImportFailed(reason="unreachable") from error
        except httpcore.ProtocolError as error:
            raise ImportFailed(reason="malformed answer") from error

    async def _followed(self, url: str, target: Path, max_bytes: int) -> Fetched:
        silence = dict.fromkeys(("connect", "read", "write", "pool"), self._patience.silence)
        spot = checked(url, self._ports)
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=self._backend, max_keepalive_connections=0
        ) as pool:
            for _ in range(MAX_REDIRECTS + 1):
                async with pool.stream(
                    "GET",
                    for_httpcore(spot),
                    headers=[(b"Host", spot.netloc), *_HEADERS],
                    extensions={"timeout": silence},
                ) as response:
                    if response.status not in REDIRECTS:
                        return await self._stored(response, target, max_bytes)
                    spot = checked(_header(response, b"location"), self._ports, spot)
        raise ImportFailed(reason="too many redirects")

    async def _stored(self, response: httpcore.Response, target: Path, max_bytes: int) -> Fetched:
        if response.status != 200:
            raise ImportFailed(reason="not found there", answered=response.status)
        if _header(response, b"content-encoding").lower() not in ("", "identity"):
            raise ImportFailed(reason="encoded")
        announced = _header(response, b"content-length")
        if announced.isdigit() and int(announced) > max_bytes:
            raise FileTooLarge(limitBytes=max_bytes, requestedBytes=int(announced))
        clock = asyncio.get_running_loop().time
        size, began = 0, clock()
        with target.open("wb") as file:
            async for chunk in response.aiter_stream():
                size += len(chunk)
                if size > max_bytes:
                    raise FileTooLarge(limitBytes=max_bytes, requestedBytes=size)
                seconds = clock() - began
                if seconds > self._patience.grace and size < seconds * self._patience.rate:
                    raise ImportFailed(reason="too slow")
                file.write(chunk)
        kind = _TYPE.match(_header(response, b"content-type"))
        return Fetched(content_type=kind[0] if kind else "application/octet-stream")


def _header(response: httpcore.Response, name: bytes) -> str:
    values = [value for it, value in response.headers if it.lower() == name]
    return values[0].decode("latin-1").strip() if values else ""
