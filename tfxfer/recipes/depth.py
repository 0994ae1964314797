"""Lower features: at which depth of a frozen backbone does a solved head validate best?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.arrays import ArraySplit
from tfxfer.network.network import Network
from tfxfer.training.examples import ArrayExamples
from tfxfer.training.linear import TARGET_FAULTS
from tfxfer.training.prepared import Data
from tfxfer.training.solve import solve

SHARES = (1.0, 0.85, 0.7, 0.55)  # of the blocks that a head's features may lie behind; the whole first
BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Depth:
    """A head solved on the features of one block."""

    block: str
    blocks: int  # of the backbone that lie before the head
    gains: np.ndarray  # (N,) of each validation example: 1 where it is right, or minus its absolute error

    @property
    def score(self) -> float:
        """Accuracy on validation, or minus the mean absolute error."""
        return float(self.gains.mean())


def probe_depths(network: Network, train: Data, validation: Data) -> tuple[Depth, ...]:
    """Heads solved at a few depths of the backbone as it is, the whole first; one pass over the images for all.

    () where a head cannot be solved: a class without training examples.
    """
    blocks = network.blocks
    counts = dict.fromkeys(max(1, math.floor(round(share * len(blocks), 6))) for share in SHARES)
    chosen = [blocks[count - 1] for count in counts]
    maps = keras.Model(network.model.inputs, [block.output for block in chosen])
    reduce = tf.reduce_mean if network.head.pooling == "avg" else tf.reduce_max

    @tf.function(autograph=False, reduce_retracing=True)
    def run(images: tf.Tensor) -> list[tf.Tensor]:
        found = tf.nest.flatten(maps(images, training=False))
        return [reduce(value, list(range(1, len(value.shape) - 1))) for value in found]

    splits = [_features(run, data) for data in (train, validation)]
    targets = splits[0][1]
    if TARGET_FAULTS[network.task](targets, len(network.labels)) is not None:
        return ()
    found = []
    for place, (block, count) in enumerate(zip(chosen, counts, strict=True)):
        first, second = (
            ArrayExamples(features[place], labels, weights, BATCH, True)
            for features, labels, weights in splits
        )
        solution = solve(first, second, network.head)
        logits = np.asarray(second.inputs[:], np.float64) @ solution.kernel + solution.bias
        found.append(Depth(block.name, count, _gains(network, logits, second.targets)))
    return tuple(found)


def best_depth(depths: Sequence[Depth]) -> Depth:
    """The depth that validates best, if that is more than chance; else the whole backbone.

    More than one standard error of the paired difference: a few validation images are no reason to cut a backbone.
    Among equals the one nearest to the head.
    """
    whole = depths[0]
    best = max(depths, key=lambda depth: (depth.score, depth.blocks))
    difference = best.gains - whole.gains
    error = float(difference.std(ddof=1)) / math.sqrt(len(difference)) if len(difference) > 1 else math.inf
    return best if difference.mean() > error + 1e-9 else whole


def _features(
    run: Callable[[tf.Tensor], list[tf.Tensor]], data: Data
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray | None]:
    """The features of every depth, the targets and the weights of one split."""
    tables: list[list[np.ndarray]] = []
    targets, weights = [], []
    for images, labels, *rest in _batches(data):
        tables.append([np.asarray(table) for table in run(tf.convert_to_tensor(images))])
        targets.append(labels)
        weights += rest
    joined = [np.concatenate(parts) for parts in zip(*tables, strict=True)]
    return joined, np.concatenate(targets), np.concatenate(weights) if weights else None


def _batches(data: Data) -> Iterator[tuple[np.ndarray, ...]]:
    if isinstance(data, ArraySplit):
        yield from data.weighted_batches(BATCH)
    else:
        yield from data.as_numpy_iterator()


def _gains(network: Network, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    task: TaskName = network.task
    if task == "classification":
        return np.asarray(logits.argmax(axis=1) == targets, np.float64)
    if task == "multi_label":
        return np.asarray(((logits > 0) == (targets > 0.5)).mean(axis=1), np.float64)
    values = logits * np.array(network.head.scale) + np.array(network.head.offset)
    return -np.abs(values - targets.reshape(values.shape)).mean(axis=1)
