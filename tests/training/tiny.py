"""Small models and data for the tests of training; made anew by every call, always the same."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

SIZE = 12
CLASSES = 3


def tiny_model(dtype: str = "float32") -> keras.Model:
    """Three blocks with BatchNorm, average pooling, dropout-free linear head: (N, 12, 12, 3) -> (N, 3)."""
    x = inputs = keras.Input((SIZE, SIZE, 3), dtype=dtype, name="image")
    for number, width in enumerate((6, 8, 10)):
        x = keras.layers.Conv2D(
            width,
            3,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=number),
            dtype=dtype,
            name=f"block{number}_conv",
        )(x)
        x = keras.layers.BatchNormalization(momentum=0.9, dtype=dtype, name=f"block{number}_norm")(x)
        x = keras.layers.ReLU(dtype=dtype, name=f"block{number}_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype, name="pool")(x)
    start = keras.initializers.GlorotUniform(seed=9)
    outputs = keras.layers.Dense(CLASSES, kernel_initializer=start, dtype=dtype, name="logits")(x)
    return keras.Model(inputs, outputs, name="tiny")


def tiny_images(count: int = 48, seed: int = 0, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Pictures whose brightest channel is mostly their class."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count).astype("int32")
    images = random.normal(size=(count, SIZE, SIZE, 3))
    images[np.arange(count), :, :, labels] += 0.7
    return images.astype(dtype), labels


def tiny_dataset(
    count: int = 48, seed: int = 0, batch_size: int = 16, dtype: str = "float32"
) -> tf.data.Dataset:
    """The same as batches, in a fixed order."""
    return tf.data.Dataset.from_tensor_slices(tiny_images(count, seed, dtype)).batch(batch_size)


def weights_by_name(model: keras.Model) -> dict[str, np.ndarray]:
    """Path -> value of every weight and statistic."""
    return {weight.path: keras.ops.convert_to_numpy(weight).copy() for weight in model.weights}
