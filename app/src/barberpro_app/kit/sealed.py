"""Values that somebody typed and nobody may read back, such as tokens of peers.

AES-256-GCM under a key derived by HKDF (RFC 5869) from the secret `token-key`; the associated data is
the name of the value, so that one moved to another name does not open. With another `token-key` they
are as if they had never been there.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from barberpro_app.kit.database import Connection
from barberpro_app.kit.logging import get_logger

_NONCE = 12
log = get_logger(__name__)


class SealedSettings:
    """Keeps and opens the values of one deployment. `key`: the secret `token-key`."""

    def __init__(self, key: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"barberpro settings")
        self._cipher = AESGCM(derived.derive(key))

    async def keep(self, connection: Connection, name: str, value: str) -> None:
        """Seals a value, in place of the one before."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, value.encode(), name.encode())
        await connection.execute(
            "INSERT INTO sealed_setting (key, sealed) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE"
            " SET sealed = EXCLUDED.sealed, updated_at = now()",
            (name, sealed),
        )

    async def open(self, connection: Connection, name: str) -> str | None:
        """None if there is none, or if it was sealed under another key."""
        cursor = await connection.execute(
            "SELECT sealed FROM sealed_setting WHERE key = %s", (name,)
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        sealed = bytes(row["sealed"])
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except InvalidTag:
            log.warning("sealed_setting_unreadable", name=name)
            return None
        return plain.decode()

    async def forget(self, connection: Connection, name: str) -> bool:
        """False if there was none."""
        cursor = await connection.execute("DELETE FROM sealed_setting WHERE key = %s", (name,))
        return cursor.rowcount == 1
