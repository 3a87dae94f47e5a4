"""Where a URL that somebody else chose may lead: into the internet, not into our own house."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from engine.notifiers.message import TryLater, Undeliverable

_NAT64 = ip_network("64:ff9b::/96")


def resolve(host: str, port: int, allow_private: bool) -> str:
    """One address of the host, to be connected to as it is: asking the name again might give another answer.

    Raises:
        TryLater: the name is not known at the moment.
        Undeliverable: one of its addresses is private, and that is not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TryLater(f"The name {host} cannot be resolved.") from None
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        raise Undeliverable(f"{host} is an address inside the network, where no link from outside may lead.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether the address is in the internet, also when it is an IPv4 address in an IPv6 coat."""
    ip = _uncoated(ip_address(address))
    within_a_site = isinstance(ip, IPv6Address) and ip.is_site_local  # Python calls these global
    return ip.is_global and not (
        ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local or within_a_site
    )


def _uncoated(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    return inner or ip
