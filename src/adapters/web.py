"""Where on the web Darkroom goes: by checked URLs, to checked addresses and no others.

httpcore follows no redirects, reads no proxies from the environment, keeps no cookies, and decodes
nothing. A name is resolved once for each request; every address must pass, and the connection goes
to one of those very addresses, while the Host field and TLS still hold to the name.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv6Address
from typing import Any, TypeAlias

import httpcore
import httpx

from domain.refusals import UrlForbidden

PORTS = frozenset({80, 443, *range(8000, 9000)})
"""Where web servers are found, and hardly anything else."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")  # what parsers of URLs disagree about
_NAME = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,252})")

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolved(host: str, port: int) -> Sequence[str]:
    """Every address of a name; none if there is no such name."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def checked(text: str, ports: frozenset[int] = PORTS, base: httpx.URL | None = None) -> httpx.URL:
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
    if _port(url) not in ports:
        raise UrlForbidden(reason="port")
    return url


class CheckedBackend(httpcore.AsyncNetworkBackend):
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


def for_httpcore(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path
    )
