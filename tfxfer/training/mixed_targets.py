"""Targets of mixed pictures: the loss that takes shares of labels, and what metrics are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import keras
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.network.head import Head
from tfxfer.training.losses import SmoothedCrossentropy

Kind = Literal["classes", "labels", "values"]


@dataclass(frozen=True, slots=True, eq=False)
class MixedTargets:
    """Of the training batches of a phase with MixUp or CutMix; those of validation are as they were."""

    loss: keras.losses.Loss
    kind: Kind

    def answers(self, shares: tf.Tensor) -> tf.Tensor:
        """What metrics count by: the class or the labels with the larger share, or the blended value."""
        if self.kind == "classes":
            return tf.argmax(shares, axis=-1, output_type=tf.int32)
        return tf.round(shares) if self.kind == "labels" else shares


def mixed_targets(loss: keras.losses.Loss, labels: tf.TensorSpec, head: Head | None) -> MixedTargets:
    """How mixed targets of these labels are learnt from, by the loss that the phase has.

    Raises:
        TrainingError: a loss that takes whole-number classes alone.
    """
    if not labels.dtype.is_integer:
        return MixedTargets(loss, "labels" if head is not None and head.task == "multi_label" else "values")
    smoothing = 0.0
    if isinstance(loss, SmoothedCrossentropy):
        smoothing = loss.label_smoothing
    elif not isinstance(loss, keras.losses.SparseCategoricalCrossentropy) or loss.ignore_class is not None:
        raise TrainingError(
            "mixup and cutmix make shares of classes, which a cross-entropy can learn from. "
            f"Received: whole-number labels and the loss {type(loss).__name__}. Leave loss= out, give one-hot labels "
            "(N, classes), or set mixup and cutmix to 0."
        )
    return MixedTargets(
        keras.losses.CategoricalCrossentropy(
            from_logits=loss.from_logits,
            label_smoothing=smoothing,
            reduction=loss.reduction,
            dtype=loss.dtype,
        ),
        "classes",
    )
