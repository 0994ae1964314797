"""Small keras models that hold every construction the converters are known to stumble over."""

from __future__ import annotations

import keras
import numpy as np

LABELS = ("daisy", "rose", "weiße Lilie")
SIZE = (24, 32)


def classifier(*, activation: str | None = None, dtype: str = "uint8", seed: int = 0) -> keras.Model:
    """Images (N, 24, 32, 3) -> 3 scores; grouped, depthwise and dense layers on maps, squeeze and excitation."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((*SIZE, 3), dtype=dtype, name="image")
    maps = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    maps = hard_swish(convolution(maps, 8, strides=2))
    maps = maps * excitation(maps)
    maps = convolution(maps, 8, groups=8) + maps
    maps = keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False)(maps)
    maps = keras.layers.BatchNormalization()(maps)
    maps = keras.layers.LayerNormalization()(keras.layers.ZeroPadding2D(1)(maps))
    maps = keras.layers.Dense(12, activation="gelu")(maps)
    vector = keras.layers.GlobalAveragePooling2D()(maps)
    vector = keras.layers.Dropout(0.5)(vector)
    scores = keras.layers.Dense(3, activation=activation, kernel_initializer=spread())(vector)
    model = keras.Model(image, scores)
    settle(model)
    return model


def convolution(maps: object, filters: int, *, strides: int = 1, groups: int = 1) -> object:
    layer = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", groups=groups, use_bias=False)
    return keras.layers.BatchNormalization()(layer(maps))


def hard_swish(maps: object) -> object:
    return maps * keras.layers.ReLU(6.0)(maps + 3.0) / 6.0


def excitation(maps: object) -> object:
    squeezed = keras.layers.GlobalAveragePooling2D()(maps)
    squeezed = keras.layers.Reshape((1, 1, 8))(squeezed)
    return keras.layers.Conv2D(8, 1, activation="sigmoid")(squeezed)


def spread() -> keras.initializers.Initializer:
    """Wide weights, so that the answer depends on the image."""
    return keras.initializers.RandomNormal(stddev=3.0, seed=1)


def settle(model: keras.Model) -> None:
    """BatchNorm statistics of one training-mode pass, as a trained network has them."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    model(images(16).astype(model.input.dtype), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def images(count: int, seed: int = 0) -> np.ndarray:
    """(count, 24, 32, 3) uint8: a random colour and contrast each, so that answers differ."""
    random = np.random.default_rng(seed)
    colours = random.integers(40, 215, (count, 1, 1, 3))
    noise = random.integers(-40, 40, (count, *SIZE, 3)) * random.uniform(0, 1, (count, 1, 1, 1))
    return (colours + noise).astype(np.uint8)
