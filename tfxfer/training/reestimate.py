"""BatchNorm's statistics, re-estimated on the target's training images (AdaBN, Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.training.cut import Cut

NONE_TO_REESTIMATE = (
    "batch_norm 'reestimate' needs a backbone with BatchNorm layers that tfxfer can look into. Received: one without, "
    "or a SavedModel. Use batch_norm 'frozen', or 'learn' in a phase that unfreezes blocks."
)


def reestimate(cut: Cut, batches: Iterable[np.ndarray | tf.Tensor]) -> int:
    """Give every BatchNorm layer of the backbone the mean and variance of all images; how many there are.

    The images pass once. Meanwhile each batch is normalised by its own statistics, in every such layer, and
    dropout is off. A layer's mean is that of its input over all images, and its variance is that over all
    images too: the mean of the batches' variances and the variance of their means (precise BN, Wu & Johnson
    2021). Scales, offsets and the head stay as they are.

    Raises:
        TrainingError: the backbone has no BatchNorm layer.
    """
    layers = batch_norms(cut.blocks, cut.layers)
    if not layers:
        raise TrainingError(NONE_TO_REESTIMATE)
    means: list[np.ndarray] = [np.zeros(layer.moving_mean.shape) for layer in layers]
    squares: list[np.ndarray] = [np.zeros(layer.moving_mean.shape) for layer in layers]
    total = 0
    with _measuring(cut.model, layers):
        run = tf.function(
            lambda images: cut.model(images, training=True), autograph=False, reduce_retracing=True
        )
        for images in batches:
            run(tf.convert_to_tensor(images))
            total += len(images)
            for place, layer in enumerate(layers):
                mean, variance = (_float64(value) for value in (layer.moving_mean, layer.moving_variance))
                means[place] += len(images) * mean
                squares[place] += len(images) * (variance + mean**2)
    if not total:
        raise TrainingError(
            "the training data must not be empty. Received: 0 examples. Give more data, or another split."
        )
    for layer, mean, square in zip(layers, means, squares, strict=True):
        layer.moving_mean.assign(mean / total)
        layer.moving_variance.assign(np.maximum(square / total - (mean / total) ** 2, 0.0))
    return len(layers)


def batch_norms(
    blocks: Mapping[str, Sequence[str]], layers: Mapping[str, keras.layers.Layer]
) -> list[keras.layers.BatchNormalization]:
    """The BatchNorm layers of a backbone; none of a SavedModel, which cannot be looked into."""
    return [
        part
        for members in blocks.values()
        for name in members
        if name in layers
        for part in layers[name]._flatten_layers()
        if isinstance(part, keras.layers.BatchNormalization)
    ]


@contextmanager
def _measuring(model: keras.Model, layers: Sequence[keras.layers.BatchNormalization]) -> Iterator[None]:
    """After each call in training mode, the layers' statistics are those of that batch alone; others stay."""
    parts = list(model._flatten_layers())
    others = [
        part for part in parts if isinstance(part, keras.layers.BatchNormalization) and part not in layers
    ]
    dropouts = [(part, part.rate) for part in parts if isinstance(part, keras.layers.Dropout)]
    before = [(layer, layer.trainable, layer.momentum) for layer in (*layers, *others)]
    try:
        for layer in layers:
            layer.trainable, layer.momentum = True, 0.0
        for layer in others:
            layer.trainable = False
        for dropout, _ in dropouts:
            dropout.rate = 0.0
        yield
    finally:
        for layer, trainable, momentum in before:
            layer.trainable, layer.momentum = trainable, momentum
        for dropout, rate in dropouts:
            dropout.rate = rate


def _float64(value: keras.Variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(value).astype(np.float64)
