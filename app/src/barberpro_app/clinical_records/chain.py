"""The chain of a record: each entry's hash covers what is stored of it and the hash before it.

Computed here from what is stored, independently of the database function that wrote it, so that
a change made under the app's feet shows (Ley 26.529 art. 13: integrity).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def first_hash(client_id: UUID) -> bytes:
    """What the first entry of a patient follows."""
    return hashlib.sha256(f"clinical-record:{client_id}".encode()).digest()


def digest(entry: Mapping[str, Any]) -> bytes:
    """The hash of one stored entry."""
    parts = (
        "clinical-entry-1",
        entry["id"],
        entry["client_id"],
        entry["number"],
        entry["kind"],
        entry["corrects"] or "-",
        entry["author_id"],
        _hex(entry["author_name"].encode()),
        _hex(entry["author_licence"].encode()),
        _microseconds(entry["happened_at"]),
        _microseconds(entry["written_at"]),
        _hex(bytes(entry["sealed"])),
        bytes(entry["previous_hash"]).hex(),
    )
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()


def first_break(client_id: UUID, entries: Sequence[Mapping[str, Any]]) -> int | None:
    """The number of the first entry that does not fit; None if the whole chain is intact."""
    before = first_hash(client_id)
    for expected, entry in enumerate(entries, 1):
        fits = (
            entry["number"] == expected
            and bytes(entry["previous_hash"]) == before
            and bytes(entry["hash"]) == digest(entry)
        )
        if not fits:
            return expected
        before = bytes(entry["hash"])
    return None


def _hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
