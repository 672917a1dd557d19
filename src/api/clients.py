"""Where a request comes from. What it says of itself counts only behind a proxy that we trust."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

from litestar import Request

from commands.sessions import Device

Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN = "unknown"
HOUSEHOLD = 64
"""Bits of an IPv6 address that one customer of a provider is given: below, they choose freely."""
MOST_HOPS = 20
LONGEST = 200
_FORWARDED = b"x-forwarded-for"
_UNSEEN = re.compile(r"[^ -~\xa0-\xff]")


def client(scope: Any, proxies: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy's; an IPv6 customer is one client."""
    peer = scope["client"]
    if peer is None:
        return UNKNOWN
    address = str(peer[0])
    for hop in _hops(scope, proxies):
        if not _among(address, proxies):
            break
        address = hop
    return _household(address)


def device(request: Request[Any, Any, Any], proxies: Sequence[Network]) -> Device:
    agent = request.headers.get("User-Agent", "")
    return Device(client=client(request.scope, proxies), agent=_UNSEEN.sub("", agent)[:LONGEST])


def _hops(scope: Any, proxies: Sequence[Network]) -> list[str]:
    """Of X-Forwarded-For, the nearest first."""
    if not proxies:
        return []
    told = [value.decode("latin-1") for name, value in scope["headers"] if name == _FORWARDED]
    return [hop.strip() for hop in ",".join(told).split(",")][: -MOST_HOPS - 1 : -1]


def _among(text: str, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


@lru_cache(10_000)
def _household(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), HOUSEHOLD), strict=False))
