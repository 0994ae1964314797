"""Learning-rate range test: the rate grows batch by batch until the loss runs away; nothing is left changed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import keras
import numpy as np

from tfxfer.backbones.graph import flat_model
from tfxfer.errors import UsageError
from tfxfer.features.cache import FeatureCache
from tfxfer.network.network import Network
from tfxfer.store.journal import Journal
from tfxfer.training.examples import Batch
from tfxfer.training.fit import readied
from tfxfer.training.groups import head_rate
from tfxfer.training.loop import Job, job_step
from tfxfer.training.losses import Loss
from tfxfer.training.phase import Phase
from tfxfer.training.prepared import Data
from tfxfer.training.progress import Progress
from tfxfer.training.rate_curve import RateCurve, has_diverged, smooth

LOWEST, HIGHEST = 1e-7, 10.0
STEPS = 150  # batches, at most
MOST_STEPS = 500


def find_learning_rate(
    model: Network | keras.Model,
    train: Data,
    phase: Phase | None = None,
    *,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    steps: int = STEPS,
    loss: Loss | None = None,
    seed: int = 0,
    cache: FeatureCache | None = None,
    journal: Journal | None = None,
) -> RateCurve:
    """The losses of a phase whose rate grows by a constant factor from batch to batch (Smith 2017, arXiv:1506.01186).

    Weights, statistics, random states, what is frozen and every optimizer are afterwards what they were before. The
    test ends early where the loss runs away. All rates of the phase grow in proportion, and the curve's are its
    `learning_rate`; schedule, warm-up and moving averages are left out. Without a `phase` the head alone learns.

    Raises:
        UsageError: rates that do not grow, or no such number of steps.
        TrainingError, BlockError, FeaturesError: as in `fit`.
    """
    _check(lowest, highest, steps)
    tested = _tested(Phase("range test", unfreeze="none") if phase is None else phase)
    journal = Journal() if journal is None else journal
    with (
        _unchanged(model),
        readied(model, train, tested, loss=loss, seed=seed, cache=cache, journal=journal) as job,
    ):
        factors = np.geomspace(lowest, highest, steps) / tested.learning_rate
        return _curve(
            job, [float(factor) for factor in factors], Progress(journal, tested.name, "range test", None)
        )


def _check(lowest: float, highest: float, steps: int) -> None:
    if not 0 < lowest < highest < math.inf:
        raise UsageError(
            f"the rates of a range test must grow from above 0. Received: {lowest:g} to {highest:g}. "
            f"{LOWEST:g} to {HIGHEST:g} is usual."
        )
    if not 10 <= steps <= MOST_STEPS:
        raise UsageError(f"a range test takes 10 to {MOST_STEPS} steps. Received: {steps}. {STEPS} is usual.")


def _tested(phase: Phase) -> Phase:
    """The phase with nothing of its own that moves the rate, and as gradient training."""
    return replace(
        phase,
        schedule="constant",
        schedule_options={},
        warmup_steps=0,
        ema_momentum=None,
        early_stopping_patience=None,
        solver="gradient",
    )


def _curve(job: Job, factors: list[float], progress: Progress) -> RateCurve:
    step = job_step(job)
    start = head_rate(job.phase)
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    diverged: float | None = None
    for factor, batch in zip(factors, _endless(job), strict=False):
        job.updates.lead.learning_rate.assign(start * factor)
        rates.append(job.phase.learning_rate * factor)
        losses.append(float(step(batch)))
        smoothed.append(smooth(losses))
        progress.add(1)
        if has_diverged(smoothed):
            diverged = rates[-1]
            break
    if not math.isfinite(smoothed[-1]):  # no number that a plot or JSON could hold
        rates, losses, smoothed = rates[:-1], losses[:-1], smoothed[:-1]
    return RateCurve(job.phase.name, tuple(rates), tuple(losses), tuple(smoothed), diverged)


def _endless(job: Job) -> Iterator[Batch]:
    """Training batches, epoch after epoch; none where there are none."""
    epoch, empty = 0, False
    while not empty:
        epoch, empty = epoch + 1, True
        for batch in job.train.batches(epoch):
            empty = False
            yield batch


@contextmanager
def _unchanged(model: Network | keras.Model) -> Iterator[None]:
    """Give the model back every variable and every `trainable` as it is now."""
    whole = model.model if isinstance(model, Network) else model
    layers = [layer for part in (whole, flat_model(whole)) for layer in part._flatten_layers()]
    learns = [(layer, layer.trainable) for layer in layers]
    values = [(variable, keras.ops.convert_to_numpy(variable).copy()) for variable in whole.variables]
    try:
        yield
    finally:
        for variable, value in values:
            variable.assign(value)
        for layer, trainable in learns:  # a container sets those inside it, which come after it
            layer.trainable = trainable
