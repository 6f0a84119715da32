"""What an uploaded document is, by its first bytes; what the sender says it is does not count."""

from __future__ import annotations

from barberpro_app.kit.errors import InvalidRequestError

#: Below the limit of a request's body, with room for the form around it.
LARGEST = 900 * 1024
_BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
_ENDINGS = {
    "application/pdf": (b"%%EOF", 1024),
    "image/jpeg": (b"\xff\xd9", 64),
    "image/png": (b"IEND", 16),
}


class DocumentError(InvalidRequestError):
    """The document must be a whole PDF, JPEG or PNG of at most 900 kB."""

    code = "document"
    field = "document"


def media_type(content: bytes) -> str:
    """`application/pdf`, `image/jpeg` or `image/png`. Raises `DocumentError` for anything else,
    for one that is too large, and for one that was cut off."""
    if not 0 < len(content) <= LARGEST:
        raise DocumentError
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            ending, within = _ENDINGS[kind]
            if ending not in content[-within:]:
                raise DocumentError
            return kind
    raise DocumentError
