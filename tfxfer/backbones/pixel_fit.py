"""Which pixels a network was trained on, measured: its BatchNorm statistics against what pictures give under each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxfer.backbones.graph import flat_model, steps_between
from tfxfer.backbones.saved_model_norms import fused_norms
from tfxfer.catalogue.backbones import CAFFE, TORCH
from tfxfer.catalogue.grey import COLOURED
from tfxfer.catalogue.pixels import RANGES, Pixels

LAYERS = 8  # from the input: deeper ones tell more of the pictures' subject than of their range
# Measured on MobileNetV1 0.25 and V2 0.35 ([-1,1]): for photos a wrong range lies 1.28 (one photo, [0,1]) to 4.5 times
# further off than the right one; for grey pictures of defects one wrong range lies nearer, by 1.25.
CLEARLY = 1.3
USUAL: Mapping[str, Pixels] = {
    **RANGES,
    **{f"{name}, BGR": Pixels("bgr", pixels.scale, pixels.offset) for name, pixels in RANGES.items()},
    "ImageNet mean and deviation": TORCH,
    "Caffe's BGR means": CAFFE,
}


def pixel_distances(
    model: keras.Model, images: np.ndarray, candidates: Mapping[str, Pixels]
) -> dict[str, float]:
    """How far the first BatchNorm layers' inputs lie from their statistics, for images (N, H, W, 3) uint8 RGB.

    Of each channel: the shift of its mean in standard deviations, and the logarithm of the ratio of its deviations;
    the mean of their sum over channels and the first eight layers. Empty for a model without BatchNorm.
    """
    found = _norms(model)
    if found is None:
        return {}
    run, statistics = found
    coloured = images.shape[-1] == COLOURED
    candidates = {name: pixels for name, pixels in candidates.items() if coloured or pixels.is_uniform}
    distances = {}
    for name, pixels in candidates.items():
        inputs = tf.constant(apply_pixels(images, pixels))
        apart = [
            _apart(np.asarray(x), *stored)
            for x, stored in zip(keras.tree.flatten(run(inputs)), statistics, strict=True)
        ]
        distances[name] = float(np.mean(apart))
    return distances


def better_fit(stated: Pixels, distances: Mapping[str, float]) -> str | None:
    """The usual range that fits clearly better than the stated one, whose distance is under its own name `stated`."""
    others = {name: value for name, value in distances.items() if name in USUAL and USUAL[name] != stated}
    if not others or "stated" not in distances:
        return None
    best = min(others, key=lambda name: others[name])
    return best if others[best] * CLEARLY < distances["stated"] else None


def apply_pixels(images: np.ndarray, pixels: Pixels) -> np.ndarray:
    """Float32 (N, H, W, 3) as the network is to see uint8 RGB; of other channels, all by the first's map."""
    x = images.astype(np.float32)
    if images.shape[-1] != COLOURED:
        return np.asarray(x * np.float32(pixels.scale[0]) + np.float32(pixels.offset[0]))
    x = x[..., ::-1] if pixels.order == "bgr" else x
    return np.ascontiguousarray(
        x * np.asarray(pixels.scale, np.float32) + np.asarray(pixels.offset, np.float32)
    )


def _apart(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> float:
    axes = tuple(range(x.ndim - 1))
    deviation = np.sqrt(np.maximum(variance, 1e-6))
    shift = np.abs(x.mean(axes) - mean) / deviation
    ratio = np.abs(np.log(np.maximum(x.std(axes), 1e-6) / deviation))
    return float(np.mean(np.minimum(shift, 10) + np.minimum(ratio, 10)))


Found = tuple[Any, list[tuple[np.ndarray, np.ndarray]]]


def _norms(model: keras.Model) -> Found | None:
    """A function that gives the inputs of the first BatchNorm layers, and the statistics that these hold."""
    flat = flat_model(model)
    steps = [
        step
        for step in steps_between(flat.inputs, flat.outputs)
        if isinstance(step.operation, keras.layers.BatchNormalization) and step.operation.axis in (-1, 3)
    ][:LAYERS]
    if not steps:
        fused = fused_norms(flat, LAYERS)
        return (
            None if fused is None else (fused.inputs, [(one.mean, one.variance) for one in fused.statistics])
        )
    inner = keras.Model(flat.inputs[0], [step.inputs[0] for step in steps])
    run = tf.function(lambda x: inner(x, training=False), autograph=False)
    return run, [
        (np.asarray(step.operation.moving_mean), np.asarray(step.operation.moving_variance)) for step in steps
    ]
