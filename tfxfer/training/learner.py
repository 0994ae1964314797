"""A model cut where learning begins."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import tensorflow as tf


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """A model cut where learning begins: inputs -> prefix (frozen, inference mode) -> suffix (learns) -> outputs."""

    prefix: keras.Model | None
    suffix: keras.Model
    prefix_training: bool = (
        False  # True only where the prefix augments: a caller's own random layers stay at work
    )

    def outputs(self, inputs: tf.Tensor, *, prepared: bool, training: bool) -> tf.Tensor:
        """Outputs for raw inputs, or for features where they are prepared."""
        if self.prefix is not None and not prepared:
            inputs = tf.stop_gradient(self.prefix(inputs, training=False))
        return self.suffix(inputs, training=training)
