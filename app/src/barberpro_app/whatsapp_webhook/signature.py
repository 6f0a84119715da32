"""Meta's signature over a notification (developers.facebook.com, Graph API, "Webhooks: Validating
payloads"): HMAC-SHA256 of the bytes as they were sent, keyed with the app's secret."""

from __future__ import annotations

import hashlib
import hmac

_PREFIX = "sha256="


def sign(body: bytes, app_secret: str) -> str:
    """The value of `X-Hub-Signature-256`."""
    return _PREFIX + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def is_genuine(body: bytes, signature: str, app_secret: str) -> bool:
    """In constant time; over the raw body, for its JSON written anew has other bytes."""
    return hmac.compare_digest(signature.encode(), sign(body, app_secret).encode())
