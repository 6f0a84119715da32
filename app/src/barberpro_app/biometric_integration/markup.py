"""Reads XML as it comes, without a tree: no entities, no document types, bounded in depth and size."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from barberpro_app.biometric_integration.errors import FileBrokenError, FileUnsafeError

DEEPEST, LONGEST_TEXT = 40, 4000
MOST_ELEMENTS = 2_000_000
_CHUNK = 65_536


class Target:
    """What a parser tells: `opened` and `closed` get local names, the latter with the text."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._elements = 0

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; `path` ends with it."""

    def closed(self, name: str, text: str) -> None:
        """An element ends; `path` still ends with it."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self.path) >= DEEPEST or self._elements > MOST_ELEMENTS:
            raise FileUnsafeError(field="file")
        name = tag.rpartition("}")[2]
        self.path.append(name)
        self._text, self._length = [], 0
        self.opened(name, attributes)

    def data(self, text: str) -> None:
        if self._length < LONGEST_TEXT:
            self._text.append(text)
            self._length += len(text)

    def end(self, tag: str) -> None:
        text = "".join(self._text).strip()
        self._text, self._length = [], 0
        self.closed(tag.rpartition("}")[2], text)
        self.path.pop()

    def close(self) -> None:
        """The document ended."""


def feed(content: bytes, target: Target) -> None:
    """Raises `FileUnsafeError` for entities and document types, `FileBrokenError` for bad XML."""
    parser = XMLParser(target=target, forbid_dtd=True)
    push: Callable[[bytes], None] = parser.feed
    try:
        for begin in range(0, len(content), _CHUNK):
            push(content[begin : begin + _CHUNK])
        parser.close()
    except DefusedXmlException as error:
        raise FileUnsafeError(field="file") from error
    except (ParseError, LookupError, ValueError) as error:  # LookupError: an unknown encoding
        raise FileBrokenError(field="file") from error


def number(text: str) -> float | None:
    """A number as XML Schema writes it; None for anything else."""
    try:
        return float(text)
    except ValueError:
        return None


def instant(text: str) -> datetime | None:
    """An instant of ISO 8601, UTC where no zone is said; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
