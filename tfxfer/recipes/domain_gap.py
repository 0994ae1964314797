"""Domain gap: how far the target's activations are from what a backbone's BatchNorm layers saw at their source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxfer.backbones.graph import Step, flat_model, steps_between
from tfxfer.backbones.saved_model_layer import SavedModelFeatures
from tfxfer.backbones.saved_model_norms import block_of, fused_norms
from tfxfer.catalogue.spread import spread_rows
from tfxfer.errors import BlockError
from tfxfer.features.fingerprints import Images
from tfxfer.network.network import Network
from tfxfer.training.cut import backbone_blocks

SAMPLE = 128  # images: every layer then sees 128 times its places, and the figure's third digit settles
BATCH = 32
FORMULA = (
    "per channel sqrt(((mean - m) / s)^2 + (deviation / s - 1)^2), m and s being a BatchNorm layer's moving mean and "
    "standard deviation: the 2-Wasserstein distance of two Gaussians in the source's standard deviations; the mean "
    "over a layer's channels, a block's layers, the blocks"
)
Moments = tuple[np.ndarray, np.ndarray]  # sums of a layer's inputs over images: mean, mean square; (C,) each


@dataclass(frozen=True, slots=True)
class BlockGap:
    """One block's distance from the source, in the source's standard deviations."""

    block: str
    distance: float
    mean_shift: float  # |mean - m| / s, the mean over channels
    spread_ratio: float  # deviation / s, the median over channels; 1 is the source's
    layers: int  # BatchNorm layers in the block


@dataclass(frozen=True, slots=True)
class DomainGap:
    """The whole backbone's figure and each block's, or why there are none."""

    distance: float | None  # mean over the blocks; None: not measured
    blocks: tuple[BlockGap, ...] = ()  # input to output; without those that have no BatchNorm
    images: int = 0  # that it was measured on
    why: str | None = None  # it was not measured

    def blocks_list(self) -> list[dict[str, Any]]:
        """`domain_gap` of report.json."""
        return [asdict(block) for block in self.blocks]

    def summary(self) -> dict[str, Any]:
        """`domain_gap_summary` of report.json."""
        return {"distance": self.distance, "images": self.images, "why": self.why, "formula": FORMULA}

    def as_dict(self) -> dict[str, Any]:
        """JSON values that `read_domain_gap` reads."""
        return asdict(self)


def read_domain_gap(value: Mapping[str, Any]) -> DomainGap:
    """What `as_dict` wrote."""
    blocks = tuple(BlockGap(**entry) for entry in value["blocks"])
    return DomainGap(value["distance"], blocks, value["images"], value["why"])


def domain_gap(model: Network | keras.Model, images: Images) -> DomainGap:
    """How far images (N, H, W, C), as the model takes them, are from the data that its backbone was trained on.

    One pass in inference mode over at most 128 of them, chosen evenly. Nothing of the source is needed: a BatchNorm
    layer's moving mean and variance are the source's own statistics at that depth (Li et al. 2016, AdaBN, compare
    the same statistics by a symmetric divergence; this distance stays finite and has a unit). A layer's epsilon is
    part of both variances, as it is in what the layer computes. 0 is the source itself, 1 a shift or a stretch of one
    of its standard deviations in every channel. A network of another image size than it was trained at, or a sample of
    one kind of picture only, is some distance away too.
    """
    whole = model.model if isinstance(model, Network) else model
    try:
        flat, owners = flat_model(whole), _owners(model)
    except BlockError as error:
        return DomainGap(None, why=str(error))
    if isinstance(model, Network) and model.backbone.weights == "none":
        return DomainGap(None, why="the backbone's weights are random: they have no source to be far from")
    looked = _layers(flat, owners) or _saved_model(flat)
    if looked is None:
        return DomainGap(None, why="the backbone has no BatchNorm layers that hold statistics of its source")
    chosen = np.asarray(images[spread_rows(len(images), SAMPLE)])
    return _gap(looked.norms, _moments(looked, chosen), tuple(dict.fromkeys(owners.values())), len(chosen))


def _owners(model: Network | keras.Model) -> dict[str, str]:
    """Layer -> its block, input to output."""
    return {layer: block.name for block in backbone_blocks(model) for layer in block.layers}


@dataclass(frozen=True, slots=True, eq=False)
class _Norm:
    """What a BatchNorm layer holds of its source."""

    block: str
    mean: np.ndarray  # (C,) float64
    variance: np.ndarray  # (C,) float64
    epsilon: float
    axis: int  # of the channels


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """BatchNorm layers, and a function that gives what enters each."""

    norms: tuple[_Norm, ...]
    inputs: Callable[[tf.Tensor], list[tf.Tensor]]


def _layers(flat: keras.Model, owners: Mapping[str, str]) -> _Looked | None:
    steps = [step for step in steps_between(flat.inputs, flat.outputs) if _holds_source(step, owners)]
    if not steps:
        return None
    inside = keras.Model(flat.inputs, [step.inputs[0] for step in steps])
    norms = tuple(_norm(step.operation, owners[step.name]) for step in steps)
    return _Looked(norms, lambda x: tf.nest.flatten(inside(x, training=False)))


def _norm(layer: keras.layers.BatchNormalization, block: str) -> _Norm:
    mean, variance = _float64(layer.moving_mean), _float64(layer.moving_variance)
    return _Norm(block, mean, variance, layer.epsilon, layer.axis)


def _holds_source(step: Step, owners: Mapping[str, str]) -> bool:
    return isinstance(step.operation, keras.layers.BatchNormalization) and step.name in owners


def _saved_model(flat: keras.Model) -> _Looked | None:
    """Those of a SavedModel, whose layers are not Keras's."""
    modules = [layer for layer in flat.layers if isinstance(layer, SavedModelFeatures)]
    found = fused_norms(flat) if modules else None
    if found is None:
        return None
    norms = [
        _Norm(block, _float64(one.mean), _float64(one.variance), one.epsilon, one.axis)
        for one in found.statistics
        if (block := block_of(one, modules[0].parts)) is not None
    ]
    return _Looked(tuple(norms), found.inputs) if len(norms) == len(found.statistics) else None


def _moments(looked: _Looked, images: np.ndarray) -> list[Moments]:
    """(mean, variance) over images and places of what enters each BatchNorm layer, in one pass."""

    @tf.function(autograph=False, reduce_retracing=True)
    def sums(batch: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        return [
            _mean_and_square(tf.cast(value, tf.float32), norm.axis)
            for value, norm in zip(looked.inputs(batch), looked.norms, strict=True)
        ]

    total: list[Moments] = []
    for batch in _batches(images):
        found = [
            (len(batch) * _float64(mean), len(batch) * _float64(square))
            for mean, square in sums(tf.convert_to_tensor(batch))
        ]
        total = found if not total else [(a + c, b + d) for (a, b), (c, d) in zip(total, found, strict=True)]
    means = [(mean / len(images), square / len(images)) for mean, square in total]
    return [(mean, np.maximum(square - mean**2, 0.0)) for mean, square in means]


def _batches(images: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(images), BATCH):
        yield images[start : start + BATCH]


def _mean_and_square(value: tf.Tensor, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
    channel = axis % len(value.shape)
    others = [axis for axis in range(len(value.shape)) if axis != channel]
    return tf.reduce_mean(value, others), tf.reduce_mean(tf.square(value), others)


def _gap(norms: Sequence[_Norm], moments: Sequence[Moments], order: Sequence[str], images: int) -> DomainGap:
    figures: dict[str, list[tuple[float, float, float]]] = {}
    for norm, (mean, variance) in zip(norms, moments, strict=True):
        figures.setdefault(norm.block, []).append(_distance(norm, mean, variance))
    blocks = []
    for name in order:
        if name in figures:
            distance, shift, ratio = (float(value) for value in np.mean(figures[name], axis=0))
            blocks.append(BlockGap(name, distance, shift, ratio, len(figures[name])))
    return DomainGap(float(np.mean([block.distance for block in blocks])), tuple(blocks), images)


def _distance(norm: _Norm, mean: np.ndarray, variance: np.ndarray) -> tuple[float, float, float]:
    """FORMULA for one layer, with its two parts."""
    source = np.sqrt(norm.variance + norm.epsilon)
    shift = (mean - norm.mean) / source
    ratio = np.sqrt(variance + norm.epsilon) / source
    return float(np.hypot(shift, ratio - 1).mean()), float(np.abs(shift).mean()), float(np.median(ratio))


def _float64(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value), np.float64)
