"""What a backbone expects its pixels to be: an order of channels and one affine map per channel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Triple = tuple[float, float, float]

USUAL_PIXELS = '"[0,1]", "[-1,1]", "[0,255]" or {order: rgb, scale: 0.00392157, offset: 0}'


@dataclass(frozen=True, slots=True)
class Pixels:
    """RGB 0-255 becomes what the backbone was trained on: reordered, then `x * scale + offset` per channel.

    `scale` and `offset` hold three numbers in the order of `order`.
    """

    order: Literal["rgb", "bgr"] = "rgb"
    scale: Triple = (1.0, 1.0, 1.0)
    offset: Triple = (0.0, 0.0, 0.0)

    @classmethod
    def uniform(cls, scale: float, offset: float, order: Literal["rgb", "bgr"] = "rgb") -> Pixels:
        """The same scale and offset for all three channels."""
        return cls(order, (scale,) * 3, (offset,) * 3)

    @property
    def is_uniform(self) -> bool:
        """Whether it does the same to each channel, and leaves them in their order."""
        return self.order == "rgb" and len({*self.scale}) == 1 and len({*self.offset}) == 1

    def as_dict(self) -> dict[str, object]:
        return {"order": self.order, "scale": list(self.scale), "offset": list(self.offset)}


RAW = Pixels()
UNIT = Pixels.uniform(1 / 255, 0.0)
SIGNED_UNIT = Pixels.uniform(1 / 127.5, -1.0)

RANGES: Mapping[str, Pixels] = {"[0,255]": RAW, "[0,1]": UNIT, "[-1,1]": SIGNED_UNIT}


def parse_pixels(value: str | Mapping[str, object]) -> Pixels:
    """The `Pixels` that a configuration or a command line names; ValueError says which answers are usual."""
    if isinstance(value, str):
        pixels = RANGES.get(value.replace(" ", ""))
        if pixels is None:
            raise ValueError(f"pixels must be {USUAL_PIXELS}. Received: {value!r}.")
        return pixels
    unknown = sorted(set(value) - {"order", "scale", "offset"})
    if unknown:
        raise ValueError(f"pixels takes the keys order, scale and offset. Received: {unknown[0]!r}.")
    order = value.get("order", "rgb")
    if order not in ("rgb", "bgr"):
        raise ValueError(f"pixels.order must be 'rgb' or 'bgr'. Received: {order!r}.")
    return Pixels(
        order, _triple("scale", value.get("scale", 1.0)), _triple("offset", value.get("offset", 0.0))
    )


def _triple(name: str, value: object) -> Triple:
    numbers = [value] * 3 if isinstance(value, (int, float)) else value
    if not isinstance(numbers, (list, tuple)) or len(numbers) != 3:
        raise ValueError(f"pixels.{name} must be one number or three. Received: {value!r}.")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise ValueError(f"pixels.{name} must hold finite numbers. Received: {number!r}.")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])
