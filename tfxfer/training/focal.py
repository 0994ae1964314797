"""Focal loss: examples that are right already count less."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.network.head import Head
from tfxfer.training.losses import Loss, outputs_are_logits
from tfxfer.training.phase import Phase


@keras.saving.register_keras_serializable(package="tfxfer")
class FocalCrossentropy(keras.losses.Loss):
    """-(1 - p)^gamma log p of the true class's probability p (Lin et al. 2017, without its alpha)."""

    def __init__(self, gamma: float = 2.0, *, from_logits: bool = True, **options: object) -> None:
        super().__init__(**options)
        self.gamma = gamma
        self.from_logits = from_logits

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """labels (N,) int and outputs (N, classes) -> (N,)."""
        labels = tf.reshape(tf.cast(y_true, tf.int32), [-1])
        values = keras.losses.sparse_categorical_crossentropy(labels, y_pred, from_logits=self.from_logits)
        missing = -tf.math.expm1(-values)  # 1 - p, exact also where p is near 1
        # Below gamma 1 the power has no gradient at 0.
        return tf.maximum(missing, keras.config.epsilon()) ** self.gamma * values


def focal_loss(
    phase: Phase, loss: Loss | None, model: keras.Model, labels: tf.TensorSpec, *, head: Head | None
) -> FocalCrossentropy:
    """The loss of a phase with a focal gamma.

    Raises:
        TrainingError: another loss is given, labels are smoothed, or they are not one whole number each.
    """
    gamma = phase.imbalance.focal_gamma
    assert gamma is not None
    whole = labels.dtype.is_integer and (labels.shape.rank == 1 or labels.shape[1:] == (1,))
    received = (
        "a loss of your own"
        if loss is not None
        else f"label_smoothing {phase.label_smoothing:g}"
        if phase.label_smoothing
        else None
        if whole
        else f"labels of shape {labels.shape}, {labels.dtype.name}"
    )
    if received is not None:
        raise TrainingError(
            f"focal_gamma of phase '{phase.name}' makes the cross-entropy of whole-number labels focal, and nothing "
            f"else. Received: {received}. Remove one of the two."
        )
    dtype = "float64" if model.outputs[0].dtype == "float64" else "float32"
    return FocalCrossentropy(gamma, from_logits=head is not None or outputs_are_logits(model), dtype=dtype)
