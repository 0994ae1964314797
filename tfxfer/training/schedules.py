"""Schedules: the factor on every group's rate, as a function of the step, inside the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf

from tfxfer.catalogue.schedules import schedule_options
from tfxfer.training.phase import Phase

Options = Mapping[str, float]
# (share of the schedule that is over, 0 to 1; epochs since the warm-up; options) -> factor
Shape = Callable[[tf.Tensor, tf.Tensor, Options], tf.Tensor]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps that a schedule runs over: those of one phase, or of all parts of one phase together."""

    epochs: int  # of all parts
    steps_per_epoch: int | None  # updates, not batches; None: not known
    first_epoch: int = 0  # where this part begins


def rate_factor(phase: Phase, step: tf.Tensor, timeline: Timeline) -> tf.Tensor:
    """The factor (a float32 scalar) at `step`, which counts the updates of this part from 0.

    It rises linearly over `warmup_steps` to 1, then follows the schedule. Without a known number of steps
    every schedule is constant after its warm-up; `fit` refuses those that mean anything else.
    """
    step = tf.cast(step, tf.float32)
    if timeline.steps_per_epoch is not None:
        step += float(timeline.first_epoch * timeline.steps_per_epoch)
    warmup = float(phase.warmup_steps)
    rise = tf.minimum((step + 1.0) / warmup, 1.0) if warmup else tf.constant(1.0)
    if phase.schedule not in SHAPES or timeline.steps_per_epoch is None:
        return rise
    since = tf.maximum(step - warmup, 0.0)
    steps = timeline.epochs * timeline.steps_per_epoch
    progress = tf.minimum(since / max(steps - warmup, 1.0), 1.0)
    options = schedule_options(phase.schedule, phase.schedule_options)
    return rise * SHAPES[phase.schedule](progress, since / timeline.steps_per_epoch, options)


def _cosine(progress: tf.Tensor, epochs: tf.Tensor, options: Options) -> tf.Tensor:
    return _half_cosine(1.0, 0.0, progress)


def _linear(progress: tf.Tensor, epochs: tf.Tensor, options: Options) -> tf.Tensor:
    return 1.0 - progress


def _step(progress: tf.Tensor, epochs: tf.Tensor, options: Options) -> tf.Tensor:
    # A ten-thousandth of an epoch more: 3 epochs counted in steps may be 2.9999998.
    return options["factor"] ** tf.floor((epochs + 1e-4) / options["every_epochs"])


def _exponential(progress: tf.Tensor, epochs: tf.Tensor, options: Options) -> tf.Tensor:
    return options["factor"] ** epochs


def _slanted_triangular(progress: tf.Tensor, epochs: tf.Tensor, options: Options) -> tf.Tensor:
    cut = options["cut_fraction"]
    height = tf.where(progress < cut, progress / cut, 1.0 - (progress - cut) / (1.0 - cut))
    return (1.0 + height * (options["ratio"] - 1.0)) / options["ratio"]


def _one_cycle(progress: tf.Tensor, epochs: tf.Tensor, options: Options) -> tf.Tensor:
    peak, start = options["peak_fraction"], 1.0 / options["start_divisor"]
    up = _half_cosine(start, 1.0, tf.minimum(progress / peak, 1.0))
    down = _half_cosine(1.0, start / options["end_divisor"], tf.maximum(progress - peak, 0.0) / (1.0 - peak))
    return tf.where(progress < peak, up, down)


def _half_cosine(start: float, end: float, share: tf.Tensor) -> tf.Tensor:
    return end + (start - end) * 0.5 * (1.0 + tf.cos(math.pi * share))


SHAPES: dict[str, Shape] = {
    "cosine": _cosine,
    "linear": _linear,
    "step": _step,
    "exponential": _exponential,
    "slanted_triangular": _slanted_triangular,
    "one_cycle": _one_cycle,
}
