"""Static files under an address that contains their hash, so that a browser may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from starlette.responses import Response

PREFIX = "/static"
FOREVER = "public, max-age=31536000, immutable"
SOURCES = (
    "app.css",
    "staff.css",
    "app.js",
    "clinical.css",
    "recording.js",
    "scanner.js",
    "jsqr.js",
    "queue.js",
    "photos.js",
    "body.css",
    "classes.css",
    "clients.css",
    "brand.js",
    "report.css",
    "agenda.css",
    "today.css",
    "live.js",
    "agenda.js",
)


@dataclass(frozen=True)
class Asset:
    name: str
    body: bytes
    media_type: str
    packed: bytes

    @property
    def address(self) -> str:
        """``/static/app.1f3a9c0d2b.css``."""
        stem, _, suffix = self.name.rpartition(".")
        return f"{PREFIX}/{stem}.{hashlib.sha256(self.body).hexdigest()[:10]}.{suffix}"


class Assets:
    """The files of the package and those made for the brand, in memory: they are a few kilobytes."""

    def __init__(self, made: Mapping[str, str]) -> None:
        folder = files("barberpro_app.web").joinpath("static")
        bodies = {name: folder.joinpath(name).read_bytes() for name in SOURCES}
        bodies |= {name: text.encode() for name, text in made.items()}
        found = [
            Asset(name, body, _media_type(name), gzip.compress(body, mtime=0))
            for name, body in bodies.items()
        ]
        self._by_name = {asset.name: asset.address for asset in found}
        self._by_address = {asset.address: asset for asset in found}

    def renewed(self, made: Mapping[str, str]) -> Assets:
        """With other files made for the brand; pages that are open still find the old ones."""
        found = Assets(made)
        found._by_address = {**self._by_address, **found._by_address}
        return found

    def url(self, name: str) -> str:
        return self._by_name[name]

    def respond(self, address: str, accepted: str) -> Response | None:
        """Packed where the browser's `Accept-Encoding` takes it. Pages are not: what is typed into
        them must not be guessed by the length of what comes back."""
        asset = self._by_address.get(address)
        if asset is None:
            return None
        headers = {
            "Cache-Control": FOREVER,
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if not _takes_gzip(accepted):
            return Response(asset.body, media_type=asset.media_type, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """RFC 9110, 12.5.3; a weight of nought means no."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def icon(brand_name: str, background: str, foreground: str) -> str:
    """The brand's first letter in its colour, as the site's icon."""
    letter = next((sign for sign in brand_name if sign.isalnum()), "B").upper()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<circle cx="32" cy="32" r="32" fill="{background}"/>'
        f'<text x="32" y="44" font-family="Georgia,serif" font-size="36" font-weight="600"'
        f' text-anchor="middle" fill="{foreground}">{letter}</text></svg>'
    )
