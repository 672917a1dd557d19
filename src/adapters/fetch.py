"""The Fetcher port: HTTP/1.1 by httpcore, over connections to checked addresses and no others.

httpcore follows no redirects, reads no proxies from the environment, keeps no cookies, and decodes
nothing. The name is resolved once for each hop; every address must pass, and the connection goes
to one of those very addresses, while the Host field and TLS still hold to the name.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, TypeAlias

import httpcore
import httpx
import msgspec

from commands.ports import Fetched
from domain.refusals import FileTooLarge, ImportFailed, UrlForbidden

PORTS = frozenset({80, 443, *range(8000, 9000)})
"""Where web servers are found, and hardly anything else."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
AT_ONCE = 16
"""In one process; the others wait."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")  # what parsers of URLs disagree about
_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,252})")
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}")
_HEADERS = [
    (b"User-Agent", b"Darkroom"),
    (b"Accept", b"image/*"),
    (b"Accept-Encoding", b"identity"),
]

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a server may take. Seconds, and bytes a second."""

    in_all: float = 30.0
    silence: float = 5.0
    grace: float = 5.0
    """Until then the rate does not matter."""
    rate: int = 16 * 1024


async def resolved(host: str, port: int) -> Sequence[str]:
    """Every address of a name; none if there is no such name."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


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
        self._backend = _CheckedBackend(public, resolve)
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
        spot = self._checked(url, None)
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls, network_backend=self._backend, max_keepalive_connections=0
        ) as pool:
            for _ in range(MAX_REDIRECTS + 1):
                async with pool.stream(
                    "GET",
                    _for_httpcore(spot),
                    headers=[(b"Host", spot.netloc), *_HEADERS],
                    extensions={"timeout": silence},
                ) as response:
                    if response.status not in REDIRECTS:
                        return await self._stored(response, target, max_bytes)
                    spot = self._checked(_header(response, b"location"), spot)
        raise ImportFailed(reason="too many redirects")

    def _checked(self, text: str, base: httpx.URL | None) -> httpx.URL:
        """What can be seen of a URL without looking its name up. Raises UrlForbidden."""
        if _UNSAFE.search(text):
            raise UrlForbidden(reason="malformed")
        try:
            url = base.join(text) if base else httpx.URL(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise UrlForbidden(reason="malformed") from error
        if url.scheme not in _DEFAULT_PORTS:
            raise UrlForbidden(reason="scheme")
        if url.userinfo:
            raise UrlForbidden(reason="credentials")
        if not _is_host(url.raw_host.decode("ascii", "replace")):
            raise UrlForbidden(reason="malformed")
        if _port(url) not in self._ports:
            raise UrlForbidden(reason="port")
        return url

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


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses it has checked itself: nobody resolves the name a second time."""

    def __init__(self, public: Callable[[str], bool], resolve: Resolve) -> None:
        self._public = public
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        if not addresses or not all(self._public(address) for address in addresses):
            raise UrlForbidden(reason="no public address")  # "no such name" is nobody's business
        failure: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _is_host(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return _NAME.fullmatch(text) is not None


def _port(url: httpx.URL) -> int:
    return url.port or _DEFAULT_PORTS[url.scheme]


def _for_httpcore(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path
    )


def _header(response: httpcore.Response, name: bytes) -> str:
    values = [value for it, value in response.headers if it.lower() == name]
    return values[0].decode("latin-1").strip() if values else ""
