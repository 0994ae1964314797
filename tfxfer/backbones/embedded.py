"""The embedded backbone: a small residual net with its own weights, for a start without any download."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from keras import layers

from tfxfer.backbones.loaded import Loaded
from tfxfer.backbones.naming import seeded_initialisers
from tfxfer.backbones.weights_file import load_weights_file
from tfxfer.catalogue.backbones import BackboneFacts
from tfxfer.catalogue.inputs import ImageInput, Size
from tfxfer.errors import WeightsError

GLYPHS = Path(__file__).with_name("embedded_small.safetensors")  # written by pipelines/pretrain_embedded.py
GLYPHS_SHA256 = "1a3c31f9579a835af9784872a94d6b7b7f10471e5aae59ff78fca11d5aa52a58"

STEM = 24  # channels, at half the sides
BLOCKS = ((32, 1), (64, 2), (128, 2))  # channels and stride of each residual block


def load_embedded(
    facts: BackboneFacts, size: Size, weights: str, *, options: Mapping[str, object], seed: int
) -> Loaded:
    """Build `embedded/small` with the weights that come with tfxfer, random ones, or those of a file.

    Raises:
        WeightsError: the weights are missing, damaged, or another network's.
    """
    del options  # it takes none; checked by the caller
    with seeded_initialisers(seed):
        model = small_network(size)
    if weights == "glyphs":
        _check_bytes(GLYPHS)
        load_weights_file(model, GLYPHS)
    elif weights != "none":
        load_weights_file(model, weights)
    source = {"glyphs": facts.source, "none": "random weights"}.get(weights, weights)
    return Loaded(model, ImageInput(size, facts.pixels), source, facts.licence, weights)


def small_network(size: Size) -> keras.Model:
    """(N, H, W, 3) in [-1, 1] -> (N, H / 8, W / 8, 128), sides rounded up."""
    image = keras.Input((*size, 3), name="image")
    x = _activated(_normed(image, STEM, 3, 2, "stem"), "stem")
    for number, (channels, stride) in enumerate(BLOCKS, start=1):
        x = _residual(x, channels, stride, f"block_{number}")
    return keras.Model(image, x, name="small")


def _residual(x: Any, channels: int, stride: int, name: str) -> Any:
    y = _activated(_normed(x, channels, 3, stride, f"{name}_1"), f"{name}_1")
    y = _normed(y, channels, 3, 1, f"{name}_2")
    if stride > 1:  # every pixel reaches the shortcut: ResNet-D (He et al. 2019, arXiv:1812.01187)
        x = layers.AveragePooling2D(stride, padding="same", name=f"{name}_shortcut_pool")(x)
    x = _normed(x, channels, 1, 1, f"{name}_shortcut")
    return _activated(layers.Add(name=f"{name}_add")([x, y]), name)


def _normed(x: Any, channels: int, kernel: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)


def _activated(x: Any, name: str) -> Any:
    return layers.ReLU(name=f"{name}_relu")(x)


def _check_bytes(file: Path) -> None:
    found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no file"
    if found != GLYPHS_SHA256:
        raise WeightsError(
            f"{file} must be the file that came with tfxfer, of SHA-256 {GLYPHS_SHA256}. "
            f"Received: {found}. Install tfxfer again."
        )
