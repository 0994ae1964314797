"""The embedded backbone: a small residual net of strided convolutions, for a start without any download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.naming import seeded_initialisers
from tfxfer.backbones.weights_file import load_weights_file
from tfxfer.catalogue.backbones import BackboneFacts
from tfxfer.catalogue.inputs import ImageInput, Size

CHANNELS = (
    24,
    48,
    96,
)  # of each stage; every stage but the first halves the sides, and ends in a residual block


def load_embedded(
    facts: BackboneFacts, size: Size, weights: str, *, options: Mapping[str, object], seed: int
) -> Loaded:
    """Build `embedded/small` with random weights, or those of a file."""
    del options  # it takes none; checked by the caller
    with seeded_initialisers(seed):
        model = small_network(size)
    if weights != "none":
        load_weights_file(model, weights)
    return Loaded(model, ImageInput(size, facts.pixels), facts.source, facts.licence, weights)


def small_network(size: Size) -> keras.Model:
    """(N, H, W, 3) in [0, 1] -> (N, H / 4, W / 4, 96)."""
    image = keras.Input((*size, 3), name="image")
    x = _residual(_unit(image, CHANNELS[0], 1, "stem"), CHANNELS[0], "stage1_block")
    for number, channels in enumerate(CHANNELS[1:], start=2):
        x = _residual(_unit(x, channels, 2, f"stage{number}_down"), channels, f"stage{number}_block")
    return keras.Model(image, x, name="small")


def _unit(x: Any, channels: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _residual(x: Any, channels: int, name: str) -> Any:
    y = _unit(x, channels, 1, f"{name}_1")
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    y = layers.BatchNormalization(momentum=0.9, name=f"{name}_2_bn")(y)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, y]))
