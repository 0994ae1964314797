"""The backbone's pixels, applied inside the graph, so that every artifact takes RGB 0-255."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from tfxfer.catalogue.pixels import Pixels


@keras.saving.register_keras_serializable(package="tfxfer")
class Preprocess(keras.layers.Layer):
    """(N, H, W, 3) RGB 0-255 of any dtype -> float32 in the backbone's order, scale and offset."""

    def __init__(
        self,
        order: str = "rgb",
        scale: Sequence[float] = (1.0, 1.0, 1.0),
        offset: Sequence[float] = (0.0, 0.0, 0.0),
        *,
        name: str = "preprocess",
        dtype: str = "float32",
        trainable: bool = False,
    ) -> None:
        # float32 whatever the policy of the rest: 0-255 times a scale loses its last bits in float16.
        super().__init__(name=name, dtype=dtype, trainable=trainable, autocast=False)
        self.order, self.scale, self.offset = order, tuple(scale), tuple(offset)

    @classmethod
    def of(cls, pixels: Pixels, channels: int = 3) -> Preprocess:
        """Of other than three channels the scale and the offset are one and the same."""
        if channels != 3:
            return cls("rgb", pixels.scale[:1], pixels.offset[:1])
        return cls(pixels.order, pixels.scale, pixels.offset)

    def call(self, images: Any) -> Any:
        x = keras.ops.cast(images, self.compute_dtype)
        if self.order == "bgr":
            x = x[..., ::-1]
        if any(scale != 1.0 for scale in self.scale):
            x = x * self._constant(self.scale)
        if any(offset != 0.0 for offset in self.offset):
            x = x + self._constant(self.offset)
        return x

    def _constant(self, values: Sequence[float]) -> Any:
        """One number where all channels share it: XNNPACK walks through a vector of three in steps of three, slowly."""
        given = values[0] if len(set(values)) == 1 else values
        return keras.ops.convert_to_tensor(given, self.compute_dtype)

    def compute_output_spec(self, images: Any) -> Any:
        return keras.KerasTensor(images.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "order": self.order,
            "scale": list(self.scale),
            "offset": list(self.offset),
            "trainable": self.trainable,
            "dtype": self.compute_dtype,
        }
