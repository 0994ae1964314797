"""Forgetting: how well the backbone still serves the task it came from, before and after it learnt another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import DataError
from tfxfer.evaluation.intervals import Interval, paired_difference_interval
from tfxfer.network.network import Network
from tfxfer.training.examples import ArrayExamples
from tfxfer.training.linear import TARGET_FAULTS
from tfxfer.training.solve import Solution, solve

BATCH = 32


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Accuracy on held-out images of the source task, by heads solved on the features of its training images."""

    images: int  # held out
    before: float  # of the backbone as it came
    after_same_head: float  # of the trained backbone under the head of before: what an old head would lose
    after: float  # of the trained backbone under a head of its own: what its features still hold
    lost: float  # before - after
    interval: Interval  # 95 %, of `lost`, paired

    def as_dict(self) -> dict[str, Any]:
        """`forgetting` of report.json."""
        return {**asdict(self), "interval": list(self.interval)}


def forgetting(before: Network, after: Network, source: Mapping[str, ArraySplit], classes: int) -> Forgetting:
    """The source task's accuracy by a backbone before and after training; `source` has train, validation and test.

    Raises:
        DataError: the source data are no classification that a head can be solved for.
    """
    fault = TARGET_FAULTS["classification"](np.asarray(source["train"].labels), classes)
    if fault is not None:
        raise DataError(
            f"evaluation.source_data must be a classification to solve a head for. Received: {fault}."
        )
    old, new = (
        {name: _examples(run, split) for name, split in source.items()}
        for run in (_features_of(before), _features_of(after))
    )
    head, own = (solve(tables["train"], tables["validation"]) for tables in (old, new))
    targets = np.asarray(source["test"].labels)
    right = [_answers(head, old["test"]) == targets, _answers(head, new["test"]) == targets]
    right.append(_answers(own, new["test"]) == targets)
    first, same, last = (float(row.mean()) for row in right)
    interval = paired_difference_interval(
        int((right[0] & ~right[2]).sum()), int((right[2] & ~right[0]).sum()), len(targets)
    )
    return Forgetting(len(targets), first, same, last, first - last, interval)


def _features_of(network: Network) -> Callable[[np.ndarray], np.ndarray]:
    """Images (N, H, W, 3) uint8 -> pooled features (N, C) of the network's backbone."""
    inside = keras.Model(network.model.inputs, network.backbone_output)
    reduce = tf.reduce_mean if network.head.pooling == "avg" else tf.reduce_max

    @tf.function(autograph=False, reduce_retracing=True)
    def pooled(images: tf.Tensor) -> tf.Tensor:
        value = inside(images, training=False)
        return reduce(value, list(range(1, len(value.shape) - 1)))

    return lambda images: np.asarray(pooled(tf.convert_to_tensor(images)))


def _examples(run: Callable[[np.ndarray], np.ndarray], split: ArraySplit) -> ArrayExamples:
    features = np.concatenate([run(images) for images, *_ in split.batches(BATCH)])
    return ArrayExamples(features, split.labels, split.weights, BATCH, True)


def _answers(solution: Solution, examples: ArrayExamples) -> np.ndarray:
    logits = np.asarray(examples.inputs[:], np.float64) @ solution.kernel + solution.bias
    return np.asarray(logits.argmax(axis=1))
