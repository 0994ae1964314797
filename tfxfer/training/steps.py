"""Steps: the two graphs of a phase, one batch of training and one of validation, run on every replica."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tfxfer.training.examples import Batch, Examples
from tfxfer.training.learner import Learner
from tfxfer.training.losses import replica_loss
from tfxfer.training.updates import SUM, Updates

Step = Callable[[Batch], tf.Tensor]


def train_step(
    learner: Learner,
    examples: Examples,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
    updates: Updates,
) -> Step:
    """A function of one batch that updates weights and metrics and returns the loss of the whole batch."""
    strategy, prepared, variables = tf.distribute.get_strategy(), examples.prepared, updates.variables

    def one_replica(x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = learner.outputs(x, prepared=prepared, training=True)
            value = replica_loss(loss, y, outputs, weights) + _regularisation(learner.suffix, loss)
        updates.apply(tape.gradient(value, variables))
        _count(metrics, y, outputs)
        return value

    def step(batch: Batch) -> tf.Tensor:
        updates.set_rates()
        return strategy.reduce(SUM, strategy.run(one_replica, args=batch), axis=None)

    return compiled(step)


def test_step(
    learner: Learner, examples: Examples, loss: keras.losses.Loss, metrics: Sequence[keras.metrics.Metric]
) -> Step:
    """A function of one batch that updates metrics and returns the loss of the whole batch."""
    strategy, prepared = tf.distribute.get_strategy(), examples.prepared

    def one_replica(x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
        outputs = learner.outputs(x, prepared=prepared, training=False)
        _count(metrics, y, outputs)
        return replica_loss(loss, y, outputs, weights) + _regularisation(learner.suffix, loss)

    def step(batch: Batch) -> tf.Tensor:
        return strategy.reduce(SUM, strategy.run(one_replica, args=batch), axis=None)

    return compiled(step)


def compiled(step: Step) -> Step:
    """`step` as a graph for each shape of batch: the full one, and the smaller one at the end of an epoch.

    Kept by shape here, since every phase makes a new function and TensorFlow would warn of that as retracing.
    """
    function, known = tf.function(step), {}

    def run(batch: Batch) -> tf.Tensor:
        parts = tf.nest.flatten(batch, expand_composites=True)
        shapes = tuple(None if part is None else (tuple(part.shape), part.dtype) for part in parts)
        if shapes not in known:
            known[shapes] = function.get_concrete_function(batch)
        return known[shapes](batch)

    return run


def _regularisation(model: keras.Model, loss: keras.losses.Loss) -> tf.Tensor:
    """This replica's share of the penalties that the model's own layers ask for."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return (
        tf.add_n([tf.constant(0.0, loss.dtype), *(tf.cast(term, loss.dtype) for term in model.losses)])
        / replicas
    )


def _count(metrics: Sequence[keras.metrics.Metric], y: tf.Tensor, outputs: tf.Tensor) -> None:
    for metric in metrics:
        metric.update_state(y, outputs)
