"""Text for the standard fonts of PDF, which know the letters of western Europe alone."""

from __future__ import annotations

import unicodedata

#: Signs that keyboards of telephones put in by themselves, and what stands for them.
_SIGNS = str.maketrans({
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2018": "'",
    "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2022": "\u00b7",
})  # fmt: skip


def plain(text: str) -> str:
    """The text in the letters of Latin-1; another letter as its nearest one, or a question mark."""
    kept = []
    for letter in unicodedata.normalize("NFC", text.translate(_SIGNS)):
        if ord(letter) < 256:
            kept.append(letter)
            continue
        base = unicodedata.normalize("NFKD", letter)[0]
        kept.append(base if ord(base) < 256 else "?")
    return "".join(kept)
