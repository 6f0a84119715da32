"""Random secrets and how they are kept.

All secrets here (links, sessions, API clients) are 256-bit random numbers. Their SHA-256 is kept: a
slow password hash defends against guessing what people choose, and nobody can guess these; it would
only make each check cost a tenth of a second.
"""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32
#: base64url of 32 bytes
TOKEN_LENGTH = 43


def new_token() -> str:
    """256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
