"""A model that was trained elsewhere, exported and proven: three files that are as good as it is, or an error.

    python prove_trained_elsewhere.py [--model my.keras] [--out proven]

Without --model, a small network is trained on handwritten digits by plain Keras and saved, to stand for yours.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import tfxfer


def digits() -> tuple[np.ndarray, np.ndarray]:
    """(1797, 8, 8, 1) float32 in [0, 1], and their classes; the first 1,200 are for training."""
    images, targets = load_digits(return_X_y=True)
    return images.reshape(-1, 8, 8, 1).astype(np.float32) / 16, targets.astype(np.int32)


def train_elsewhere(path: Path) -> None:
    """Plain Keras, without a line of tfxfer."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 1))])
    for width in (16, 32):
        model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation="softmax"))
    images, targets = digits()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images[:1200], targets[:1200], epochs=15, verbose=0)
    model.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Export a trained Keras model and prove every file.")
    parser.add_argument(
        "--model", type=Path, default=Path("elsewhere.keras"), help="made where there is none"
    )
    parser.add_argument("--out", default="proven", help="the bundle's folder, which must be new")
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    if not options.model.exists():
        train_elsewhere(options.model)
    images, targets = digits()
    train = tf.data.Dataset.from_tensor_slices((images[:1200], targets[:1200])).batch(64)
    test = tf.data.Dataset.from_tensor_slices((images[1200:], targets[1200:])).batch(64)
    model = keras.saving.load_model(options.model)
    report = tfxfer.export(
        model, options.out, ["litert", "litert:int8", "onnx"], calibration=train, test=test
    )
    for artifact in report.artifacts:
        print(
            f"{artifact['path']}: {artifact['status']}, {artifact['size_bytes']:,} bytes, accuracy "
            f"{artifact['accuracy']:.4f}, agrees on {artifact['top1_agreement']:.2%} of the test pictures"
        )
    print(f"verified: {tfxfer.verify(options.out).passed}")


if __name__ == "__main__":
    main()
