"""Engines: what computes frozen features, and the fixed rule that chooses among them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import keras
import numpy as np
import tensorflow as tf

from tfxfer.errors import FeaturesError

EngineName = Literal["tensorflow", "onnxruntime", "litert"]
Wanted = Literal["auto", "tensorflow", "onnxruntime", "litert"]
Run = Callable[[np.ndarray], np.ndarray]  # images (n, ...) -> features (n, ...)


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine and why it was taken."""

    engine: EngineName
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule looks at."""

    parameters: int  # of the prefix
    depthwise: bool  # whether the prefix has depthwise convolutions
    images: int
    cores: int
    accelerators: int


def facts_of(prefix: keras.Model, images: int) -> Facts:
    """The facts of this machine, this prefix and this many images."""
    return Facts(
        parameters=prefix.count_params(),
        depthwise=any(isinstance(layer, keras.layers.DepthwiseConv2D) for layer in prefix.layers),
        images=images,
        cores=os.cpu_count() or 1,
        accelerators=len(tf.config.list_physical_devices("GPU")),
    )


def choose_engine(facts: Facts) -> Choice:
    """The engine for these facts; the same facts always give the same engine, and nothing is timed."""
    if facts.accelerators:
        return Choice("tensorflow", "a GPU is here, and TensorFlow uses it")
    return Choice("tensorflow", "the only engine there is yet")


def check_engine(name: str) -> None:
    """Raises:
    FeaturesError: there is no such engine.
    """
    if name not in get_args(Wanted):
        raise FeaturesError(
            f"features.engine must be one of {', '.join(get_args(Wanted))}. Received: '{name}'. Take one of them."
        )


def open_engine(name: EngineName, prefix: keras.Model) -> Run:
    """A function from images to features in inference mode.

    Raises:
        FeaturesError: the engine cannot take this prefix.
    """
    check_engine(name)
    if name != "tensorflow":
        raise FeaturesError(
            f"the engine '{name}' is not here yet. Received: engine='{name}'. Use 'tensorflow'."
        )
    return _tensorflow(prefix)


def _tensorflow(prefix: keras.Model) -> Run:
    function = tf.function(lambda images: prefix(images, training=False))
    known: dict[tuple[int, ...], Callable[[tf.Tensor], tf.Tensor]] = {}

    def run(images: np.ndarray) -> np.ndarray:
        batch = tf.convert_to_tensor(images)
        if images.shape not in known:  # by shape here: TensorFlow would take a second prefix for retracing
            known[images.shape] = function.get_concrete_function(tf.TensorSpec(batch.shape, batch.dtype))
        return np.asarray(known[images.shape](batch))

    return run
