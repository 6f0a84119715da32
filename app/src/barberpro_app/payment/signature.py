"""Whether a notification of Mercado Pago is genuine.

`x-signature: ts=<n>,v1=<hex>` is HMAC-SHA256 with the application's secret over the manifest
`id:<data.id>;request-id:<x-request-id>;ts:<ts>;`, a part that is absent being left out. Their
documentation and their SDKs disagree in two points, so both forms are taken: the id as it is in the
address or in lower case, and `ts` in seconds or in milliseconds. A valid signature changes nothing by
itself: the payment is then read from the API.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

#: Notifications are sent again for a day or more, with the signature of the first time.
OLDEST_SECONDS = 3 * 24 * 3600
_AHEAD_SECONDS = 600
#: Later than the year 5100 in seconds: milliseconds.
_MILLISECONDS_FROM = 100_000_000_000
_PARTS = re.compile(r"\s*(ts|v1)\s*=\s*([0-9a-fA-F]{1,64})\s*")


@dataclass(frozen=True, slots=True)
class Signed:
    """What is signed: the parts of the request."""

    data_id: str
    request_id: str
    signature: str


def is_genuine(signed: Signed, secret: str, now: float) -> bool:
    """`now` is in seconds since 1970."""
    parts = {}
    for piece in signed.signature.split(",")[:4]:
        found = _PARTS.fullmatch(piece)
        if found:
            parts[found[1]] = found[2]
    ts, given = parts.get("ts", ""), parts.get("v1", "").lower()
    if not re.fullmatch(r"[0-9]{1,16}", ts) or not given:
        return False
    seconds = int(ts) / 1000 if int(ts) >= _MILLISECONDS_FROM else int(ts)
    if not now - OLDEST_SECONDS <= seconds <= now + _AHEAD_SECONDS:
        return False
    return any(
        hmac.compare_digest(sign(data_id, signed.request_id, ts, secret), given)
        for data_id in (signed.data_id, signed.data_id.lower())
    )


def sign(data_id: str, request_id: str, ts: str, secret: str) -> str:
    """The signature in hex."""
    pairs = (("id", data_id), ("request-id", request_id), ("ts", ts))
    manifest = "".join(f"{name}:{value};" for name, value in pairs if value)
    return hmac.new(secret.encode(), manifest.encode(), hashlib.sha256).hexdigest()
