"""fit: one phase on a network or any functional Keras model, with frozen computation done once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import TrainingError
from tfxfer.features.cache import FeatureCache, Kept
from tfxfer.network.network import Network
from tfxfer.store.journal import Journal
from tfxfer.training.asked import Asked, job_of
from tfxfer.training.balance import balanced_examples
from tfxfer.training.best import gained
from tfxfer.training.callbacks import check_callbacks
from tfxfer.training.carry import Carry
from tfxfer.training.cut import Cut, cut, cut_with_later
from tfxfer.training.determinism import reseed
from tfxfer.training.examples import ArrayExamples, check_dataset
from tfxfer.training.exhausted import exhausted_memory_told
from tfxfer.training.groups import check_learning_rates
from tfxfer.training.history import History
from tfxfer.training.learner import Learner
from tfxfer.training.linear import why_not_solved
from tfxfer.training.loop import Job, solve_head, train_weights, validated
from tfxfer.training.losses import Loss
from tfxfer.training.phase import Phase
from tfxfer.training.prepared import (
    ARRAY_BATCH,
    Data,
    FeatureKeeper,
    augmented_examples,
    basis_of,
    check_augmentable,
    examples_of,
)
from tfxfer.training.reestimate import reestimate
from tfxfer.training.trained import Trained
from tfxfer.training.workers import lost_workers_told, require_same, take_from_chief


def fit(
    model: Network | keras.Model,
    train: Data,
    validation: Data,
    phase: Phase,
    *,
    loss: Loss | None = None,
    metrics: Sequence[keras.metrics.Metric] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    seed: int = 0,
    cache: FeatureCache | None = None,
    journal: Journal | None = None,
    carry: Carry | None = None,
) -> History:
    """Train what the phase unfreezes, and leave the model no worse on validation than it came.

    Whatever lies under the first weight that learns is computed once per image and kept (see FeatureCache);
    it runs in inference mode. The caller's tf.distribute scope is respected, or else the one in which the
    model was made.

    Args:
        train: an ArraySplit, or a tf.data.Dataset of batches (x, y) or (x, y, weight) that ends.
        loss: a Keras loss, its name, or a function of (labels, outputs); None is the task's own: cross-entropy of
            whole-number labels, binary cross-entropy of (N, labels) zeros and ones, squared error of a
            regression's targets. A Network's outputs are logits; a plain model's are what they are.
        metrics: Keras metrics; the task's own is there without asking: `accuracy` where labels are whole numbers,
            `binary_accuracy` of a multi-label network, `mean_absolute_error` of a regression.
        callbacks: Keras callbacks; they see the full model, and the head's rate as `model.optimizer`.
        cache: where features are kept; None keeps them for this phase only, in a temporary folder.
        journal: told "phase", "progress" and "epoch".
        carry: what the phase before left (see Carry); None begins anew.

    Raises:
        TrainingError: data that are empty or without end, a loss that is not finite, a callback that cannot work,
            or memory that does not hold a step.
        UsageError: a rate for what does not learn.
        BlockError: the model has no such blocks.
        FeaturesError: no room on the disk for the features.
    """
    journal, carry = Journal() if journal is None else journal, Carry() if carry is None else carry
    asked, data = Asked(phase, loss, metrics, callbacks, seed, journal, carry), (train, validation)
    _check(data, asked)
    with (
        _scope(model),
        lost_workers_told(phase.name),
        exhausted_memory_told(phase),
        (FeatureCache() if cache is None else cache).opened() as opened,
    ):
        made, later = cut_with_later(model, phase, carry.later)
        require_same("phase, seed and data", phase, seed, *_outline(train), *_outline(validation))
        take_from_chief(made.model.weights)
        if not carry.of_longer(phase):  # a part of a longer phase need not use every rate
            check_learning_rates(phase, made.boundary.unfrozen_blocks)
        reseed(made.model, seed, phase.name)
        keeper = FeatureKeeper(made, phase, opened, journal, seed, basis_of(model, train, validation), later)
        trained = partial(_trained, made, data, _labels(model), asked, keeper)
        if phase.batch_norm != "reestimate" or carry.first_epoch:
            return trained(())  # a later part has the first one's statistics
        return _reestimated(made, data, asked, trained)


def _check(data: tuple[Data, Data], asked: Asked) -> None:
    """Refuse what can be known to fail."""
    check_callbacks(asked.callbacks, asked.phase)
    for part, role in zip(data, ("training", "validation"), strict=True):
        if isinstance(part, tf.data.Dataset):
            check_dataset(part, role)
    check_augmentable(data[0], asked.phase)


def _trained(
    made: Cut,
    data: tuple[Data, Data],
    labels: tuple[str, ...],
    asked: Asked,
    keeper: FeatureKeeper,
    notes: tuple[str, ...],
) -> History:
    """The phase, on features computed once where there are any."""
    phase, seed, (train, validation) = asked.phase, asked.seed, data
    kept = keeper.train(train), keeper.validation(validation)
    given = augmented_examples(examples_of(train, kept[0], phase, seed), made, phase, seed)
    examples = (
        balanced_examples(given, phase.imbalance, labels, seed=seed),
        examples_of(validation, kept[1], phase, None),
    )
    for part in examples:  # of a cached tf.data.Dataset, the order is only known now
        if isinstance(part, ArrayExamples):
            require_same("order of examples", part.targets)
    return _run(job_of(made, examples, asked), made, kept, notes, solvable=asked.solvable)


@contextmanager
def readied(
    model: Network | keras.Model,
    train: Data,
    phase: Phase,
    *,
    loss: Loss | None = None,
    seed: int = 0,
    cache: FeatureCache | None = None,
    journal: Journal | None = None,
) -> Iterator[Job]:
    """A phase ready to take steps, without its validation, in the scope of the strategy that trains."""
    journal = Journal() if journal is None else journal
    if isinstance(train, tf.data.Dataset):
        check_dataset(train, "training")
    check_augmentable(train, phase)
    with _scope(model), (FeatureCache() if cache is None else cache).opened() as opened:
        made = cut(model, phase)
        check_learning_rates(phase, made.boundary.unfrozen_blocks)
        reseed(made.model, seed, phase.name)
        if phase.batch_norm == "reestimate":
            reestimate(made, _images(train, phase.batch_size or ARRAY_BATCH))
        basis = basis_of(model, train, train)
        kept = FeatureKeeper(made, phase, opened, journal, seed, basis).train(train)
        given = augmented_examples(examples_of(train, kept, phase, seed), made, phase, seed)
        examples = balanced_examples(given, phase.imbalance, _labels(model), seed=seed)
        yield job_of(made, (examples, examples), Asked(phase, loss, (), (), seed, journal, Carry()))


def _reestimated(
    made: Cut, data: tuple[Data, Data], asked: Asked, trained: Callable[[tuple[str, ...]], History]
) -> History:
    """The phase on statistics of the target; or the network as it came, where that validates better."""
    phase, weights = asked.phase, made.model.get_weights()
    whole = replace(made, learner=Learner(None, made.model))
    train, validation = (examples_of(part, Kept("not cut"), phase, None) for part in data)
    came = validated(job_of(whole, (train, validation), replace(asked, callbacks=(), carry=Carry())))
    longer = asked.carry.of_longer(phase)
    if longer:
        asked.carry.judge_longer(made.model, phase, came)
    try:
        layers = reestimate(made, _images(data[0], phase.batch_size or ARRAY_BATCH))
        take_from_chief(made.model.weights)
        history = trained((f"statistics of {layers} BatchNorm layers: those of the training images",))
    except TrainingError:
        made.model.set_weights(weights)
        raise
    if not longer and not gained(phase, came, history):
        made.model.set_weights(weights)
        note = (
            f"{history.monitor} {came[history.monitor]:g} as it came was better: the statistics are as before"
        )
        history = replace(history, best_epoch=0, before=came, why=(*history.why, note))
    return history


def _outline(data: Data) -> tuple[object, ...]:
    """What tells one data set from another without reading its images."""
    return (data.images.shape, data.labels) if isinstance(data, ArraySplit) else (data.element_spec,)


def _images(data: Data, size: int) -> Iterator[np.ndarray | tf.Tensor]:
    """Batches of images, in the data's own order."""
    batches = data.batches(size) if isinstance(data, ArraySplit) else data
    return (batch[0] for batch in batches)


def _run(job: Job, made: Cut, kept: tuple[Kept, Kept], notes: tuple[str, ...], *, solvable: bool) -> History:
    reason = why_not_solved(job.learner.suffix, job.phase, job.train, job.validation, job.head)
    if not solvable:
        reason = "a loss, metrics or callbacks of your own were given"
    if job.phase.solver == "lbfgs" and reason is not None:
        raise TrainingError(
            f"solver 'lbfgs' of phase '{job.phase.name}' needs a linear head on cached features. "
            f"Received: {reason}. Use solver 'gradient' or 'auto'."
        )
    solver = "lbfgs" if job.phase.solver != "gradient" and reason is None else "gradient"
    engine = "" if kept[0].features is None else f" ({kept[0].features.engine}: {kept[0].features.why})"
    why = (
        f"features: {kept[0].why}{engine}",
        f"solver {solver}: {reason or 'a linear head on cached features'}",
        f"precision {job.arithmetic.precision}: {job.arithmetic.precision.why}",
        *((f"augment: {job.phase.augmentation}",) if job.phase.augmentation.active else ()),
        *notes,
    )
    _announce(job, made, kept[0], solver, why)
    start = time.perf_counter()
    trained = solve_head(job) if solver == "lbfgs" else train_weights(job)
    return _history(job, made, kept, trained, solver=solver, why=why, seconds=time.perf_counter() - start)


@contextmanager
def _scope(model: Network | keras.Model) -> Iterator[None]:
    """The caller's strategy, or the model's own where the caller is in none.

    Raises:
        TrainingError: the model was made in another strategy's scope.
    """
    whole = model.model if isinstance(model, Network) else model
    own = whole.distribute_strategy
    strategy = tf.distribute.get_strategy() if tf.distribute.has_strategy() else own
    if not all(strategy.extended.variable_created_in_scope(variable.value) for variable in whole.weights):
        raise TrainingError(
            f"the model must be made in the scope of the strategy that trains it. Received: a model from outside of "
            f"this {type(strategy).__name__}'s scope. Make (or load) it inside `with strategy.scope():`."
        )
    with strategy.scope():
        yield


def _labels(model: Network | keras.Model) -> tuple[str, ...]:
    """The classes' names; of a plain model their numbers."""
    if isinstance(model, Network):
        return model.labels
    return tuple(str(number) for number in range(model.outputs[0].shape[-1] or 0))


def _announce(job: Job, made: Cut, kept: Kept, solver: str, why: Sequence[str]) -> None:
    boundary = made.boundary
    job.journal.write(
        "phase",
        phase=job.phase.name,
        epochs=job.phase.epochs,
        trainable_parameters=boundary.trainable_parameters,
        unfrozen_blocks=list(boundary.unfrozen_blocks),
        learns=str(boundary),
        cached_boundary=boundary.name if kept.features is not None else None,
        feature_engine=kept.features.engine if kept.features is not None else None,
        solver=solver,
        why=list(why),
    )


def _rates(job: Job) -> dict[str, float]:
    return {group.name: group.learning_rate for group in job.updates.groups}


def _history(
    job: Job,
    made: Cut,
    kept: tuple[Kept, Kept],
    trained: Trained,
    *,
    solver: str,
    why: tuple[str, ...],
    seconds: float,
) -> History:
    features = kept[0].features
    computed = sum(part.features.computed for part in kept if part.features is not None)
    return History(
        phase=job.phase.name,
        epochs=len(trained.epoch_seconds),
        seconds=seconds,
        seconds_per_epoch=trained.seconds_per_epoch,
        trainable_parameters=made.boundary.trainable_parameters,
        unfrozen_blocks=made.boundary.unfrozen_blocks,
        cached_boundary=None if features is None else made.boundary.name,
        feature_engine=None if features is None else features.engine,
        feature_seconds=sum(part.features.seconds for part in kept if part.features is not None),
        features_computed=computed,
        features_reused=sum(len(part.features.array) for part in kept if part.features is not None)
        - computed,
        learning_rates=_rates(job) if solver == "gradient" else {},
        best_epoch=trained.best_epoch,
        history=trained.history,
        solver=solver,
        before=trained.before,
        monitor=trained.monitor,
        precision=str(job.arithmetic.precision) if solver == "gradient" else "float32",
        augment=str(job.phase.augmentation),
        why=why,
    )
