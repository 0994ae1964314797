"""An `ArraySplit` as a `tf.data.Dataset`: pictures are read from the file batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from tfxfer.data.arrays import ArraySplit, ImageRows
from tfxfer.errors import UsageError

if TYPE_CHECKING:
    import tensorflow as tf


def as_dataset(
    split: ArraySplit,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    repeat: bool = False,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Batches of (B, H, W, 3) uint8 and the labels' rows, and (B,) float32 weights where the split has some.

    With `shuffle_seed`, epoch e (counted from `first_epoch`) has an order that depends on the seed and e
    alone; each iteration over the dataset is the next epoch. The cardinality is known, no batch spans two
    epochs, and the batch dimension is static where every batch is full.

    Raises:
        UsageError: the split is empty or the batch size is below 1.
    """
    import tensorflow as tf

    if batch_size < 1 or len(split) == 0:
        raise UsageError(
            "A batch size of at least 1 and at least one example are needed. "
            f"Received: batch_size = {batch_size}, {len(split)} examples. Correct them."
        )
    batches = -(-len(split) // batch_size)
    epochs = count(first_epoch)

    def epoch(_: object) -> tf.data.Dataset:
        order = tf.numpy_function(lambda: _order(len(split), shuffle_seed, next(epochs)), [], tf.int64)
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(order, (len(split),))).batch(batch_size)

    passes = tf.data.Dataset.range(1).repeat() if repeat else tf.data.Dataset.range(1)
    data = passes.flat_map(epoch).map(_gather(split, batch_size))
    known = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY if repeat else batches)
    return data.apply(known).prefetch(2)


def _order(examples: int, seed: int | None, epoch: int) -> np.ndarray:
    if seed is None:
        return np.arange(examples, dtype=np.int64)
    return np.random.default_rng([seed, epoch]).permutation(examples).astype(np.int64)


def _gather(split: ArraySplit, batch_size: int) -> Callable[[tf.Tensor], tuple[tf.Tensor, ...]]:
    """From (B,) rows to the batch; B is static where every batch is full."""
    import tensorflow as tf

    rows = batch_size if len(split) % batch_size == 0 else None
    shapes = [(rows, *split.images.shape[1:]), (rows, *split.labels.shape[1:]), (rows,)]
    arrays: list[ImageRows | np.ndarray] = [split.images, split.labels]
    if split.weights is not None:
        arrays.append(split.weights)
    types = [tf.as_dtype(array.dtype) for array in arrays]

    def gather(index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parts = tf.numpy_function(lambda chosen: [array[chosen] for array in arrays], [index], types)
        return tuple(tf.ensure_shape(part, shape) for part, shape in zip(parts, shapes, strict=False))

    return gather
