"""A program: a user's own model, data, loss, metric and callbacks through every function, in their own strategy.

The number of logical CPU devices is its argument; TensorFlow must be told before it starts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import tensorflow as tf

import tfxfer
from tests.stages.own_model import CLASSES, own_data, own_model


class FocalLoss(keras.losses.Loss):
    """A loss as people write them: (N, classes) one-hot and logits -> (N,)."""

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        shares = tf.nn.softmax(y_pred)
        return -tf.reduce_sum(y_true * (1 - shares) ** 2 * tf.math.log(shares + 1e-7), axis=-1)


class Confidence(keras.metrics.Mean):
    """The mean of the largest probability."""

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        super().update_state(tf.reduce_max(tf.nn.softmax(y_pred), axis=-1), sample_weight)


def one_hot(count: int, seed: int) -> tf.data.Dataset:
    return own_data(count, seed).map(lambda images, targets: (images, tf.one_hot(targets, CLASSES)))


def go_through(strategy: tf.distribute.Strategy, to: Path) -> dict[str, object]:
    """freeze, fit, evaluate and export inside the caller's scope; what came of it, as JSON values."""
    epochs: list[float] = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(logs["val_confidence"])
    )
    with strategy.scope():
        model = own_model()
        boundary = tfxfer.freeze(model, tfxfer.FreezePolicy("1 block"))
        frozen = [weight.numpy() for weight in model.non_trainable_weights]
        history = tfxfer.fit(
            model,
            one_hot(96, 1),
            one_hot(30, 2),
            tfxfer.Phase("mine", epochs=4, learning_rate=0.01, monitor="val_confidence"),
            loss=FocalLoss(),
            metrics=[Confidence(name="confidence")],
            callbacks=[watch, keras.callbacks.ReduceLROnPlateau("val_confidence", patience=2, mode="max")],
        )
        metrics = tfxfer.evaluate(model, one_hot(42, 3), labels=["low", "middle", "high"])
        report = tfxfer.export(
            model,
            to,
            ["litert", "onnx", "saved_model"],
            test=one_hot(42, 3),
            labels=["low", "middle", "high"],
        )
    kept = zip(frozen, model.non_trainable_weights, strict=True)
    return {
        "replicas": strategy.num_replicas_in_sync,
        "boundary": boundary.name,
        "cached": history.cached_boundary,
        "epochs": len(epochs),
        "loss": history.history["loss"],
        "frozen": all(before.tobytes() == after.numpy().tobytes() for before, after in kept),
        "accuracy": metrics.accuracy,
        "exported": report.test["accuracy"],
        "statuses": [entry["status"] for entry in report.artifacts],
        "verified": tfxfer.verify(to).passed,
    }


def main() -> None:
    devices = int(sys.argv[1])
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(devices)])
    print(json.dumps(go_through(strategy, Path(sys.argv[2]))))


if __name__ == "__main__":
    main()
