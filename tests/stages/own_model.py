"""A user's own model and data, which know nothing of tfxfer; made anew by every call."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

SIZE = (16, 20)
CLASSES = 3


def own_arrays(count: int, seed: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Normalised images of the user's own making, (N, 16, 20, channels) float32, and their classes."""
    random = np.random.default_rng(seed)
    targets = (np.arange(count) % CLASSES).astype(np.int32)
    images = random.normal(size=(count, *SIZE, channels)).astype(np.float32)
    for row, target in enumerate(targets):
        images[row, :, 6 * target : 6 * target + 6] += 1.5
    return images, targets


def own_data(count: int, seed: int, channels: int = 1) -> tf.data.Dataset:
    """The same as batches of 8."""
    return tf.data.Dataset.from_tensor_slices(own_arrays(count, seed, channels)).batch(8)


def own_model(channels: int = 1, *, softmax: bool = False, dtype: str = "float32") -> keras.Model:
    """Two convolution blocks with BatchNorm, settled on its data, and a head; probabilities or logits out."""
    x = image = keras.Input((*SIZE, channels), dtype=dtype, name="spectrogram")
    for number, width in enumerate((8, 12)):
        start = keras.initializers.HeNormal(seed=number)
        x = keras.layers.Conv2D(width, 3, padding="same", kernel_initializer=start, name=f"conv{number}")(x)
        x = keras.layers.BatchNormalization(momentum=0.5, name=f"norm{number}")(x)
        x = keras.layers.ReLU(name=f"relu{number}")(x)
        x = keras.layers.MaxPooling2D(name=f"pool{number}")(x)
    start = keras.initializers.GlorotUniform(seed=9)
    x = keras.layers.Dense(CLASSES, kernel_initializer=start, name="scores")(keras.layers.Flatten()(x))
    model = keras.Model(image, keras.layers.Softmax()(x) if softmax else x, name="own")
    for _ in range(8):
        model(own_arrays(32, 0, channels)[0], training=True)
    return model


def fitted(model: keras.Model, channels: int = 1) -> keras.Model:
    """Trained by Keras alone."""
    softmax = isinstance(model.layers[-1], keras.layers.Softmax)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    model.fit(own_data(96, 1, channels), epochs=3, verbose=0)
    return model
