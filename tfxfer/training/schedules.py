"""Schedules: the factor on every group's rate, as a function of the step, inside the graph."""

from __future__ import annotations

import math

import tensorflow as tf

from tfxfer.training.phase import Phase


def rate_factor(phase: Phase, step: tf.Tensor, steps: int | None) -> tf.Tensor:
    """The factor (a float32 scalar) at `step`, which counts from 0 through the phase's `steps`.

    It rises linearly over `warmup_steps` to 1, then follows the schedule to 0 at the last step.
    Without a known number of steps every schedule is constant after its warm-up; `fit` refuses that.
    """
    step = tf.cast(step, tf.float32)
    warmup = float(phase.warmup_steps)
    rise = tf.minimum((step + 1.0) / warmup, 1.0) if warmup else tf.constant(1.0)
    if phase.schedule == "constant" or steps is None:
        return rise
    progress = tf.clip_by_value((step - warmup) / max(steps - warmup, 1.0), 0.0, 1.0)
    fall = 0.5 * (1.0 + tf.cos(math.pi * progress)) if phase.schedule == "cosine" else 1.0 - progress
    return rise * fall
