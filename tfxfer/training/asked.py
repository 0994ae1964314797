"""Asked: what a caller of `fit` wants of a phase, and the job that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from tfxfer.catalogue.schedules import SCHEDULES
from tfxfer.errors import TrainingError
from tfxfer.store.journal import Journal
from tfxfer.training.carry import Carry
from tfxfer.training.cut import Cut
from tfxfer.training.examples import Examples
from tfxfer.training.focal import focal_loss
from tfxfer.training.groups import rate_groups
from tfxfer.training.loop import Job
from tfxfer.training.losses import Loss, ready_loss
from tfxfer.training.metrics import with_default
from tfxfer.training.mixed_targets import mixed_targets
from tfxfer.training.phase import Phase
from tfxfer.training.precision import arithmetic_of
from tfxfer.training.schedules import Timeline
from tfxfer.training.updates import Updates


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Everything besides the model and the data."""

    phase: Phase
    loss: Loss | None
    metrics: Sequence[keras.metrics.Metric]
    callbacks: Sequence[keras.callbacks.Callback]
    seed: int
    journal: Journal
    carry: Carry

    @property
    def solvable(self) -> bool:
        """Whether nothing of the caller's own would have to be called in every step."""
        return self.loss is None and not self.callbacks and not self.metrics


def job_of(made: Cut, examples: tuple[Examples, Examples], asked: Asked) -> Job:
    """What the loop needs for the phase; made in the scope of the strategy that trains.

    Raises:
        TrainingError: a schedule that needs to know the length of an epoch, and data that do not say it.
    """
    train, validation = examples
    phase = asked.phase
    loss = _loss(made, train, asked)
    outputs = made.model.outputs[0].shape[-1] if len(made.model.outputs) == 1 else None
    counted = with_default(asked.metrics, train.labels, outputs, made.head)
    return Job(
        phase,
        made.model,
        made.learner,
        train,
        validation,
        loss,
        counted,
        Updates.of(phase, rate_groups(made, phase), _timeline(train, asked), asked.carry),
        asked.callbacks,
        asked.journal,
        asked.carry,
        made.head,
        arithmetic_of(phase.mixed_precision, made.model),
        mixed_targets(loss, train.labels, made.head) if phase.augmentation.mixes else None,
        [metric for metric in counted if metric not in asked.metrics],  # a caller's are counted as Keras does
    )


def _timeline(train: Examples, asked: Asked) -> Timeline:
    phase, carry = asked.phase, asked.carry
    if train.steps is None and SCHEDULES[phase.schedule].needs_length:
        raise TrainingError(
            f"schedule '{phase.schedule}' needs to know how many batches an epoch has. Received: a data set that does "
            "not know. Use .apply(tf.data.experimental.assert_cardinality(batches)), or schedule 'constant' or "
            "'plateau'."
        )
    steps = None if train.steps is None else -(-train.steps // phase.gradient_accumulation)
    return Timeline(phase.epochs if carry.epochs is None else carry.epochs, steps, carry.first_epoch)


def _loss(made: Cut, train: Examples, asked: Asked) -> keras.losses.Loss:
    phase = asked.phase
    if phase.imbalance.focal_gamma is not None:
        return focal_loss(phase, asked.loss, made.model, train.labels, head=made.head)
    return ready_loss(asked.loss, made.model, phase.label_smoothing, head=made.head)
