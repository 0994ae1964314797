"""Engines: what computes frozen features, and the fixed rule that chooses among them."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import keras
import numpy as np
import tensorflow as tf

from tfxfer.errors import ExportError, FeaturesError, RuntimeUnavailableError
from tfxfer.formats.features_engine import convert_features

EngineName = Literal["tensorflow", "onnxruntime", "litert"]
Wanted = Literal["auto", "fastest", "tensorflow", "onnxruntime", "litert"]
Run = Callable[[np.ndarray], tuple[np.ndarray, ...]]  # images (n, ...) -> features (n, ...), of each output

AGREEMENT = 1e-3  # of the largest value: how far another engine may be from TensorFlow
PROBE = 4  # images on which that is checked
ROUNDS = 3  # in which engines are timed, one after the other; the best of each counts
WORTH_IT = 2e11  # multiplications from which a conversion (seconds) pays: 700 images of MobileNetV2 at 224 px


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine and why it was taken."""

    engine: EngineName
    why: str
    asked: bool = False  # by the caller, so that another one must not take its place


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule looks at."""

    multiplications: int  # of the prefix, for one image
    depthwise: bool  # whether the prefix has depthwise convolutions
    images: int
    cores: int
    accelerators: int
    dtype: str  # in which the prefix computes


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """An engine at work."""

    run: Run
    engine: EngineName
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What the engine of every phase is chosen for, so that one engine can compute the features of all in one pass."""

    model: keras.Model  # flat; the whole of it
    images: int | None = None  # of training and validation together; None: those whose features are asked for

    def of(self, images: int) -> Basis:
        """The same, with the number of images whose features are asked for where there is none."""
        return self if self.images is not None else Basis(self.model, images)


def facts_of(prefix: keras.Model, basis: Basis) -> Facts:
    """The facts of this machine, this model and this many images."""
    layers = basis.model.layers
    return Facts(
        multiplications=sum(_multiplications(layer) for layer in layers),
        depthwise=any(isinstance(layer, keras.layers.DepthwiseConv2D) for layer in layers),
        images=basis.images or 0,
        cores=os.cpu_count() or 1,
        accelerators=len(tf.config.list_physical_devices("GPU")),
        dtype=str(prefix.outputs[0].dtype),
    )


def choose_engine(facts: Facts) -> Choice:
    """The engine for these facts; the same facts always give the same engine, and nothing is timed."""
    if facts.accelerators:
        return Choice("tensorflow", "a GPU is here, and TensorFlow uses it")
    if facts.dtype == "float64":
        return Choice("tensorflow", "the others compute in float32")
    work = facts.multiplications * facts.images
    if work < WORTH_IT:
        return Choice("tensorflow", f"{facts.images:,} images are done sooner than a conversion")
    if facts.depthwise:
        return Choice("litert", f"depthwise convolutions on {facts.cores} cores, {facts.images:,} images")
    return Choice("onnxruntime", f"dense convolutions on {facts.cores} cores, {facts.images:,} images")


def chosen(
    engine: Literal["auto", "tensorflow", "onnxruntime", "litert"], prefix: keras.Model, basis: Basis
) -> Choice:
    """The engine asked for, or the rule's for the whole of what `prefix` is a part of.

    Raises:
        FeaturesError: there is no such engine.
    """
    if engine == "auto":
        return choose_engine(facts_of(prefix, basis))
    if engine not in get_args(EngineName):
        known = ", ".join(get_args(Wanted))
        raise FeaturesError(
            f"features.engine must be one of {known}. Received: '{engine}'. Take one of them."
        )
    return Choice(engine, "asked for", asked=True)


def joined(prefixes: Sequence[keras.Model]) -> keras.Model:
    """One model that gives what each of these prefixes of one graph gives."""
    if len(prefixes) == 1:
        return prefixes[0]
    return keras.Model(prefixes[0].inputs, [prefix.outputs[0] for prefix in prefixes])


def time_engines(prefix: keras.Model, images: np.ndarray) -> Choice:
    """The engine that is fastest on these images here and now, of those that can take the prefix."""
    runs: dict[EngineName, Run] = {}
    for name in get_args(EngineName):
        try:
            runs[name] = open_engine(Choice(name, "timed", asked=True), prefix, images).run
        except FeaturesError:
            continue
    for run in runs.values():
        run(images)  # traced and allocated
    rounds = [{name: _seconds(run, images) for name, run in runs.items()} for _ in range(ROUNDS)]
    best = {name: min(found[name] for found in rounds) / len(images) for name in runs}
    return fastest_of(best, len(images))


def fastest_of(seconds: Mapping[EngineName, float], images: int) -> Choice:
    """The choice that seconds an image make."""
    ranked = sorted(seconds, key=lambda name: seconds[name])
    told = ", ".join(f"{name} {1000 * seconds[name]:.2f} ms" for name in ranked)
    return Choice(ranked[0], f"the fastest of those timed on {images} images: {told}")


def _seconds(run: Run, images: np.ndarray) -> float:
    start = time.perf_counter()
    run(images)
    return time.perf_counter() - start


def open_engine(choice: Choice, prefix: keras.Model, probe: np.ndarray) -> Opened:
    """The engine for all outputs of `prefix`, after it has agreed with TensorFlow on the first images of `probe`.

    Where it cannot take the prefix, or disagrees, TensorFlow takes the place of the rule's choice and says so.

    Raises:
        FeaturesError: the engine was asked for by name and cannot be taken.
    """
    tensorflow = _tensorflow(prefix)
    if choice.engine == "tensorflow":
        return Opened(tensorflow, "tensorflow", choice.why)
    try:
        run = _converted(choice.engine, prefix)
        reason = _disagreement(run(probe[:PROBE]), tensorflow(probe[:PROBE]))
    except (ExportError, RuntimeUnavailableError) as error:
        reason = str(error)
    if reason is None:
        return Opened(run, choice.engine, choice.why)
    if choice.asked:
        raise FeaturesError(
            f"features.engine '{choice.engine}' must be able to take the frozen part. Received: {reason} "
            "Use 'auto' or 'tensorflow'."
        )
    return Opened(tensorflow, "tensorflow", f"{choice.engine} cannot be taken: {reason}")


def _disagreement(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> str | None:
    error = max(
        float(np.max(np.abs(own - other)) / max(float(np.max(np.abs(other))), 1e-30))
        for own, other in zip(found, wanted, strict=True)
    )
    if error <= AGREEMENT:
        return None
    return f"it is off by {error:.1e} of the largest value, more than {AGREEMENT:g}."


def _converted(engine: Literal["onnxruntime", "litert"], prefix: keras.Model) -> Run:
    name: Literal["onnx", "litert"] = "litert" if engine == "litert" else "onnx"
    with tempfile.TemporaryDirectory(prefix="tfxfer-engine-") as folder:
        return convert_features(prefix, name, Path(folder) / f"prefix.{name}").predict


def _tensorflow(prefix: keras.Model) -> Run:
    function = tf.function(lambda images: tf.nest.flatten(prefix(images, training=False)), autograph=False)
    known: dict[tuple[int, ...], Callable[[tf.Tensor], Sequence[tf.Tensor]]] = {}

    def run(images: np.ndarray) -> tuple[np.ndarray, ...]:
        batch = tf.convert_to_tensor(images)
        if images.shape not in known:  # by shape here: TensorFlow would take a second prefix for retracing
            known[images.shape] = function.get_concrete_function(tf.TensorSpec(batch.shape, batch.dtype))
        return tuple(np.asarray(value) for value in known[images.shape](batch))

    return run


def _multiplications(layer: keras.layers.Layer) -> int:
    """An estimate that is near enough to choose by: every kernel is used once at each place of the output."""
    shape = layer.output.shape if isinstance(layer.output, keras.KerasTensor) else ()
    places = math.prod(side for side in shape[1:-1] if side is not None)
    return places * sum(math.prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
