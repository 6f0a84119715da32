"""Signed addresses of one booking: who has the link from the mail may see, move and cancel it.

A token is the booking's key with a 128-bit HMAC (RFC 2104) over it, so it cannot be guessed and
needs no table. It gives access to that one booking and to nothing else of the client.

A short link, for a QR code that is read from a screen or from paper, is the booking's code with eight
letters of such an HMAC: 78 bits together, of which the code is not a secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from uuid import UUID

_MAC_BYTES = 16
_TOKEN_LENGTH = 43  # base64url of 16 + 16 bytes, without padding
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # those of the codes of bookings
_SHORT = re.compile(r"([2-9A-HJKMNP-TV-Z]{8})-([2-9A-HJKMNP-TV-Z]{8})")


class BookingLinks:
    """Makes and reads the tokens of one deployment. `key` is the secret `session-key`."""

    def __init__(self, key: bytes, public_url: str) -> None:
        self._key = hmac.digest(key, b"booking links", hashlib.sha256)
        self._short_key = hmac.digest(key, b"short links", hashlib.sha256)
        self._public_url = public_url.rstrip("/")

    def token(self, booking_id: UUID) -> str:
        raw = booking_id.bytes + self._mac(booking_id.bytes)
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def url(self, booking_id: UUID) -> str:
        """Absolute address of the page on which the client changes or cancels the booking."""
        return f"{self._public_url}/reserva/{self.token(booking_id)}"

    def waiting_url(self, entry_id: UUID) -> str:
        """Absolute address of a place on the waiting list."""
        return f"{self._public_url}/espera/{self.other('waiting').token(entry_id)}"

    def photographs_url(self, item_id: UUID) -> str:
        """Absolute address at which a client answers about a pair of photographs."""
        return f"{self._public_url}/foto/{self.other('photographs').token(item_id)}"

    def other(self, what: str) -> BookingLinks:
        """Tokens of things that are no bookings: one kind's are not taken for another's."""
        return BookingLinks(hmac.digest(self._key, what.encode(), hashlib.sha256), self._public_url)

    def booking_id(self, token: str) -> UUID | None:
        """The booking of a token; None if it is not one of ours."""
        if len(token) != _TOKEN_LENGTH or not token.isascii():
            return None
        try:
            raw = base64.b64decode(token + "=", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if not hmac.compare_digest(raw[16:], self._mac(raw[:16])):
            return None
        return UUID(bytes=raw[:16])

    def short_url(self, code: str) -> str:
        """Absolute address of a booking for a QR code, by its code."""
        return f"{self._public_url}/q/{code}-{self._short_mac(code)}"

    def code(self, short: str) -> str | None:
        """The booking's code in the last part of a short link; None if it is not one of ours."""
        match = _SHORT.fullmatch(short)
        if match is None or not hmac.compare_digest(match[2], self._short_mac(match[1])):
            return None
        return match[1]

    def _short_mac(self, code: str) -> str:
        number = int.from_bytes(hmac.digest(self._short_key, code.encode(), hashlib.sha256))
        letters = []
        for _ in range(8):
            number, place = divmod(number, len(_LETTERS))
            letters.append(_LETTERS[place])
        return "".join(letters)

    def _mac(self, key: bytes) -> bytes:
        return hmac.digest(self._key, key, hashlib.sha256)[:_MAC_BYTES]
