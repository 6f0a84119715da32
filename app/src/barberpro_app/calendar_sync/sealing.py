"""Passwords and tokens of calendars: sealed, so that the database alone gives none away.

AES-256-GCM under a key derived by HKDF (RFC 5869) from the secret `token-key`; the associated data
name the connection, so that a value moved to another one does not open. The key seals few values, far
below what random nonces allow (NIST SP 800-38D §8.3). With another `token-key` connections are refused
and have to be made again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from barberpro_app.calendar_sync.errors import PeerError

_NONCE = 12


class Sealer:
    """Seals credentials and makes the tokens of feeds, channels and sign-ins at Google."""

    def __init__(self, key: bytes) -> None:
        """`key`: the secret `token-key`."""
        self._cipher = AESGCM(self._derived(key, b"barberpro calendar credentials"))
        self._macs = self._derived(key, b"barberpro calendar tokens")

    @staticmethod
    def _derived(key: bytes, purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key)

    def seal(self, connection_id: UUID, values: dict[str, str]) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(values).encode(), connection_id.bytes)

    def open(self, connection_id: UUID, sealed: bytes) -> dict[str, str]:
        """Raises `PeerError` (refused) for what was sealed under another key."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], connection_id.bytes)
        except (InvalidTag, ValueError) as error:
            raise PeerError("refused", "the stored password cannot be read any more") from error
        values: dict[str, str] = json.loads(plain)
        return values

    def mac(self, purpose: str, value: str, length: int = 24) -> str:
        """A name that only this deployment can make of a value; `length` in bytes."""
        digest = hmac.digest(self._macs, f"{purpose}\n{value}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:length]).decode().rstrip("=")

    def is_mac(self, given: str, purpose: str, value: str) -> bool:
        return hmac.compare_digest(given.encode(), self.mac(purpose, value).encode())
