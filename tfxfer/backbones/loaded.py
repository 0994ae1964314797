"""What every way of loading a backbone hands over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras

from tfxfer.catalogue.inputs import ImageInput, Input
from tfxfer.catalogue.pixels import Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model with its input contract and the origin of its weights."""

    model: keras.Model
    input: Input
    source: str
    licence: str
    weights: str

    def with_pixels(self, pixels: Pixels) -> Loaded:
        """The same with pixels that the caller states."""
        return replace(self, input=ImageInput(self.input.size, pixels))
