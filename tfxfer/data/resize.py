"""A picture of any size becomes one of the network's size, by a rule that a consumer can repeat exactly.

The kernel is Pillow's BILINEAR: a triangle filter with half-pixel centres whose support grows with the
scale when shrinking (antialiased), applied along the width, rounded to 8 bits, then along the height.

- `stretch`: the whole picture is resized to (h, w); its shape is not kept.
- `crop`: the largest centred part of the target's shape is cut out, then stretched: of a picture (H, W),
  where W * h > H * w the full height and round(H * w / h) columns, else round(W * h / w) rows and the full
  width; the part starts at (H - rows) // 2, (W - columns) // 2.
- `pad`: the picture is resized to fit, scale min(h / H, w / W), sides round(H * scale) and round(W * scale),
  and centred on black, starting at (h - rows) // 2, (w - columns) // 2.

`round` rounds halves up and gives at least 1.

For a network of one channel the resized picture becomes grey, by the formula in catalogue/grey.py.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from tfxfer.catalogue.grey import FROM_FILES, GREY, MORE_FROM_PYTHON, WHY_NOT_MORE
from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.errors import UsageError

RULES: tuple[ResizeRule, ...] = ("stretch", "crop", "pad")
BILINEAR = Image.Resampling.BILINEAR
BLACK = (0, 0, 0)


def resize_contract(rule: ResizeRule) -> dict[str, object]:
    """The rule as contract.json holds it: rule, kernel, antialias, align, passes; for `pad` also the fill colour."""
    check_rule(rule)
    contract: dict[str, object] = {
        "rule": rule,
        "kernel": "bilinear",
        "antialias": True,
        "align": "half_pixel",
        "passes": ["width", "height"],
    }
    return contract | ({"fill": list(BLACK)} if rule == "pad" else {})


def check_rule(rule: str) -> None:
    """Raises UsageError unless `rule` is one of RULES."""
    if rule not in RULES:
        raise UsageError(f"resize must be one of {', '.join(RULES)}. Received: {rule!r}. Choose one of them.")


def check_channels(channels: int) -> None:
    """Raises UsageError unless picture files can be brought to so many channels."""
    if channels not in FROM_FILES:
        raise UsageError(f"{WHY_NOT_MORE}. Received: channels {channels}. To use more, {MORE_FROM_PYTHON}.")


def resize_image(
    image: np.ndarray, size: Size, rule: ResizeRule = "stretch", channels: int = 3
) -> np.ndarray:
    """(H, W, 3) uint8 RGB becomes (h, w, 3) uint8 RGB, or (h, w, 1) grey, `size` being (h, w).

    Raises:
        UsageError: no such rule or number of channels, or an array of another shape or dtype.
    """
    check_rule(rule)
    check_channels(channels)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise UsageError(
            f"An image must be (H, W, 3) uint8. Received: {image.shape} {image.dtype}. Convert it with "
            "decode_image."
        )
    return np.array(fit_picture(Image.fromarray(image), size, rule, channels)).reshape(*size, channels)


def as_picture(image: np.ndarray) -> Image.Image:
    """(H, W, 3) or (H, W, 1) uint8 as a Pillow image of mode RGB or L."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == GREY else image)


def fit_picture(image: Image.Image, size: Size, rule: ResizeRule, channels: int = 3) -> Image.Image:
    """As `resize_image`, from a Pillow image of mode RGB to one of mode RGB, or L for one channel."""
    fitted = _fitted(image, size, rule)
    return fitted.convert("L") if channels == GREY else fitted


def _fitted(image: Image.Image, size: Size, rule: ResizeRule) -> Image.Image:
    if rule == "crop":
        return _stretch(image.crop(_crop_box(image, size)), size)
    if rule == "pad":
        return _pad(image, size)
    return _stretch(image, size)


def _stretch(image: Image.Image, size: Size) -> Image.Image:
    """In two passes: Pillow 13 takes tall pictures along their height first, which moves pixels by 1."""
    height, width = size
    across = image if image.width == width else image.resize((width, image.height), BILINEAR)
    return across if across.height == height else across.resize((width, height), BILINEAR)


def _crop_box(image: Image.Image, size: Size) -> tuple[int, int, int, int]:
    height, width = size
    wide = image.width * height > image.height * width
    rows = image.height if wide else _rounded(image.width * height, width)
    columns = _rounded(image.height * width, height) if wide else image.width
    top, left = (image.height - rows) // 2, (image.width - columns) // 2
    return left, top, left + columns, top + rows


def _pad(image: Image.Image, size: Size) -> Image.Image:
    height, width = size
    wide = image.width * height > image.height * width
    rows = _rounded(image.height * width, image.width) if wide else height
    columns = width if wide else _rounded(image.width * height, image.height)
    canvas = Image.new("RGB", (width, height), BLACK)
    canvas.paste(_stretch(image, (rows, columns)), ((width - columns) // 2, (height - rows) // 2))
    return canvas


def _rounded(numerator: int, denominator: int) -> int:
    """numerator / denominator, halves up, at least 1; in whole numbers, so that every language agrees."""
    return max(1, (2 * numerator + denominator) // (2 * denominator))
