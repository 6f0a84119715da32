"""A blind index: words become keyed hashes, so that the database finds what it cannot read.

Each author has a key of their own: the same word gives different tokens for two authors. Somebody
with the database alone sees how many different words a note has and which notes of one author
share some; not the words. Whole words are found, in any spelling of case and accents.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

SHORTEST, MOST = 3, 2000
TOKEN_BYTES = 16
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """The words that can be looked for, without case and accents, each once."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    found = (word for word in _WORD.findall(plain) if len(word) >= SHORTEST)
    return list(dict.fromkeys(found))[:MOST]


def tokens(key: bytes, text: str) -> list[bytes]:
    """The tokens of a text's words, in an order that says nothing about the text's."""
    return sorted(
        hmac.digest(key, word.encode(), hashlib.sha256)[:TOKEN_BYTES] for word in words(text)
    )
