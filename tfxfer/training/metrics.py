"""Metrics: the ones every phase keeps, their values, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.network.head import Head
from tfxfer.training.phase import Phase

Logs = dict[str, float]

ACCURACY = "accuracy"
BINARY_ACCURACY = "binary_accuracy"
MEAN_ABSOLUTE_ERROR = "mean_absolute_error"
FALLING = (
    "loss",
    "error",
    "crossentropy",
    "divergence",
    "hinge",
    "poisson",
)  # lower is better; others: higher


@keras.saving.register_keras_serializable(package="tfxfer")
class UnitAbsoluteError(keras.metrics.MeanMetricWrapper):
    """Mean absolute error of a regression's logits, in the unit of its targets."""

    def __init__(self, scale: Sequence[float], offset: Sequence[float], **options: object) -> None:
        self.scale = list(scale)
        self.offset = list(offset)
        super().__init__(self._error, **{"name": MEAN_ABSOLUTE_ERROR, **options})

    def _error(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        values = y_pred * tf.constant(self.scale, y_pred.dtype) + tf.constant(self.offset, y_pred.dtype)
        targets = tf.reshape(tf.cast(y_true, y_pred.dtype), tf.shape(values))
        return tf.reduce_mean(tf.abs(values - targets), axis=-1)

    def get_config(self) -> dict[str, object]:
        return {"name": self.name, "dtype": self.dtype, "scale": self.scale, "offset": self.offset}


def with_default(
    metrics: Sequence[keras.metrics.Metric], y: tf.TensorSpec, outputs: int | None, head: Head | None
) -> list[keras.metrics.Metric]:
    """The caller's metrics, after the one that the task is followed by: accuracy, share of right answers
    to all labels' questions, or mean absolute error."""
    _check(metrics)
    default = _default(y, outputs, head)
    if default is None or any(metric.name == default.name for metric in metrics):
        return list(metrics)
    return [default, *metrics]


def _default(y: tf.TensorSpec, outputs: int | None, head: Head | None) -> keras.metrics.Metric | None:
    if head is not None and head.task == "regression":
        return UnitAbsoluteError(head.scale, head.offset)
    if head is not None and head.task == "multi_label":
        return keras.metrics.BinaryAccuracy(
            name=BINARY_ACCURACY, threshold=0.0
        )  # logits: 0 is probability 0.5
    if not _are_labels(y) or (outputs or 0) < 2:
        return None
    return keras.metrics.SparseCategoricalAccuracy(name=ACCURACY)


def values(metrics: Sequence[keras.metrics.Metric], prefix: str = "") -> Logs:
    """Name -> value of every metric since its last reset.

    Raises:
        TrainingError: a metric's result is not one number, or a dict of such.
    """
    logs: Logs = {}
    for metric in metrics:
        result = metric.result()
        parts = result if isinstance(result, dict) else {metric.name: result}
        logs |= {prefix + name: _scalar(name, value) for name, value in parts.items()}
    return logs


def reset(metrics: Sequence[keras.metrics.Metric]) -> None:
    """Start all over."""
    for metric in metrics:
        metric.reset_state()


def monitored(phase: Phase, logs: Logs) -> str:
    """The name of the value by which states are compared.

    Raises:
        TrainingError: there is no such value.
    """
    if phase.monitor is None:
        return "val_" + ACCURACY if "val_" + ACCURACY in logs else "val_loss"
    if phase.monitor not in logs:
        raise TrainingError(
            f"monitor of phase '{phase.name}' must be one of {', '.join(sorted(logs))}. "
            f"Received: '{phase.monitor}'. Change it, or give the metric to fit."
        )
    return phase.monitor


def direction(name: str, mode: str = "auto") -> str:
    """ "min" or "max": which way `name` is better; told from its name under "auto"."""
    if mode != "auto":
        return mode
    return "min" if any(word in name for word in FALLING) else "max"


def _check(metrics: Sequence[keras.metrics.Metric]) -> None:
    for metric in metrics:
        if not isinstance(metric, keras.metrics.Metric):
            raise TrainingError(
                f"metrics must be keras.metrics.Metric objects. Received: {metric!r}. "
                "Pass an object, for example keras.metrics.SparseTopKCategoricalAccuracy(3)."
            )


def _are_labels(y: tf.TensorSpec) -> bool:
    return bool(y.dtype.is_integer) and (len(y.shape) == 1 or (len(y.shape) == 2 and y.shape[1] == 1))


def _scalar(name: str, value: object) -> float:
    array = np.asarray(value)
    if array.size != 1:
        raise TrainingError(
            f"a metric must have one number as its result. Received: '{name}' with shape {array.shape}. "
            "Average it, for example average='macro', or use it in an evaluation of your own."
        )
    return float(array.reshape(()))
