"""How long a run would take and how much room it needs, from one timed forward pass."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.catalogue.inputs import channels_of

if TYPE_CHECKING:
    import keras

    from tfxfer.network.freeze import FrozenBoundary
    from tfxfer.network.network import Network
    from tfxfer.training.phase import Phase

TIMED_IMAGES = 8  # random pictures that a forward pass is timed on
STEP = 3.0  # a training step in forward passes: forward, gradients of activations, gradients of weights
EXPORT_SECONDS = 5.0  # for each file: written, loaded, run and timed
FEATURE_BYTES: Mapping[str, int] = {"float32": 4, "float16": 2}  # of one number
START_SECONDS = 8.0  # imports, building, the first trace


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """One phase, and where it is cut."""

    phase: Phase
    boundary: FrozenBoundary

    @property
    def kept(self) -> bool:
        """Whether features of the training images are computed once."""
        return self.boundary.tensor is not None and self.phase.augmentation.keepable

    @property
    def feature_size(self) -> int:
        """Numbers in one image's features; 0 where nothing is frozen."""
        if self.boundary.tensor is None:
            return 0
        return int(np.prod([side for side in self.boundary.shape[1:] if side is not None]))

    def images_kept(self, images: Mapping[str, int]) -> int:
        """Images whose features are kept, views of training images counted each."""
        if self.boundary.tensor is None:
            return 0
        views = self.phase.augmentation.views
        return images["validation"] + images["train"] * (1 if views is None else views) * self.kept


def workload_of(network: Network, phase: Phase) -> Workload:
    from tfxfer.network.freeze import freeze

    (unfreeze,) = phase.unfreezings or ("none",)
    return Workload(phase, freeze(network, phase.policy(unfreeze)))


def estimate(
    network: Network,
    workloads: Sequence[Workload],
    images: Mapping[str, int],
    *,
    files: int,
    feature_bytes: int,
) -> dict[str, Any]:
    """Rough figures: seconds and bytes. Time is that of random pictures on this machine as it is now.

    `feature_bytes` is the size of one number as features are kept.
    """
    whole = _seconds_per_image(network.model, _random_pictures(network))
    seconds = START_SECONDS + files * EXPORT_SECONDS + images["test"] * whole * (1 + files)
    for work in workloads:
        seconds += _phase_seconds(network, work, whole, images)
    height, width = network.input.size
    return {
        "seconds": round(seconds),
        "pictures_on_disk_bytes": sum(images.values()) * height * width * channels_of(network.input),
        "features_on_disk_bytes": sum(
            feature_bytes * work.images_kept(images) * work.feature_size for work in workloads
        ),
        "weights_bytes": 4 * int(network.model.count_params()),
    }


def _phase_seconds(network: Network, work: Workload, whole: float, images: Mapping[str, int]) -> float:
    from tfxfer.network.split import split_model

    train, validation = images["train"], images["validation"]
    if work.boundary.tensor is None:
        return work.phase.epochs * (STEP * train + validation) * whole
    prefix, _ = split_model(network.model, work.boundary.tensor)
    frozen = _seconds_per_image(prefix, _random_pictures(network))
    rest = max(whole - frozen, 0.0)
    repeated = 0 if work.kept else work.phase.epochs * train
    once = work.images_kept(images) + repeated
    return once * frozen + work.phase.epochs * (STEP * train + validation) * rest


def _seconds_per_image(model: keras.Model, images: np.ndarray) -> float:
    import tensorflow as tf

    forward = tf.function(lambda batch: model(batch, training=False), autograph=False)
    batch = tf.constant(images)
    forward(batch)  # traced here
    start = time.perf_counter()
    forward(batch)
    return (time.perf_counter() - start) / len(images)


def _random_pictures(network: Network) -> np.ndarray:
    shape = (TIMED_IMAGES, *network.input.size, channels_of(network.input))
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
