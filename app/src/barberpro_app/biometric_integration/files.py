"""What an uploaded file is, by its bytes, and its activities. Its name and type do not count."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal
from zoneinfo import ZoneInfo

from barberpro_app.biometric_integration.errors import (
    FileBrokenError,
    FileRefusedError,
    FileUnsafeError,
)
from barberpro_app.biometric_integration.summary import Activity

Format = Literal["fit", "gpx", "tcx", "csv"]
#: As it comes, and unpacked, in bytes. A day of points by the second is about 10 MiB of GPX.
LARGEST, LARGEST_UNPACKED = 6 * 1_048_576, 16 * 1_048_576
#: Text of points packs to a tenth or a twentieth; a bomb to a thousandth.
LARGEST_RATIO = 100
_HERE = "barberpro_app.biometric_integration"
_READERS: Mapping[Format, str] = {
    "fit": f"{_HERE}.fit",
    "gpx": f"{_HERE}.gpx",
    "tcx": f"{_HERE}.tcx",
    "csv": f"{_HERE}.table",
}
_GZIP, _ZIP, _XML_STARTS = b"\x1f\x8b", b"PK\x03\x04", (b"<", b"\xef\xbb\xbf<")
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds."""

    format: Format
    activities: list[Activity]


def parse(content: bytes, zone: ZoneInfo) -> Parsed:
    """The activities of a file, also of a packed one (gzip, or a zip of one file).

    Raises a `FileRefusedError`; never anything else, whatever the bytes are.
    """
    if not content:
        raise FileRefusedError(field="file")
    if len(content) > LARGEST:
        raise FileUnsafeError(field="file")
    plain = _unpacked(content)
    found = format_of(plain)
    # the libraries take ten megabytes, and are loaded with the first file
    read: Callable[[bytes, ZoneInfo], list[Activity]] = import_module(_READERS[found]).read
    return Parsed(found, read(plain, zone))


def format_of(content: bytes) -> Format:
    """Raises `FileRefusedError` for XML of another kind."""
    if content[8:12] == b".FIT":
        return "fit"
    head = content[:4096].lstrip(b" \t\r\n")
    if not head.startswith(_XML_STARTS):
        return "csv"
    if b"<gpx" in head or b":gpx" in head:
        return "gpx"
    if b"TrainingCenterDatabase" in head:
        return "tcx"
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise FileUnsafeError(field="file")
    raise FileRefusedError(field="file")


def _unpacked(content: bytes) -> bytes:
    if content.startswith(_GZIP):
        return _inflate(content)
    if content.startswith(_ZIP):
        return _only_file(content)
    return content


def _inflate(content: bytes) -> bytes:
    """One gzip member, piece by piece, so that a bomb never unfolds."""
    most = min(LARGEST_UNPACKED, len(content) * LARGEST_RATIO)
    machine = zlib.decompressobj(wbits=31)
    try:
        plain = machine.decompress(content, most + 1)
    except zlib.error as error:
        raise FileBrokenError(field="file") from error
    if len(plain) > most:
        raise FileUnsafeError(field="file")
    if not machine.eof:
        raise FileBrokenError(field="file")
    return plain


def _only_file(content: bytes) -> bytes:
    """The file of a zip that holds one, as Garmin Connect gives it."""
    most = min(LARGEST_UNPACKED, len(content) * LARGEST_RATIO)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [item for item in archive.infolist() if not item.is_dir()]
            if len(names) != 1 or names[0].flag_bits & 1:
                raise FileRefusedError(field="file")
            if names[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise FileRefusedError(field="file")  # the others unfold without a bound
            if names[0].file_size > most:
                raise FileUnsafeError(field="file")
            with archive.open(names[0]) as stream:
                plain = stream.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError,
            RuntimeError, LookupError) as error:  # fmt: skip
        raise FileBrokenError(field="file") from error
    if len(plain) > most:
        raise FileUnsafeError(field="file")
    if plain.startswith((_GZIP, _ZIP)):
        raise FileRefusedError(field="file")  # nothing packed twice
    return plain
