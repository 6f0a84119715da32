"""What networks read of an address that is shared (ogp.me and its Twitter names): nothing of a client,
everything absolute."""

from __future__ import annotations

from dataclasses import dataclass

from barberpro_app.brand.card import HEIGHT, WIDTH
from barberpro_app.web.site.rendering import Reader

#: Networks cut what is longer.
LONGEST = 200


@dataclass(frozen=True)
class Shared:
    """The tags of one page; `url` and `image` are absolute, sizes in pixels."""

    title: str
    description: str
    url: str
    image: str
    image_type: str
    alt: str
    width: int = WIDTH
    height: int = HEIGHT


def shared(
    reader: Reader,
    path: str,
    title: str,
    description: str = "",
    *,
    item: object = None,
    alt: str = "",
) -> Shared:
    """With the picture of a published pair, or with that of the brand."""
    origin, brand = reader.app.public_url.rstrip("/"), reader.app.brand
    told = description or brand.tagline or reader.t("services.lead")
    if item is not None:
        image, kind = f"{origin}/compartir/trabajo/{item}.jpg", "image/jpeg"
    else:
        version = reader.site.brand_version
        image, kind = f"{origin}/compartir/marca.png?v={version}", "image/png"
    return Shared(title, told[:LONGEST], origin + path, image, kind, alt or brand.name)
