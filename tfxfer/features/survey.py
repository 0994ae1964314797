"""A caller's tf.data, looked at: whether it gives the same examples every time, by evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfxfer.features.fingerprints import example_digests


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """One pass over a data set, without its images."""

    digests: np.ndarray  # (N, 16) uint8
    targets: np.ndarray  # (N, ...)
    weights: np.ndarray | None  # (N,)
    batch_size: int  # of its first batch

    def __len__(self) -> int:
        return len(self.digests)


def cannot_survey(dataset: tf.data.Dataset, *, vouched: bool) -> str | None:
    """Why a data set cannot be surveyed; None where it can. Vouched for, its length need not be known."""
    if int(dataset.cardinality()) < 0 and not (
        vouched and int(dataset.cardinality()) == tf.data.UNKNOWN_CARDINALITY
    ):
        return "the data set does not know how many batches it has"
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or not all(isinstance(part, tf.TensorSpec) for part in spec):
        return "the data set's elements are not plain (x, y) or (x, y, weight) tensors"
    if any(part.shape.rank is None or part.shape.rank < 1 for part in spec):
        return "the data set is not batched"
    return None


def survey(dataset: tf.data.Dataset) -> Survey:
    """One pass: a digest of every image, every label, every weight."""
    digests: list[np.ndarray] = []
    targets: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    for element in dataset.as_numpy_iterator():
        digests.append(as_rows(element[0]))
        targets.append(element[1])
        weights.extend(element[2:])
    return Survey(
        digests=np.concatenate(digests) if digests else np.zeros((0, 16), np.uint8),
        targets=np.concatenate(targets) if targets else np.zeros(0, np.int32),
        weights=np.concatenate(weights) if weights else None,
        batch_size=len(digests[0]) if digests else 1,
    )


def images_of(dataset: tf.data.Dataset) -> Iterator[np.ndarray]:
    """Another pass: the images alone, batch by batch."""
    for element in dataset.as_numpy_iterator():
        yield element[0]


def as_rows(images: np.ndarray) -> np.ndarray:
    """(n, 16) uint8: a digest of each image of a batch."""
    return np.frombuffer(b"".join(example_digests(images)), np.uint8).reshape(-1, 16)


def keys(digests: np.ndarray) -> list[bytes]:
    """The digests as values that can be looked up."""
    return [row.tobytes() for row in digests]
