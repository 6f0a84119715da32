"""Keeps keys that the owner typed, and gives them to whoever asks the settings for a secret.

AES-256-GCM under a key derived by HKDF (RFC 5869) from the secret `token-key`; the name is associated
data, so that one value does not open as another. What was typed goes before a file of the same name;
with another `token-key` it cannot be read and counts as not there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from barberpro_app.audit.trail import Actor, AuditedObject, record
from barberpro_app.kit.database import Connection
from barberpro_app.kit.errors import InvalidRequestError
from barberpro_app.kit.logging import get_logger
from barberpro_app.settings import Secret, Secrets
from barberpro_app.vault import repository

_NONCE = 12
log = get_logger(__name__)

#: What may be typed, and how it looks. Nothing else goes before the operator's files.
KEYS: Mapping[str, re.Pattern[str]] = {
    "mercado-pago-access-token": re.compile(r"(APP_USR|TEST)-[A-Za-z0-9_-]{6,300}", re.ASCII),
    "mercado-pago-webhook-secret": re.compile(r"[A-Za-z0-9_-]{6,300}", re.ASCII),
    "whatsapp-phone-number-id": re.compile(r"[0-9]{5,20}", re.ASCII),
    "whatsapp-business-account-id": re.compile(r"[0-9]{5,20}", re.ASCII),
    "whatsapp-token": re.compile(r"[A-Za-z0-9_|-]{10,500}", re.ASCII),
    "whatsapp-app-secret": re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII),
    "whatsapp-verify-token": re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII),
    "mail-server": re.compile(r"\{[ -~]{10,4000}\}", re.ASCII),
    "google-client-id": re.compile(r"[A-Za-z0-9._-]{6,200}", re.ASCII),
    "google-client-secret": re.compile(r"[A-Za-z0-9_-]{6,200}", re.ASCII),
}


class KeyFormatError(InvalidRequestError):
    """This does not look like such a key."""

    code = "key_format"


def _cipher(secrets: Secrets) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"barberpro settings")
    return AESGCM(derived.derive(secrets.key("token-key")))


async def load(connection: Connection, secrets: Secrets) -> None:
    """From now on `secrets` has what is kept, and no longer what was removed."""
    rows = await repository.every(connection)
    cipher = _cipher(secrets) if rows else None
    found: dict[str, Secret] = {}
    for row in rows:
        key, sealed = row["key"], bytes(row["sealed"])
        if cipher is None or key not in KEYS:
            continue
        try:
            plain = cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], key.encode())
        except (InvalidTag, ValueError):
            log.warning("sealed_setting_unreadable", key=key)
            continue
        found[key] = Secret(plain.decode())
    secrets.take(found)


async def keep(
    connection: Connection, secrets: Secrets, actor: Actor, values: Mapping[str, str]
) -> None:
    """Seals values by name; `load` after the commit makes them count. Needs a transaction. Raises
    `KeyFormatError`."""
    cipher = _cipher(secrets)
    for key, value in values.items():
        if key not in KEYS or not KEYS[key].fullmatch(value):
            raise KeyFormatError(field=key)
        nonce = os.urandom(_NONCE)
        sealed = nonce + cipher.encrypt(nonce, value.encode(), key.encode())
        await repository.keep(connection, key, sealed)
        await record(connection, actor, "secret.kept", AuditedObject("secret", key))


async def remove(connection: Connection, actor: Actor, key: str) -> bool:
    """Whether there was one. Needs a transaction."""
    removed = await repository.remove(connection, key)
    if removed:
        await record(connection, actor, "secret.removed", AuditedObject("secret", key))
    return removed


async def kept_at(connection: Connection) -> dict[str, datetime]:
    """What is kept, and since when; never the values."""
    return await repository.kept_at(connection)
