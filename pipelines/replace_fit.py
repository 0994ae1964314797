"""A training script of plain Keras, with `model.fit` replaced: the same model, data, loss, metrics and callbacks.

    python replace_fit.py

What is gained: the model keeps its best weights, the state before the first step among them; with `unfreeze="1 block"`
what lies below is computed once; rates by block, schedules and the rest of a Phase; several workers.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import tfxfer


def small_model() -> keras.Model:
    """The model of the script, its first layers trained already; the head is new."""
    image = keras.Input((8, 8, 1))
    x = image
    for width in (16, 32):
        x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D()(x)
    return keras.Model(image, keras.layers.Dense(10)(keras.layers.Flatten()(x)))


def batches(images: np.ndarray, targets: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((images, targets)).batch(32)


def main() -> None:
    keras.utils.set_random_seed(0)
    images, targets = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype(np.float32) / 16
    train = batches(images[:1000], targets[:1000])
    validation = batches(images[1000:1400], targets[1000:1400])
    model = small_model()

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = [keras.metrics.SparseTopKCategoricalAccuracy(2, name="top_2")]
    callbacks = [keras.callbacks.ReduceLROnPlateau(patience=1), keras.callbacks.CSVLogger("history.csv")]

    # Before:
    #   model.compile(keras.optimizers.AdamW(3e-3), loss, metrics=["accuracy", *metrics])
    #   model.fit(train, validation_data=validation, epochs=8, callbacks=callbacks)
    phase = tfxfer.Phase("all", epochs=8, unfreeze="all", learning_rate=3e-3, batch_norm="learn")
    history = tfxfer.fit(
        model, train, validation, phase, loss=loss, metrics=metrics, callbacks=callbacks
    ).history

    for name in ("val_accuracy", "val_top_2"):
        print(f"{name}: {', '.join(f'{value:.3f}' for value in history[name])}")
    print(f"test accuracy {tfxfer.evaluate(model, batches(images[1400:], targets[1400:])).accuracy:.3f}")


if __name__ == "__main__":
    main()
