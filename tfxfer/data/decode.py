"""Encoded bytes become RGB, 8 bits a channel, by one rule.

| in the file | becomes |
|---|---|
| several frames (GIF, animated WebP and PNG) | the first |
| EXIF orientation 2 to 8 | turned and mirrored accordingly; unreadable EXIF counts as none |
| grey, 1 bit, palette | RGB, grey repeated three times |
| transparency (alpha channel, transparent colour or palette entry) | laid over white |
| 16 bits a channel | the high byte: 0..65535 to 0..255, so 257 * n becomes n |
| CMYK (Adobe's inverted kind included) | r = (255 - c) * (255 - k) / 255, and so on |
| colour profile | ignored |

JPEG is decoded at full size, never at libjpeg's reduced scales: those would change what resizing gives.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError, WebPImagePlugin

from tfxfer.data.formats import NAMES, SUPPORTED
from tfxfer.errors import RecordError

FORMATS = ("JPEG", "PNG", "BMP", "GIF", WebPImagePlugin.WebPImageFile.format)  # importing registers WebP
MAX_PIXELS = 89_478_485  # 256 MiB as RGB; the limit at which Pillow itself warns of a decompression bomb
WHITE = (255, 255, 255, 255)
ORIENTATION = 0x0112  # EXIF tag 274
SIXTEEN_BIT = frozenset({"I;16", "I;16B", "I;16L", "I"})
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's plugins raise on damaged bytes, found by flipping bytes in files of every format.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, mode RGB, upright, and the name of its format."""

    image: Image.Image
    format: str


def decode_image(data: bytes, name: str = "the picture") -> np.ndarray:
    """The picture in `data` as (H, W, 3) uint8, RGB, upright; `name` is what messages call it.

    Raises:
        RecordError: no bytes, not a picture of a known format, damaged, or more than MAX_PIXELS pixels.
    """
    return np.array(decode_picture(data, name).image)


def decode_picture(data: bytes, name: str = "the picture") -> Picture:
    """As `decode_image`, before it becomes an array."""
    if not data:
        raise RecordError(
            "empty", f"'{name}' must hold a picture. Received: an empty file. Replace or remove it."
        )
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
        _check_size(image, name)
        image.load()
        return Picture(_rgb(_upright(image)), NAMES[str(image.format)])
    except BOMB as error:
        raise RecordError("too_large", _too_large(name, "more pixels than that")) from error
    except UnidentifiedImageError as error:
        raise RecordError(
            "unreadable",
            f"'{name}' must be {SUPPORTED}. Received: bytes of another kind. Convert or remove it.",
        ) from error
    except DAMAGE as error:
        raise _damage(error, name) from error


def _check_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise RecordError("too_large", _too_large(name, f"{image.width} x {image.height} pixels"))


def _too_large(name: str, received: str) -> str:
    return (
        f"'{name}' must have at most {MAX_PIXELS:,} pixels. Received: {received}. Make it smaller or remove "
        "it."
    )


def _damage(error: Exception, name: str) -> RecordError:
    kind = "truncated" if "truncat" in str(error).lower() else "unreadable"
    reason = str(error) or type(error).__name__
    return RecordError(kind, f"'{name}' must be a whole picture. Received: {reason}. Replace or remove it.")


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except DAMAGE:  # viewers ignore EXIF that they cannot read, and so were the labels given
        return image
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BIT:
        return _high_byte(image)
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, WHITE)
        return Image.alpha_composite(paper, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _high_byte(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.size and not 0 <= values.min() <= values.max() <= 0xFFFF:
        raise ValueError(f"values from {values.min()} to {values.max()} where 0 to 65535 can be shown")
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
