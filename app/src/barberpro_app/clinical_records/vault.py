"""Sealing of fields: AES-256-GCM under a data key per patient, itself wrapped under a master key.

The master key is the secret `notes-key` (32 bytes), apart from the database and from the key of the
volume. A sealed value is nonce (12 bytes), ciphertext and tag (16 bytes); its associated data name
the purpose, the patient and the row, so that a value moved to another row or patient does not open.
Nonces are random: a data key seals far fewer than the 2^32 values that NIST SP 800-38D §8.3 allows.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from barberpro_app.clinical_records.errors import NotesKeyMissingError, SealBrokenError
from barberpro_app.kit.database import Connection
from barberpro_app.settings import Secrets

SECRET, PREVIOUS = "notes-key", "notes-key-previous"
NONCE, KEY = 12, 32


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one patient; `seal` and `open` take the purpose and the key of the row."""

    _key: bytes
    subject_id: UUID
    since: datetime

    def readable(self, written_at: datetime) -> bool:
        """Whether this key can have sealed it: an older one was destroyed, and took its text along."""
        return written_at >= self.since

    def seal(self, plain: str, purpose: str, row: UUID) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self._key).encrypt(nonce, plain.encode(), self._bind(purpose, row))

    def open(self, sealed: bytes, purpose: str, row: UUID) -> str:
        """Raises `SealBrokenError`."""
        try:
            plain = AESGCM(self._key).decrypt(
                sealed[:NONCE], sealed[NONCE:], self._bind(purpose, row)
            )
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError from error
        return plain.decode()

    def _bind(self, purpose: str, row: UUID) -> bytes:
        return b"barberpro-1\0" + purpose.encode() + b"\0" + self.subject_id.bytes + row.bytes


class MasterKey:
    """Wraps data keys; `id` tells which master key wrapped one, without saying the key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.id = hashlib.sha256(b"barberpro master key\0" + key).hexdigest()[:16]

    def wrap(self, key: bytes, kind: str, subject_id: UUID) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, key, kind.encode() + subject_id.bytes)

    def unwrap(self, wrapped: bytes, kind: str, subject_id: UUID) -> bytes:
        """Raises `SealBrokenError`."""
        try:
            return self._cipher.decrypt(
                wrapped[:NONCE], wrapped[NONCE:], kind.encode() + subject_id.bytes
            )
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError from error


class Vault:
    """The keys of one deployment. While the master key is changed, the previous one still opens."""

    def __init__(self, master: bytes, previous: bytes | None = None) -> None:
        self._master = MasterKey(master)
        self._all = {self._master.id: self._master}
        if previous is not None:
            old = MasterKey(previous)
            self._all.setdefault(old.id, old)

    @classmethod
    def of(cls, secrets: Secrets) -> Vault:
        """Raises `NotesKeyMissingError`, and `ConfigurationError` for a key that is none."""
        if secrets.optional(SECRET) is None:
            raise NotesKeyMissingError
        previous = secrets.key(PREVIOUS) if secrets.optional(PREVIOUS) is not None else None
        return cls(secrets.key(SECRET), previous)

    async def patient_key(self, connection: Connection, client_id: UUID) -> DataKey:
        """The patient's key; made at first use."""
        key, since = await self._key(connection, "patient", client_id)
        return DataKey(key, client_id, since)

    async def index_key(self, connection: Connection, author_id: UUID) -> bytes:
        """The key of an author's search index; made at first use."""
        key, _ = await self._key(connection, "author", author_id)
        return key

    async def _key(
        self, connection: Connection, kind: str, subject_id: UUID
    ) -> tuple[bytes, datetime]:
        row = await _stored(connection, kind, subject_id)
        if row is None:
            fresh = self._master.wrap(AESGCM.generate_key(KEY * 8), kind, subject_id)
            await connection.execute(
                "INSERT INTO sealed_key (kind, subject_id, master_id, wrapped)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (kind, subject_id, self._master.id, fresh),
            )
            row = await _stored(connection, kind, subject_id)
        if row is None or row["master_id"] not in self._all:
            raise SealBrokenError("This was sealed under a master key that is not here.")
        master = self._all[row["master_id"]]
        return master.unwrap(bytes(row["wrapped"]), kind, subject_id), row["created_at"]

    async def rotate(self, connection: Connection) -> int:
        """Wraps every key anew that another master key wraps; how many. Safe to repeat.

        Sealed text stays as it is. Raises `SealBrokenError` if a key's master key is not here.
        """
        cursor = await connection.execute(
            "SELECT kind, subject_id, master_id, wrapped FROM sealed_key WHERE master_id <> %s"
            " FOR UPDATE",
            (self._master.id,),
        )
        rows = await cursor.fetchall()
        for row in rows:
            if row["master_id"] not in self._all:
                raise SealBrokenError(
                    f"A key is under the master key {row['master_id']}, which is not here.\n"
                    f"  where: the secrets folder\n  mend: put it into {PREVIOUS}"
                )
            kind, subject_id = row["kind"], row["subject_id"]
            key = self._all[row["master_id"]].unwrap(bytes(row["wrapped"]), kind, subject_id)
            await connection.execute(
                "UPDATE sealed_key SET master_id = %s, wrapped = %s"
                " WHERE kind = %s AND subject_id = %s",
                (self._master.id, self._master.wrap(key, kind, subject_id), kind, subject_id),
            )
        return len(rows)


async def _stored(connection: Connection, kind: str, subject_id: UUID) -> dict[str, Any] | None:
    cursor = await connection.execute(
        "SELECT master_id, wrapped, created_at FROM sealed_key WHERE kind = %s AND subject_id = %s",
        (kind, subject_id),
    )
    return await cursor.fetchone()
