"""Text for the standard fonts of PDF, which know the letters of western Europe alone."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """The text in the letters of Latin-1; another letter as its nearest one, or a question mark."""
    kept = []
    for letter in unicodedata.normalize("NFC", text):
        if ord(letter) < 256:
            kept.append(letter)
            continue
        base = unicodedata.normalize("NFKD", letter)[0]
        kept.append(base if ord(base) < 256 else "?")
    return "".join(kept)
