"""A program: the same phases on one device and on two logical ones; prints what came of both as JSON.

Its arguments are names of phases.
"""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, tiny_images, weights_by_name
from tfxfer.catalogue.augmentation import Augment
from tfxfer.features.cache import FeatureCache
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase

PHASES = {
    "head": Phase("head", epochs=2, unfreeze="none", solver="gradient", learning_rate=0.01),
    "blocks": Phase(
        "blocks", epochs=2, unfreeze="2 blocks", learning_rate=0.01, learning_rate_decay=0.5, weight_decay=0.1,
        gradient_clip=0.05, schedule="cosine", warmup_steps=2,
    ),
    "streamed": Phase("streamed", epochs=2, unfreeze="1 block", optimizer="sgd", learning_rate=0.05),
    "pulled": Phase(
        "pulled", epochs=2, unfreeze="all", learning_rate=0.01, l2_sp=0.5, gradient_accumulation=2,
    ),
    "adapted": Phase("adapted", epochs=1, unfreeze="1 block", learning_rate=0.01, batch_norm="reestimate"),
    "augmented": Phase(
        "augmented", epochs=1, unfreeze="1 block", learning_rate=0.01, augment=Augment(crop=0.5, mixup=1.0),
    ),
    "summed": Phase("summed", epochs=1, unfreeze="none", learning_rate=0.001, ema_momentum=0.9),
}  # fmt: skip

OPTIMIZERS = {"sgd": 0.3, "adam": 0.0, "adamw": 0.3, "rmsprop": 0.0, "lion": 0.3}  # name -> decoupled decay
MAPPED = {
    name: Phase(
        f"mapped {name}", epochs=1, unfreeze="all", learning_rate=0.001, optimizer=name, weight_decay=decay,
        learning_rates={"head": 0.01, "block1": 0.004},
    )
    for name, decay in OPTIMIZERS.items()
}  # fmt: skip
ALL = PHASES | MAPPED


class Keep(keras.callbacks.Callback):
    """Weights after the last batch of the phase."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.weights = weights_by_name(self.model)


def run(name: str) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """One phase in the strategy's scope; 41 examples leave a last batch of 9, which two replicas share unevenly."""
    images, labels = tiny_images(41, dtype="float64")
    weights = np.linspace(0.2, 1.8, 41)
    data = tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(16)
    keep, model = Keep(), settled_model("float64")
    cache = FeatureCache(use="never") if name == "streamed" else None
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum", dtype="float64")
    history = fit(
        model,
        data,
        tiny_dataset(40, 1, dtype="float64"),
        ALL[name],
        loss=loss if name == "summed" else None,
        metrics=[keras.metrics.SparseCategoricalCrossentropy(name="entropy", from_logits=True)],
        callbacks=[keep],
        cache=cache,
    )
    return history.before | history.history, keep.weights


def main() -> None:
    """Compare and print the largest differences."""
    one, two = tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [one, two])
    # One strategy for all: TensorFlow mixes up the collective operations of two over the same devices.
    strategy, found = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), {}
    for name in sys.argv[1:]:
        alone, weights = run(name)
        with strategy.scope():
            shared, mirrored = run(name)
        found[name] = {
            "history": max(float(np.max(np.abs(np.subtract(alone[key], shared[key])))) for key in alone),
            "weights": max(float(np.abs(weights[path] - mirrored[path]).max()) for path in weights),
            "moved": float(np.ptp(alone["loss"])),
            "metrics": sorted(alone),
        }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
