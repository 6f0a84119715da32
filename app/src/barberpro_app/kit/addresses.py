"""What an address says about where it leads."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_NAT64 = IPv6Network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class NoSuchHostError(OSError):
    """The name leads nowhere."""


class PrivateAddressError(OSError):
    """The name leads to this machine or a private network."""


def is_public(url: str) -> bool:
    """Whether the Internet may reach this address: HTTPS, and no name or number of this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        reachable = ip_address(host).is_global
    except ValueError:
        reachable = "." in host and not host.endswith(
            (".localhost", ".local", ".internal", ".test")
        )
    return parts.scheme == "https" and reachable


def is_permitted(address: Address, *, own_network: bool) -> bool:
    """Public, or with `own_network` also private and this machine; never link-local, where clouds
    keep their credentials."""
    plain = _unwrapped(address)
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        return False
    return plain.is_global or (own_network and (plain.is_private or plain.is_loopback))


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


async def permitted_addresses(host: str, port: int, *, own_network: bool) -> list[Address]:
    """The addresses of a host that somebody named, at least one; connect to these and not to the name,
    which may lead elsewhere a moment later. Raises `NoSuchHostError`, and `PrivateAddressError` unless all
    of them are permitted."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoSuchHostError("no such host") from error
    addresses = [ip_address(str(item[4][0]).partition("%")[0]) for item in found]
    if not addresses or not all(
        is_permitted(address, own_network=own_network) for address in addresses
    ):
        raise PrivateAddressError("not a public address")
    return addresses
