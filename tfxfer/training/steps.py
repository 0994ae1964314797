"""Steps: the two graphs of a phase, one batch of training and one of validation, run on every replica."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from tfxfer.training.accumulation import Accumulator, batch_weight
from tfxfer.training.examples import Batch, Examples
from tfxfer.training.learner import Learner
from tfxfer.training.loss_scale import LossScale
from tfxfer.training.losses import replica_loss
from tfxfer.training.mixed_targets import MixedTargets
from tfxfer.training.precision import Arithmetic
from tfxfer.training.updates import SUM, Updates

Step = Callable[[Batch], tf.Tensor]
Gradients = Sequence[tf.Tensor | None]
Use = Callable[
    [Gradients, tf.Tensor, tf.Tensor | None], None
]  # (one replica's gradients, its labels and weights)


@dataclass(slots=True, eq=False)
class TrainStep:
    """A function of one batch that updates metrics, and weights after every `batches`; returns the batch's loss."""

    step: Compiled
    apply: Callable[[], None] | None = None  # None: `step` does it
    batches: int = 1
    waiting: int = 0  # batches whose gradients have not been applied
    scale: LossScale | None = None

    def __call__(self, batch: Batch) -> tf.Tensor:
        loss = self.step(batch)
        self.waiting = (self.waiting + 1) % self.batches
        if self.waiting == 0 and self.apply is not None:
            self.apply()
        return loss

    def finish(self) -> None:
        """Apply what is left at the end of an epoch."""
        if self.waiting and self.apply is not None:
            self.apply()
        self.waiting = 0


def train_step(
    learner: Learner,
    examples: Examples,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
    updates: Updates,
    *,
    mixed: MixedTargets | None = None,
    arithmetic: Arithmetic | None = None,
) -> TrainStep:
    """The training step of a phase; with `mixed`, of targets that are shares; in float32 without `arithmetic`."""
    batches = updates.phase.gradient_accumulation
    arithmetic = Arithmetic() if arithmetic is None else arithmetic
    loss = loss if mixed is None else mixed.loss
    scale = LossScale() if arithmetic.scaled else None
    if batches == 1 and scale is None:
        use = _applied(updates)
        return TrainStep(
            _step(learner, examples, loss, metrics, updates, use, mixed=mixed, arithmetic=arithmetic)
        )
    strategy = tf.distribute.get_strategy()
    sums = Accumulator(updates.variables, summed=loss.reduction == "sum")

    def add(gradients: Gradients, y: tf.Tensor, weights: tf.Tensor | None) -> None:
        sums.add(gradients if scale is None else scale.true(gradients), batch_weight(loss, y, weights))

    @tf.function(autograph=False)
    def apply_sums() -> None:
        strategy.run(lambda: updates.apply(sums.take()))

    @tf.function(autograph=False)
    def drop_sums() -> None:
        strategy.run(sums.clear)

    def apply() -> None:
        if scale is None or scale.allows():
            apply_sums()
        else:
            drop_sums()

    step = _step(
        learner, examples, loss, metrics, updates, add, mixed=mixed, arithmetic=arithmetic, scale=scale
    )
    return TrainStep(step, apply, batches, scale=scale)


def _applied(updates: Updates) -> Use:
    """Gradients are applied at once."""

    def use(gradients: Gradients, y: tf.Tensor, weights: tf.Tensor | None) -> None:
        updates.apply(gradients)

    return use


def _step(
    learner: Learner,
    examples: Examples,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
    updates: Updates,
    use: Use,
    *,
    mixed: MixedTargets | None,
    arithmetic: Arithmetic,
    scale: LossScale | None = None,
) -> Compiled:
    """A function of one batch that gives its gradients to `use`, in each replica."""
    strategy, prepared, variables = tf.distribute.get_strategy(), examples.prepared, updates.variables

    def one_replica(x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = learner.outputs(x, prepared=prepared, training=True)
            value = replica_loss(loss, y, outputs, weights) + _regularisation(learner.suffix, loss)
            target = value if scale is None else scale.enlarged(value)
        use(tape.gradient(target, variables), y, weights)
        _count(metrics, y if mixed is None else mixed.answers(y), outputs)
        return value

    def step(*parts: Any) -> tf.Tensor:
        updates.set_rates()
        with arithmetic.tracing():
            return strategy.reduce(SUM, strategy.run(one_replica, args=parts), axis=None)

    return Compiled(step)


def validation_step(
    learner: Learner,
    examples: Examples,
    loss: keras.losses.Loss,
    metrics: Sequence[keras.metrics.Metric],
    *,
    weighed: Sequence[keras.metrics.Metric] = (),
) -> Compiled:
    """A function of one batch that updates metrics and returns the loss of the whole batch.

    Of the metrics, those in `weighed` count examples by their weights, as `evaluate` does.
    """
    known = {id(metric) for metric in weighed}
    plain = [metric for metric in metrics if id(metric) not in known]
    strategy, prepared = tf.distribute.get_strategy(), examples.prepared

    def one_replica(x: tf.Tensor, y: tf.Tensor, weights: tf.Tensor | None) -> tf.Tensor:
        outputs = learner.outputs(x, prepared=prepared, training=False)
        _count(plain, y, outputs)
        _count(weighed, y, outputs, weights)
        return replica_loss(loss, y, outputs, weights) + _regularisation(learner.suffix, loss)

    def step(*parts: Any) -> tf.Tensor:
        return strategy.reduce(SUM, strategy.run(one_replica, args=parts), axis=None)

    return Compiled(step)


def _needs_known_shapes() -> bool:
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    return several or bool(tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


@dataclass(slots=True, eq=False)
class Compiled:
    """`step` as a graph: one for batches of every size, or where `static` one for each shape of batch.

    Accelerators need known shapes, and so do several replicas, of which the last batch gives some fewer examples. On
    one CPU a second graph for the smaller batch at the end of an epoch would only cost the time to trace it. User
    code is traced as Keras traces it, without AutoGraph.

    Kept by shape here, since every phase makes a new function and TensorFlow would warn of that as retracing; by
    the size of the whole batch, since all workers must trace together, and only some may have a smaller share.
    """

    step: Callable[..., tf.Tensor]  # of a batch's inputs, labels and weights
    static: bool = field(default_factory=_needs_known_shapes)
    known: dict[Hashable, Any] = field(default_factory=dict)
    function: Any = None

    def __call__(self, batch: Batch) -> tf.Tensor:
        return self.graph(batch)(*batch[:3])

    def graph(self, batch: Batch) -> Any:
        """The concrete function for batches like this one."""
        parts = tf.nest.flatten(batch[:3], expand_composites=True)
        static = self.static or not all(part is None or isinstance(part, tf.Tensor) for part in parts)
        first = 0 if static else 1
        shapes = tuple(None if part is None else (tuple(part.shape)[first:], part.dtype) for part in parts)
        key = (batch.size if static else None, shapes)
        if self.function is None:
            self.function = tf.function(self.step, autograph=False)
        if key not in self.known:
            given = batch[:3] if static else tf.nest.map_structure(_of_any_size, batch[:3])
            self.known[key] = self.function.get_concrete_function(*given)
        return self.known[key]


def _of_any_size(part: tf.Tensor | None) -> tf.TensorSpec | None:
    return None if part is None else tf.TensorSpec((None, *part.shape[1:]), part.dtype)


def _regularisation(model: keras.Model, loss: keras.losses.Loss) -> tf.Tensor:
    """This replica's share of the penalties that the model's own layers ask for."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return (
        tf.add_n([tf.constant(0.0, loss.dtype), *(tf.cast(term, loss.dtype) for term in model.losses)])
        / replicas
    )


def _count(
    metrics: Sequence[keras.metrics.Metric],
    y: tf.Tensor,
    outputs: tf.Tensor,
    weights: tf.Tensor | None = None,
) -> None:
    for metric in metrics:
        if weights is None:  # a caller's metric need not know of any
            metric.update_state(y, outputs)
        else:
            metric.update_state(y, outputs, sample_weight=weights)
