"""Photographs: what is refused, and what is left of what is accepted."""

from __future__ import annotations

import io
import stat
import struct
import zlib
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support_photographs import photograph

from barberpro_app.kit.errors import NotFoundError
from barberpro_app.media_processor.images import ImageRefusedError, process, sniff
from barberpro_app.media_processor.storage import MediaFolder


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_each_format_becomes_plain_files_in_three_sizes(kind: str) -> None:
    source = photograph(kind)
    assert b"SecretCamera" in source
    made = process(source)
    assert (made.width, made.height) == (1300, 900)
    assert {(part.width, part.media_type) for part in made.variants} == {
        (width, kind) for width in (320, 640, 1080) for kind in ("image/webp", "image/jpeg")
    }
    for part in made.variants:
        assert b"SecretCamera" not in part.content
        with Image.open(io.BytesIO(part.content)) as picture:
            assert picture.size == (part.width, part.height)
            assert not picture.getexif()
            assert not {"exif", "xmp", "icc_profile", "comment"} & picture.info.keys()


def test_the_orientation_is_applied() -> None:
    made = process(photograph(orientation=6))  # turned by a quarter: red is on top
    assert (made.width, made.height) == (900, 1300)
    with Image.open(io.BytesIO(made.variants[0].content)) as picture:
        top, bottom = picture.getpixel((10, 10)), picture.getpixel((10, picture.height - 10))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > bottom[0]


def test_small_ones_are_not_made_larger() -> None:
    assert {part.width for part in process(photograph(size=(200, 100))).variants} == {200}


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\0" * 50,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        bomb(20_000, 10_000),
        bomb(14_000, 15_000),
        bomb(2_000_000_000, 1),
        bomb(9000, 100),
        bomb(0, 0),
        b"\xff\xd8\xff" + b"\0" * 100,
        b"RIFF\x10\0\0\0WEBP" + b"\0" * 16,
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ],
)
def test_what_is_refused(content: bytes) -> None:
    with pytest.raises(ImageRefusedError):
        process(content)


def test_a_heic_photograph_is_told_what_to_do() -> None:
    with pytest.raises(ImageRefusedError, match=r"HEIC.*JPEG"):
        sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_file_that_is_cut_off_is_refused(kind: str) -> None:
    whole = photograph(kind, (600, 400))
    with pytest.raises(ImageRefusedError):
        process(whole[: len(whole) // 2])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
def test_damage_is_refused_or_harmless(kind: str, data: st.DataObject) -> None:
    content = bytearray(photograph(kind, (64, 48)))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        made = process(bytes(content))
    except ImageRefusedError:
        return
    assert made.variants


def test_the_folder_is_closed_to_others_and_to_paths(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "media")
    name = "a" * 64 + ".webp"
    folder.publish(name, b"x")
    folder.keep_original(UUID(int=1), b"y")
    for path in (tmp_path / "media").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert folder.published(name) == b"x"
    (tmp_path / "secret").write_text("s")
    for hostile in ("../secret", "../../secret", "/etc/passwd", name + "\0", "A" * 64 + ".webp",
                    name + "/..", "..%2fsecret", name + "\n", ""):  # fmt: skip
        with pytest.raises(NotFoundError):
            folder.published(hostile)
