"""What makes two trainings with one seed the same."""

from __future__ import annotations

import zlib

import keras
import numpy as np
import tensorflow as tf


def make_deterministic() -> None:
    """Ask TensorFlow for deterministic kernels in this whole process, for good.

    The one place where tfxfer touches that switch. `fit` never calls it: the pipeline does, under
    `training.deterministic: true`, and a caller may. It refuses kernels that have no deterministic form,
    and some kernels become slower.
    """
    tf.config.experimental.enable_op_determinism()


def seed_words(seed: int, *purposes: str | int) -> list[int]:
    """The seed of one purpose: whole numbers for numpy's generators, independent between purposes."""
    return [seed, *(zlib.crc32(str(purpose).encode()) for purpose in purposes)]


def reseed(model: keras.Model, seed: int, phase: str) -> None:
    """Set the random state of every dropout and augmentation layer, by its place in the model.

    A phase then draws the same numbers whether the one before it ran in this process, in another, or was
    taken from a cache.
    """
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    for index, state in enumerate(states):
        words = np.random.default_rng(seed_words(seed, phase, index)).integers(0, 2**31, 2)
        state.assign(np.array([words[0], 0], dtype="uint32"))
