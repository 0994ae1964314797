"""Dynamic loss scaling: gradients of float16 are computed enlarged, so that small ones do not become 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfxfer.errors import TrainingError

START = 2.0**15
LARGEST = 2.0**24
PATIENCE = 2000  # updates without an overflow before the scale is doubled (Micikevicius et al. 2018)


class LossScale:
    """A factor on the loss that halves when a gradient overflows. Made in the scope of the strategy that trains."""

    def __init__(self) -> None:
        self._scale = tf.Variable(START, trainable=False, dtype=tf.float32)
        self._overflows = tf.Variable(
            0.0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )
        self._calm = 0  # updates since the scale last changed
        self.skipped = 0

    def as_state(self) -> dict[str, float]:
        """What `take_state` makes the same of."""
        return {"scale": float(self._scale.read_value()), "calm": self._calm, "skipped": self.skipped}

    def take_state(self, state: Mapping[str, Any]) -> None:
        """Become what `as_state` told."""
        self._scale.assign(state["scale"])
        self._calm, self.skipped = state["calm"], state["skipped"]

    def enlarged(self, loss: tf.Tensor) -> tf.Tensor:
        """What to take the gradients of."""
        return loss * tf.cast(self._scale, loss.dtype)

    def true(self, gradients: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
        """Gradients of the loss itself; notes those that are not finite. Called in each replica."""
        found = [
            None
            if gradient is None
            else tf.convert_to_tensor(gradient) / tf.cast(self._scale, gradient.dtype)
            for gradient in gradients
        ]
        bad = [tf.reduce_any(~tf.math.is_finite(gradient)) for gradient in found if gradient is not None]
        self._overflows.assign_add(tf.cast(tf.reduce_any(bad), tf.float32))
        return found

    def allows(self) -> bool:
        """Whether what was accumulated may be applied; adapts the scale. Called between replicas.

        Raises:
            TrainingError: gradients overflow however small the scale.
        """
        overflows = float(tf.convert_to_tensor(self._overflows))
        self._overflows.assign(0.0)
        self._calm = 0 if overflows else self._calm + 1
        if not overflows:
            if self._calm == PATIENCE:
                self._calm = 0
                self._scale.assign(min(float(self._scale.read_value()) * 2, LARGEST))
            return True
        self.skipped += 1
        scale = float(self._scale.read_value()) / 2
        if scale < 1:
            raise TrainingError(
                "gradients must be finite. Received: some that are not, in float16 and however the loss is scaled. "
                "Lower the learning rate, set gradient_clip, or set mixed_precision to bfloat16 or false."
            )
        self._scale.assign(scale)
        return False
