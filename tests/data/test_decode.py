"""Every format and mode becomes RGB by the rule in the docstring of `decode`; damage is an error."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tfxfer.data.decode import MAX_PIXELS, decode_image
from tfxfer.errors import DataError, RecordError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue; 24 wide, 16 high."""
    image = Image.new("RGB", (24, 16), RED)
    image.paste(BLUE, (12, 0, 24, 16))
    return image.convert(mode)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
    ],
)
def test_every_format_gives_the_same_picture(kind: str, options: dict[str, object]) -> None:
    image = decode_image(encoded(halves(), kind, **options))
    assert image.shape == (16, 24, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image[:, :8], np.broadcast_to(RED, (16, 8, 3)), atol=6)
    np.testing.assert_allclose(image[:, 16:], np.broadcast_to(BLUE, (16, 8, 3)), atol=6)


def test_grey_is_repeated_three_times() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = decode_image(encoded(Image.fromarray(values), "PNG"))
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], values)


def test_one_bit_becomes_black_and_white() -> None:
    image = decode_image(encoded(Image.new("1", (4, 4), 1), "PNG"))
    assert (image == 255).all()


def test_transparency_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert (decode_image(encoded(clear, "PNG")) == 255).all()
    np.testing.assert_allclose(decode_image(encoded(half, "PNG"))[0, 0], (255, 127, 127), atol=1)
    assert (decode_image(encoded(clear, "WEBP", lossless=True, exact=True)) == 255).all()


def test_grey_with_alpha_is_laid_over_white() -> None:
    image = decode_image(encoded(Image.new("LA", (4, 4), (0, 64)), "PNG"))
    np.testing.assert_allclose(image[0, 0], (191, 191, 191), atol=1)


def test_a_transparent_palette_entry_is_laid_over_white() -> None:
    image = halves("P")
    image.info["transparency"] = image.getpixel((0, 0))
    for kind in ("PNG", "GIF"):
        decoded = decode_image(encoded(image, kind, transparency=image.getpixel((0, 0))))
        assert (decoded[:, :12] == 255).all()
        assert (decoded[:, 12:] == BLUE).all()


def test_a_transparent_colour_is_laid_over_white() -> None:
    decoded = decode_image(encoded(halves(), "PNG", transparency=RED))
    assert (decoded[:, :12] == 255).all()
    assert (decoded[:, 12:] == BLUE).all()


def test_sixteen_bit_grey_keeps_the_high_byte() -> None:
    values = np.array([[0, 255, 256, 257, 32768, 65535]], dtype=np.uint16)
    image = decode_image(encoded(Image.fromarray(values), "PNG"))
    np.testing.assert_array_equal(image[0, :, 0], [0, 0, 1, 1, 128, 255])


def test_sixteen_bit_colour_keeps_the_high_byte() -> None:
    values = np.array([[[0, 255, 256], [257, 32768, 65535]]], dtype=">u2")
    image = decode_image(sixteen_bit_colour_png(values))
    np.testing.assert_array_equal(image[0], [[0, 0, 1], [1, 128, 255]])


def sixteen_bit_colour_png(values: np.ndarray) -> bytes:
    """Pillow writes no such file, so it is put together here: (H, W, 3) big-endian uint16."""
    height, width, _ = values.shape
    lines = b"".join(b"\0" + line.tobytes() for line in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in chunks)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_cmyk_becomes_rgb() -> None:
    image = decode_image(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    np.testing.assert_allclose(image[8, 8], RED, atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_honoured(orientation: int, kind: str) -> None:
    upright = np.zeros((16, 32, 3), dtype=np.uint8)
    upright[:8, :16] = 250  # the corner that tells all eight apart, with the shape
    stored = (
        Image.fromarray(upright).transpose(UNTURN[orientation])
        if orientation > 1
        else Image.fromarray(upright)
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode_image(encoded(stored, kind, exif=exif, **options))
    assert image.shape == upright.shape
    np.testing.assert_allclose(image[2:6, 4:12], 250, atol=12)
    np.testing.assert_allclose(image[10:, 20:], 0, atol=12)
    np.testing.assert_allclose(image[2:6, 20:], 0, atol=12)


UNTURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def test_unreadable_exif_counts_as_none() -> None:
    image = decode_image(encoded(halves(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"))
    assert image.shape == (16, 24, 3)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)]
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert (image == RED).all()


def test_a_jpeg_of_several_pictures_gives_the_first() -> None:
    image = decode_image(encoded(halves(), "MPO", save_all=True, append_images=[Image.new("RGB", (24, 16))]))
    assert image.shape == (16, 24, 3)
    assert image[8, 2, 0] > 200


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.9])
def test_a_cut_file_is_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(RecordError, match="'cut'") as caught:
        decode_image(data[: int(len(data) * share)], "cut")
    assert caught.value.kind in ("truncated", "unreadable")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_flipped_bytes_give_a_picture_or_a_data_error(kind: str) -> None:
    data = encoded(halves(), kind)
    random = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(data)
        for place in random.integers(0, len(data), 3):
            damaged[place] = random.integers(0, 256)
        with suppress(DataError):
            assert decode_image(bytes(damaged)).ndim == 3


def test_no_bytes_are_an_empty_picture() -> None:
    with pytest.raises(RecordError, match=r"'x.png' must hold a picture. Received: an empty file") as caught:
        decode_image(b"", "x.png")
    assert caught.value.kind == "empty"


def test_text_is_no_picture() -> None:
    with pytest.raises(RecordError, match="must be JPEG, PNG, BMP, GIF or WebP"):
        decode_image(b"not a picture at all", "x.jpg")


def test_other_formats_are_refused() -> None:
    with pytest.raises(RecordError, match="bytes of another kind"):
        decode_image(encoded(halves(), "TIFF"))


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(RecordError, match=f"at most {MAX_PIXELS:,} pixels") as caught:
        decode_image(bomb, "bomb.png")
    assert caught.value.kind == "too_large"


def test_a_picture_without_pixels_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 0, 0, 8, 2, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(RecordError):
        decode_image(data)
