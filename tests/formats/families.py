"""Networks of well-known families, made lively without their downloads."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from PIL import Image

PIXELS = {"MobileNetV2": (1 / 127.5, -1.0), "ResNet50": (1.0, -115.0)}  # the others scale inside
CLASSES = 5


def lively(family: str, photos: np.ndarray) -> keras.Model:
    """uint8 photos -> 5 logits; weights random, BatchNorm statistics those of these photos.

    Randomised statistics would make deep networks constant or chaotic, and parity would prove nothing.
    """
    keras.utils.set_random_seed(0)
    size = photos.shape[1:3]
    constructor = getattr(keras.applications, family)
    backbone = constructor(include_top=False, weights=None, input_shape=(*size, 3), pooling="avg")
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(*PIXELS.get(family, (1.0, 0.0)))(image)
    model = keras.Model(image, keras.layers.Dense(CLASSES)(backbone(scaled)))
    settle(backbone, model, photos)
    return model


def settle(backbone: keras.Model, model: keras.Model, photos: np.ndarray) -> None:
    """One training-mode pass that leaves its statistics behind, all of them."""
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    model(photos, training=True)


def flowers(assets: Path, count: int, size: int) -> np.ndarray:
    """(count, size, size, 3) uint8, the first photos of each class in turn."""
    folders = sorted(path for path in (assets / "images" / "flowers5").iterdir() if path.is_dir())
    files = [sorted(folder.glob("*.jpg"))[index] for index in range(count) for folder in folders][:count]
    return np.stack([np.asarray(Image.open(file).convert("RGB").resize((size, size))) for file in files])
