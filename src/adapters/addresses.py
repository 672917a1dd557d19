"""Which addresses of the internet are anybody's, and which lead inside."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that is assigned to networks, RFC 4291
_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address in its last four bytes, RFC 6052
_NOT_FOR_US = tuple(
    ip_network(text)
    for text in (
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # the host of an Azure machine: public by number, inside by nature
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",  # documentation
    )
)


class PublicAddresses:
    """Says of an address whether it may be connected to; `allow` names exceptions."""

    def __init__(self, allow: Sequence[Network] = ()) -> None:
        self._allow = allow

    def __call__(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._allow) or _public(address)


def networks(text: str) -> tuple[Network, ...]:
    """`127.0.0.1/32, fd00::/8`. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in _NOT_FOR_US):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    if address in _NAT64:
        return _public(IPv4Address(address.packed[-4:]))
    return address in _GLOBAL_UNICAST and address.is_global and address.scope_id is None
