"""Small models that tests share."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers


def images(count: int, side: int, seed: int = 0) -> np.ndarray:
    """(count, side, side, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def residual_model(side: int = 16, classes: int = 3) -> keras.Model:
    """A user's own functional model: stem, two residual blocks with a bare `+`, pooling, Dense."""
    image = keras.Input((side, side, 3), name="picture")
    x = _unit(image, 4, 2, "stem")
    for name in ("first", "second"):
        y = _unit(_unit(x, 4, 1, f"{name}_a"), 4, 1, f"{name}_b")
        x = x + y
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(classes, activation="softmax", name="answer")(x), name="user")


def nested_model(side: int = 16) -> keras.Model:
    """The Keras guide's way: augmentation, scaling, a base model called with training=False, dropout, Dense."""
    whole = residual_model(side)
    base = keras.Model(whole.input, whole.get_layer("pool").input, name="base")
    image = keras.Input((side, side, 3), name="photo")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    x = base(x, training=False)
    x = layers.GlobalAveragePooling2D(name="outer_pool")(x)
    x = layers.Dropout(0.5, name="drop")(x)
    return keras.Model(image, layers.Dense(2, name="new_head")(x), name="outer")


def sequential_model(side: int = 16) -> keras.Sequential:
    """A plain convolution net with strides, written as Sequential."""
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Conv2D(4, 3, strides=2, activation="relu", name="c1"),
            layers.Conv2D(6, 3, strides=2, activation="relu", name="c2"),
            layers.Flatten(name="flat"),
            layers.Dense(5, activation="relu", name="d1"),
            layers.Dense(2, name="d2"),
        ],
        name="plain",
    )


def _unit(x, channels: int, stride: int, name: str):
    x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def randomise(model: keras.Model, seed: int = 0) -> None:
    """Weights and statistics away from their initial values, variances positive."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        value = random.normal(0.1, 0.3, weight.shape)
        weight.assign(np.abs(value) + 0.1 if weight.path.endswith("variance") else value)
