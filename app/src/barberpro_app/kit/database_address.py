"""Whether the way to the database is to be trusted: by a network only with TLS and the right certificate.

libpq's own default (`sslmode=prefer`) goes on in plain text, unsaid, where the server has no TLS.
https://www.postgresql.org/docs/18/libpq-ssl.html
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


def verified(address: str, authority: Path) -> str:
    """`address` with `sslmode=verify-full` if the server is elsewhere and the address says no `sslmode`.
    `authority` is a file of certificates to trust, where it exists and the address names none.

    Raises `ValueError` if `address` is none; without its text, which holds a password.
    """
    try:
        parts = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        raise ValueError("it is not postgresql://USER:PASSWORD@HOST:PORT/NAME") from None
    hosts = str(parts.get("host") or parts.get("hostaddr") or "/").split(",")
    added = {}
    if "sslmode" not in parts and not all(map(_is_here, hosts)):
        added["sslmode"] = "verify-full"
    verifies = {**parts, **added}.get("sslmode") in ("verify-ca", "verify-full")
    if verifies and "sslrootcert" not in parts and authority.is_file():
        added["sslrootcert"] = str(authority)
    return make_conninfo(address, **added) if added else address


def _is_here(host: str) -> bool:
    """A socket or a loopback address: nobody is in between."""
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
