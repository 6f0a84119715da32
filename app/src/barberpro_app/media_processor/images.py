"""One photograph into the files that are published. Pure: bytes in, bytes out."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps, UnidentifiedImageError

from barberpro_app.kit.errors import InvalidRequestError

LARGEST_PIXELS = 50_000_000  # phones make 12 to 48 megapixels
LARGEST_SIDE = 16_000
LONGEST_SHAPE = 8  # the longer side is at most so many times the shorter
WIDTHS = (320, 640, 1080)
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
MediaType = Literal["image/jpeg", "image/png", "image/webp", "image/avif"]
_FORMATS: dict[MediaType, str] = {
    "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/avif": "AVIF",
}  # fmt: skip


#: What the decoders raise for a damaged file.
_DAMAGE = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, ArithmeticError,
    LookupError, TypeError, struct.error, zlib.error,
)  # fmt: skip


class ImageRefusedError(InvalidRequestError):
    """This is not a photograph that can be published."""

    code = "image_refused"
    field = "image"


#: What is told about a refused photograph, by why; "pixels" names the size.
TYPE = "Send a photograph as JPEG, PNG, WebP or AVIF."
HEIC = (
    "HEIC photographs are not accepted: save it as JPEG, or set the camera of the phone to"
    " 'most compatible'."
)
DAMAGED = "The file is damaged or cut off."
NARROW = "The photograph is too narrow."
_WHYS = {TYPE: "type", HEIC: "heic", DAMAGED: "damaged", NARROW: "narrow"}


def why_of(reason: str) -> str:
    """The kind of a refusal: type, heic, damaged, narrow, pixels, size or other."""
    if "pixels" in reason:
        return "pixels"
    return _WHYS.get(reason, "size" if "MiB" in reason else "other")


@dataclass(frozen=True, slots=True)
class Variant:
    """A file to be published; `name` is the SHA-256 of `content` with the type's ending."""

    name: str
    media_type: Literal["image/webp", "image/jpeg"]
    width: int
    height: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Photograph:
    """`width` and `height` are of the upright original, in pixels."""

    width: int
    height: int
    variants: tuple[Variant, ...]


def sniff(content: bytes) -> MediaType:
    """The type by the first bytes, whatever the sender said. Raises `ImageRefusedError`."""
    if content[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return _of_iso_file(content)
    raise ImageRefusedError(TYPE)


def _of_iso_file(content: bytes) -> MediaType:
    """ISO 14496-12 §4.3: the major brand, a version, then compatible brands."""
    length = min(int.from_bytes(content[:4], "big"), len(content), 256)
    brands = {content[8:12], *(content[at : at + 4] for at in range(16, length - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "image/avif"
    if brands & _HEIF_BRANDS:
        raise ImageRefusedError(HEIC)
    raise ImageRefusedError(TYPE)


def process(content: bytes) -> Photograph:
    """The published files of a photograph. Raises `ImageRefusedError`.

    The size is read from the header before a pixel is decoded, so a bomb costs nothing. New files
    are made of the pixels alone: no EXIF, XMP, IPTC, comment or place survives.
    """
    plain = _opaque(opened(content))
    variants = tuple(
        variant for width in _widths(plain.width) for variant in _variants(plain, width)
    )
    return Photograph(plain.width, plain.height, variants)


def check(content: bytes) -> None:
    """Type and size by the header, without decoding a pixel. Raises `ImageRefusedError`."""
    format_name = _FORMATS[sniff(content)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=[format_name]) as source:
                _check_size(*source.size)
    except ImageRefusedError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageRefusedError("The photograph has too many pixels.") from error
    except _DAMAGE as error:
        raise ImageRefusedError(DAMAGED) from error


def opened(content: bytes) -> Image.Image:
    """The pixels, upright, with their transparency (RGBA). Raises `ImageRefusedError`."""
    format_name = _FORMATS[sniff(content)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata; sizes are checked below
            with Image.open(io.BytesIO(content), formats=[format_name]) as source:
                _check_size(*source.size)
                upright = ImageOps.exif_transpose(source)
                upright.load()
                return upright.convert("RGBA")
    except ImageRefusedError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageRefusedError("The photograph has too many pixels.") from error
    except _DAMAGE as error:
        raise ImageRefusedError(DAMAGED) from error


def _check_size(width: int, height: int) -> None:
    if width * height > LARGEST_PIXELS or max(width, height) > LARGEST_SIDE:
        raise ImageRefusedError(
            f"The photograph has {width} × {height} pixels; at most 50 megapixels are accepted."
        )
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise ImageRefusedError(NARROW)


def _opaque(layered: Image.Image) -> Image.Image:
    """RGB pixels in an image that never had metadata; what was transparent is white."""
    plain = Image.new("RGB", layered.size, "white")
    plain.paste(layered, mask=layered.getchannel("A"))
    return plain


def _widths(width: int) -> tuple[int, ...]:
    """Nothing is made larger than it is."""
    return tuple(w for w in WIDTHS if w <= width) or (width,)


def _variants(plain: Image.Image, width: int) -> tuple[Variant, Variant]:
    height = max(1, round(plain.height * width / plain.width))
    small = plain.resize((width, height), Image.Resampling.LANCZOS)
    webp, jpeg = io.BytesIO(), io.BytesIO()
    small.save(webp, "WEBP", quality=78, method=4)
    small.save(jpeg, "JPEG", quality=80, optimize=True, progressive=True)
    return (
        _variant("webp", "image/webp", small.size, webp.getvalue()),
        _variant("jpg", "image/jpeg", small.size, jpeg.getvalue()),
    )


def _variant(
    ending: str, media_type: Literal["image/webp", "image/jpeg"],
    size: tuple[int, int], content: bytes,
) -> Variant:  # fmt: skip
    name = f"{hashlib.sha256(content).hexdigest()}.{ending}"
    return Variant(name, media_type, size[0], size[1], content)
