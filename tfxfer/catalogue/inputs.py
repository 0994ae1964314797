"""Input contracts: the kind of thing a backbone eats, and what that kind needs to be said about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tfxfer.catalogue.pixels import Pixels

Size = tuple[int, int]  # (height, width) in pixels
Kind = Literal["image", "tensor"]
ResizeRule = Literal["stretch", "crop", "pad"]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """A picture of a fixed size, RGB 0-255 before `pixels` is applied.

    With other than three channels, each is 0-255, and `pixels` says the same of all of them.
    """

    size: Size
    pixels: Pixels
    channels: int = 3
    kind: ClassVar[Kind] = "image"


@dataclass(frozen=True, slots=True)
class TensorInput:
    """Numbers (a, b, c) that are no picture, float32, as they come: nothing is done to them."""

    shape: tuple[int, int, int]
    kind: ClassVar[Kind] = "tensor"

    @property
    def size(self) -> Size:
        """Its first two sides."""
        return self.shape[0], self.shape[1]


Input = ImageInput | TensorInput


def channels_of(contract: Input) -> int:
    """How many numbers there are at each place."""
    return contract.channels if isinstance(contract, ImageInput) else contract.shape[2]
