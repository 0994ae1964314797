"""How far a phase moved each block: its weights by relative norm, its features by CKA on a fixed sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxfer.backbones.blocks import Block
from tfxfer.backbones.graph import flat_model
from tfxfer.backbones.units import units
from tfxfer.catalogue.spread import spread_rows
from tfxfer.data.arrays import ArraySplit
from tfxfer.network.network import Network
from tfxfer.training.cut import backbone_blocks
from tfxfer.training.phase import Phase
from tfxfer.training.prepared import Data

SAMPLE = 64  # validation images, the same ones in every phase; the CKA below has no bias for few of them


class Watch:
    """A backbone before a phase; `moved` says what has become of it."""

    def __init__(self, model: Network | keras.Model, phase: Phase, images: np.ndarray) -> None:
        whole = model.model if isinstance(model, Network) else model
        still = phase.unfreeze == "none" and phase.batch_norm != "reestimate"
        self._blocks = () if still else backbone_blocks(model)
        self._images = images
        self._alone = whole.distribute_strategy.num_replicas_in_sync == 1
        if self._blocks:
            self._flat = flat_model(whole)
            self._weights = [_weights(self._flat, block) for block in self._blocks]
            self._features = self._features_now()

    def moved(self) -> tuple[dict[str, Any], ...]:
        """Each block of which anything moved, input to output: {block, weights, features}.

        `weights` is |after - before| / |before| over all its weights and statistics. `features` is the linear CKA of
        its pooled output before and after (Kornblith et al. 2019, arXiv:1905.00414, by the estimate without bias of
        Song et al. 2012): 1 where they carry the same, 0 where they have nothing in common; None where it cannot be
        told.
        """
        if not self._blocks:
            return ()
        found = []
        features = self._features_now()
        for block, weights, before, after in zip(
            self._blocks, self._weights, self._features, features, strict=True
        ):
            share = _relative_change(weights, _weights(self._flat, block))
            if share > 0:
                found.append({"block": block.name, "weights": share, "features": linear_cka(before, after)})
        return tuple(found)

    def _features_now(self) -> Sequence[np.ndarray | None]:
        """The pooled outputs of all blocks, (N, channels); None on several replicas, which do not share a pass."""
        if not self._alone or len(self._images) < 4:
            return [None] * len(self._blocks)
        outputs = {id(block.output): block.output for block in self._blocks}
        inside = keras.Model(self._flat.inputs, list(outputs.values()))
        values = tf.nest.flatten(inside(tf.convert_to_tensor(self._images), training=False))
        tables = {
            key: np.asarray(tf.reduce_mean(tf.cast(value, tf.float64), list(range(1, len(value.shape) - 1))))
            for key, value in zip(outputs, values, strict=True)
        }
        return [tables[id(block.output)] for block in self._blocks]


def watched_images(data: Data) -> np.ndarray:
    """At most 64 images: spread evenly over arrays, the first batch of a data set."""
    if isinstance(data, ArraySplit):
        return np.asarray(data.images[spread_rows(len(data), SAMPLE)])
    for images, *_ in data.take(1).as_numpy_iterator():
        return np.asarray(images[:SAMPLE])
    return np.zeros((0,))


def linear_cka(first: np.ndarray | None, second: np.ndarray | None) -> float | None:
    """How alike two (N, C) tables of the same N images are, up to rotation and scale; None where one is constant."""
    if first is None or second is None:
        return None
    grams = [_centred_gram(table) for table in (first, second)]
    own = [float((gram * gram).sum()) for gram in grams]
    if min(own) <= 0:
        return None
    return float((grams[0] * grams[1]).sum()) / float(np.sqrt(own[0] * own[1]))


def _centred_gram(table: np.ndarray) -> np.ndarray:
    """The Gram matrix, centred so that sums of products have no bias (Szekely & Rizzo 2014: U-centring)."""
    gram = table @ table.T
    np.fill_diagonal(gram, 0.0)
    n = len(gram)
    rows = gram.sum(axis=1) / (n - 2)
    gram = gram - rows[:, None] - rows[None] + gram.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(gram, 0.0)
    return np.asarray(gram)


def _weights(flat: keras.Model, block: Block) -> list[np.ndarray]:
    parts = units(flat.layers)
    return [
        np.asarray(keras.ops.convert_to_numpy(weight), np.float64)
        for name in block.layers
        if name in parts
        for weight in parts[name].weights
    ]


def _relative_change(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    moved = sum(float(np.square(new - old).sum()) for old, new in zip(before, after, strict=True))
    size = sum(float(np.square(old).sum()) for old in before)
    return float(np.sqrt(moved / size)) if size > 0 else float(moved > 0)
