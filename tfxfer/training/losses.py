"""Losses: the default, and one replica's share of a batch's loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.network.head import Head

Loss: TypeAlias = Any  # keras.losses.Loss, a function of (labels, outputs), or a Keras name of either


@keras.saving.register_keras_serializable(package="tfxfer")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of whole-number labels whose certainty is shared out a little (Szegedy et al. 2016)."""

    def __init__(self, label_smoothing: float, *, from_logits: bool = True, **options: object) -> None:
        super().__init__(**options)
        self.label_smoothing = label_smoothing
        self.from_logits = from_logits

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """labels (N,) int and outputs (N, classes) -> (N,)."""
        wanted = tf.one_hot(tf.reshape(tf.cast(y_true, tf.int32), [-1]), y_pred.shape[-1], dtype=y_pred.dtype)
        return keras.losses.categorical_crossentropy(
            wanted, y_pred, from_logits=self.from_logits, label_smoothing=self.label_smoothing
        )


@keras.saving.register_keras_serializable(package="tfxfer")
class StandardisedSquaredError(keras.losses.Loss):
    """Squared error of a regression in standard deviations of the training targets, so that no unit sets the pace."""

    def __init__(self, scale: Sequence[float], offset: Sequence[float], **options: object) -> None:
        super().__init__(**options)
        self.scale = list(scale)
        self.offset = list(offset)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """targets (N, labels) in their unit and logits (N, labels) -> (N,)."""
        targets = tf.reshape(tf.cast(y_true, y_pred.dtype), tf.shape(y_pred))
        wanted = (targets - tf.constant(self.offset, y_pred.dtype)) / tf.constant(self.scale, y_pred.dtype)
        return tf.reduce_mean(tf.square(y_pred - wanted), axis=-1)


class FunctionLoss(keras.losses.Loss):
    """A caller's function of (labels, outputs) with Keras's weighting and mean."""

    def __init__(self, function: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], dtype: str) -> None:
        super().__init__(dtype=dtype)
        self.function = function

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """What the caller's function returns: a scalar, or one value per example."""
        return self.function(y_true, y_pred)


def ready_loss(
    loss: Loss | None, model: keras.Model, label_smoothing: float, *, head: Head | None
) -> keras.losses.Loss:
    """`loss` as a Keras loss; None becomes that of the head's task, for a plain model the cross-entropy.

    Raises:
        TrainingError: the default cannot be told for this model, or smoothing is asked of a loss that has none.
    """
    # Of the outputs: a functional model of float64 layers has a float32 policy of its own.
    dtype = "float64" if model.outputs[0].dtype == "float64" else "float32"
    if loss is None:
        return _default_loss(model, head, label_smoothing, dtype)
    if label_smoothing:
        raise TrainingError(
            f"label_smoothing must be 0 beside a loss of your own. Received: {label_smoothing}. "
            "Smooth the labels inside that loss."
        )
    found = keras.losses.get(loss)
    return found if isinstance(found, keras.losses.Loss) else FunctionLoss(found, dtype)


def _default_loss(
    model: keras.Model, head: Head | None, label_smoothing: float, dtype: str
) -> keras.losses.Loss:
    task = "classification" if head is None else head.task
    if head is not None and task == "regression":
        if label_smoothing:
            raise TrainingError(
                f"label_smoothing must be 0 for a regression, which has no labels to smooth. "
                f"Received: {label_smoothing}. Leave it out."
            )
        return StandardisedSquaredError(head.scale, head.offset, dtype=dtype)
    if task == "multi_label":
        return keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=label_smoothing, dtype=dtype)
    from_logits = head is not None or outputs_are_logits(model)
    if label_smoothing:
        return SmoothedCrossentropy(label_smoothing, from_logits=from_logits, dtype=dtype)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits, dtype=dtype)


def outputs_are_logits(model: keras.Model) -> bool:
    """Whether a plain Keras model's one output (N, classes) is linear; False after a softmax.

    Raises:
        TrainingError: it cannot be told.
    """
    layer = model.layers[-1] if model.layers else None
    while isinstance(layer, keras.Model) and layer.layers:
        layer = layer.layers[-1]
    if isinstance(layer, keras.layers.Softmax):
        return False
    if isinstance(layer, keras.layers.Activation | keras.layers.Dense):
        if layer.activation is keras.activations.softmax:
            return False
        if layer.activation is keras.activations.linear:
            return True
    raise TrainingError(
        f"a loss must be given unless the model ends in Dense, Activation or Softmax, linear or softmax. "
        f"Received: a model that ends in {type(layer).__name__}. Pass loss=."
    )


def replica_loss(
    loss: keras.losses.Loss, y: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor | None
) -> tf.Tensor:
    """This replica's share of the loss; the shares of all replicas add up to one replica's loss of the batch."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        value = loss(y, outputs, sample_weight=weights)
        return tf.reduce_mean(value) if len(value.shape) else value
    values = _each_value(loss, y, outputs, weights)
    if loss.reduction == "sum":
        return tf.reduce_sum(values)
    size = tf.cast(tf.shape(y)[0], values.dtype)
    mean = tf.math.divide_no_nan(tf.reduce_sum(values), tf.cast(tf.size(values), values.dtype))
    if loss.reduction == "mean_with_sample_weight" and weights is not None:
        size = tf.reduce_sum(tf.cast(weights, values.dtype))
        mean = tf.math.divide_no_nan(tf.reduce_sum(values), size)
    # A last batch is shared out unevenly, and may leave a replica with nothing.
    share = tf.math.divide_no_nan(size, context.all_reduce(tf.distribute.ReduceOp.SUM, size))
    return tf.where(size > 0, mean * share, tf.zeros_like(mean))


def _each_value(
    loss: keras.losses.Loss, y: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor | None
) -> tf.Tensor:
    """The weighted values before their mean: Keras would divide it by the number of replicas, or not, as it goes."""
    reduction = loss.reduction
    loss.reduction = "none"
    try:
        return loss(y, outputs, sample_weight=weights)
    finally:
        loss.reduction = reduction
