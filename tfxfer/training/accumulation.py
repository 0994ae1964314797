"""Gradients of several batches, added up as if they were one."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

SUM = tf.distribute.ReduceOp.SUM


class Accumulator:
    """Sums of gradients, each batch by its weight in the mean of all. Made in the scope of the strategy that trains.

    Every replica keeps its own sum, and the batch's weight is that of all replicas together.
    """

    def __init__(self, variables: Sequence[keras.Variable], *, summed: bool) -> None:
        self._summed = summed  # whether the loss of several batches is the sum of theirs, not the mean
        self._sums = [_local(tf.zeros(variable.shape, variable.dtype)) for variable in variables]
        self._total = _local(tf.zeros((), tf.float64))
        self._known: set[int] = set()  # places of weights that have a gradient

    def add(self, gradients: Sequence[tf.Tensor | None], weight: tf.Tensor) -> None:
        """Add one replica's share of a batch; called in each replica."""
        weight = tf.cast(weight, tf.float64)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            weight = tf.distribute.get_replica_context().all_reduce(SUM, weight)
        for place, gradient in enumerate(gradients):
            if gradient is not None:
                self._known.add(place)
                dense = tf.convert_to_tensor(gradient)
                self._sums[place].assign_add(dense * tf.cast(weight, dense.dtype))
        self._total.assign_add(weight)

    def take(self) -> list[tf.Tensor | None]:
        """One replica's share of the mean, or of the sum where that is the loss; the next begins at 0."""
        total = tf.ones((), tf.float64) if self._summed else self._total.read_value()
        means = [
            tf.math.divide_no_nan(place.read_value(), tf.cast(total, place.dtype))
            if number in self._known
            else None
            for number, place in enumerate(self._sums)
        ]
        with tf.control_dependencies([mean for mean in means if mean is not None]):
            self.clear()
        return means

    def clear(self) -> None:
        """The next sums begin at 0; called in each replica."""
        for place in (*self._sums, self._total):
            place.assign(tf.zeros(place.shape, place.dtype))


def batch_weight(loss: keras.losses.Loss, y: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
    """What this replica's part of a batch weighs in the mean over several batches, by the loss's own reduction."""
    if loss.reduction == "sum":  # all replicas together: 1
        return tf.constant(1.0 / tf.distribute.get_strategy().num_replicas_in_sync, tf.float64)
    if loss.reduction == "mean_with_sample_weight" and weights is not None:
        return tf.reduce_sum(tf.cast(weights, tf.float64))
    return tf.cast(tf.shape(y)[0], tf.float64)


def _local(value: tf.Tensor) -> tf.Variable:
    return tf.Variable(
        value,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
