"""What an address says about where it leads."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


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
