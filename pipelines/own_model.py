"""Your own Keras model and tf.data, through tfxfer's functions, to files that are proven to be as good.

python own_model.py [--out bundle]

The model here, which learns five digits by plain Keras, stands for the one that you have. It then learns the
other five from 100 pictures: its head alone, then its last block too. Nothing in it is tfxfer's.
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import tfxfer

LABELS = ["five", "six", "seven", "eight", "nine"]
HEAD = tfxfer.Phase("head", epochs=20, learning_rate=1e-2)
LAST_BLOCK = tfxfer.Phase("last block", epochs=40, learning_rate=3e-3, weight_decay=1e-3)


def digits(first: int) -> tuple[np.ndarray, np.ndarray]:
    """Five kinds of digit from `first` on: (N, 8, 8, 1) float32 in [0, 1], and their classes 0 to 4."""
    images, targets = load_digits(return_X_y=True)
    chosen = np.flatnonzero((targets >= first) & (targets < first + 5))
    np.random.default_rng(0).shuffle(chosen)
    pixels = images[chosen].reshape(-1, 8, 8, 1).astype(np.float32) / 16
    return pixels, (targets[chosen] - first).astype(np.int32)


def small_model() -> keras.Model:
    """A functional model, as anyone writes them: pictures in, logits out."""
    image = keras.Input((8, 8, 1))
    x = image
    for width in (16, 32):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D()(x)
    return keras.Model(image, keras.layers.Dense(5)(keras.layers.Flatten()(x)))


def pretrained_model() -> keras.Model:
    """The model with weights worth keeping: plain Keras on the digits zero to four."""
    model, (images, targets) = small_model(), digits(0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    model.fit(images, targets, epochs=5, verbose=0)
    return model


def batches(images: np.ndarray, targets: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((images, targets)).batch(32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fine-tune and export a Keras model of your own.")
    parser.add_argument("--out", default="bundle", help="the bundle's folder, which must be new")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    images, targets = digits(5)
    train, validation = batches(images[:100], targets[:100]), batches(images[100:200], targets[100:200])
    test = batches(images[200:], targets[200:])
    model = pretrained_model()
    for phase, unfreeze in ((HEAD, "none"), (LAST_BLOCK, "1 block")):
        boundary = tfxfer.freeze(model, tfxfer.FreezePolicy(unfreeze))
        history = tfxfer.fit(model, train, validation, phase)
        accuracy = tfxfer.evaluate(model, test, labels=LABELS).accuracy
        print(f"{phase.name}: {boundary}; {history.seconds:.1f} s, accuracy {accuracy:.3f}")
    report = tfxfer.export(model, options.out, ["litert", "onnx", "saved_model"], test=test, labels=LABELS)
    for artifact in report.artifacts:
        print(f"{artifact['path']}: {artifact['status']}, {artifact['size_bytes']:,} bytes")
    print(f"verified: {tfxfer.verify(options.out).passed}")


if __name__ == "__main__":
    main()
