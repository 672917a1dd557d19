"""Where a request comes from. What it says of itself counts only behind a proxy that we trust."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_INET, inet_pton
from typing import Any, TypeAlias

from litestar import Request

from api.robots import is_robot
from commands.counts import Onlooker, Visitor
from commands.sessions import Device

Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN = "unknown"
HOUSEHOLD = 64
"""Bits of an IPv6 address that one customer of a provider is given: below, they choose freely."""
MOST_HOPS = 20
LONGEST = 200
FORWARDED, AGENT = b"x-forwarded-for", b"user-agent"
_UNSEEN = re.compile(r"[^ -~\xa0-\xff]")


def client(scope: Any, proxies: tuple[Network, ...]) -> str:
    """The nearest address that is no trusted proxy's; an IPv6 customer is one client."""
    return _nearest(peer(scope), _forwarded(scope) if proxies else b"", proxies)


def visitor(scope: Any, account: str = "") -> Visitor:
    agent = next((value for name, value in scope["headers"] if name == AGENT), b"")
    return Visitor(account=account, peer=peer(scope), forwarded=_forwarded(scope), agent=agent)


def recognized(visitor: Visitor, proxies: tuple[Network, ...]) -> Onlooker:
    agent = visitor.agent[:LONGEST].decode("latin-1")
    name = visitor.account
    if not name:
        name = f"{_nearest(visitor.peer, visitor.forwarded, proxies)} {agent}"
    return Onlooker(name, is_robot(agent))


def device(request: Request[Any, Any, Any], proxies: tuple[Network, ...]) -> Device:
    agent = request.headers.get("User-Agent", "")
    return Device(client=client(request.scope, proxies), agent=_UNSEEN.sub("", agent)[:LONGEST])


def peer(scope: Any) -> str:
    told = scope["client"]
    return str(told[0]) if told else UNKNOWN


def _forwarded(scope: Any) -> bytes:
    return b",".join([value for name, value in scope["headers"] if name == FORWARDED])


def _nearest(address: str, forwarded: bytes, proxies: tuple[Network, ...]) -> str:
    if forwarded and proxies:
        hops = forwarded.decode("latin-1").split(",")
        for hop in hops[: -MOST_HOPS - 1 : -1]:
            if not _among(address, proxies):
                break
            address = hop.strip()
    return _household(address)


@lru_cache(10_000)
def _among(text: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _household(text: str) -> str:
    try:
        inet_pton(AF_INET, text)  # a tenth of what `ip_address` takes, and as strict
    except (OSError, ValueError):
        return _network(text)
    return text


@lru_cache(10_000)
def _network(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        return UNKNOWN
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), HOUSEHOLD), strict=False))
