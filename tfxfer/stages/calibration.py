"""Which training images an int8 file is calibrated with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tfxfer.catalogue.formats import DEFAULT_CALIBRATION_IMAGES
from tfxfer.config.export_checks import needs_calibration
from tfxfer.config.schema import Config
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import DataError
from tfxfer.evaluation.predictions import refuse_endless
from tfxfer.stages.data import RunData

VALUE_STRATA = 10  # of a regression
CANDIDATES = 5 * DEFAULT_CALIBRATION_IMAGES  # of a dataset that is walked, the images that are chosen from


def choose_calibration(targets: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The sorted indices of `count` images, or of all where there are fewer: each stratum in turn, by the seed.

    `targets` are (N,) class numbers, (N, labels) zeros and ones, or (N, labels) values: a stratum is a class,
    a set of labels, or a tenth of the values.
    """
    strata = _strata(targets)
    order = np.random.default_rng(seed).permutation(len(strata))
    turns: dict[int, int] = {}
    keys = []
    for place, index in enumerate(order.tolist()):
        label = int(strata[index])
        turns[label] = turns.get(label, -1) + 1
        keys.append((turns[label], place, index))
    return np.array(sorted(index for _, _, index in sorted(keys)[:count]), dtype=np.int64)


def _strata(targets: np.ndarray) -> np.ndarray:
    """(N,) the number of each image's stratum."""
    if targets.ndim == 1 and targets.dtype.kind in "iub":
        return targets
    rows = targets.reshape(len(targets), -1)
    if np.isin(rows, (0, 1)).all():
        return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    edges = np.quantile(rows[:, 0], np.linspace(0, 1, VALUE_STRATA + 1)[1:-1])
    return np.searchsorted(edges, rows[:, 0], side="right")


def calibration_split(data: RunData, count: int | None, seed: int) -> ArraySplit:
    """The training images of a run that a file is calibrated with; None means 200, or all there are."""
    wanted = DEFAULT_CALIBRATION_IMAGES if count is None else count
    return data.train.take(choose_calibration(data.train.labels, wanted, seed))


def require_calibration(config: Config, data: RunData) -> None:
    """Refuse, before anything is trained, to calibrate with more images than there are to train on.

    Raises:
        DataError: exports[].calibration_images is more than the training split holds.
    """
    for index, export in enumerate(config.exports):
        asked = export.calibration_images
        if needs_calibration(export) and asked is not None and asked > len(data.train):
            raise DataError(
                f"exports[{index}].calibration_images must be at most the {len(data.train)} training images. "
                f"Received: {asked}. Leave it out to use {min(len(data.train), DEFAULT_CALIBRATION_IMAGES)}."
            )


def calibration_images(
    calibration: Iterable[Any] | ArraySplit, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """200 images of a caller's training data, (N, H, W, channels), of the network's input dtype.

    Data may be batches (images, targets, ...) or of images alone. Each class has its turn among the first
    thousand images.

    Raises:
        DataError: no images, or of another shape or range than the network takes.
    """
    images, labels = _first(calibration)
    if images.shape[1:] != shape:
        raise DataError(
            f"calibration images must be batches (N, {', '.join(map(str, shape))}), as the model takes them. "
            f"Received: {images.shape}. Give the training data."
        )
    chosen = images[choose_calibration(labels, DEFAULT_CALIBRATION_IMAGES, seed=0)]
    converted = chosen.astype(dtype)
    if not np.array_equal(converted, chosen):
        raise DataError(
            f"calibration images for a {dtype} input must be whole numbers 0-255. Received: others, from "
            f"{chosen.min():g} to {chosen.max():g}. Give the images as the model takes them."
        )
    return converted


def _first(calibration: Iterable[Any] | ArraySplit) -> tuple[np.ndarray, np.ndarray]:
    """Images and targets of the first CANDIDATES images; the target is 0 where none is given."""
    if isinstance(calibration, ArraySplit):
        chosen = calibration.take(choose_calibration(calibration.labels, CANDIDATES, seed=0))
        return np.asarray(chosen.images), chosen.labels
    refuse_endless(calibration)
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for batch in calibration:
        part, *targets = batch if isinstance(batch, tuple | list) else (batch,)
        images.append(np.asarray(part))
        labels.append(np.asarray(targets[0]) if targets else np.zeros(len(images[-1]), dtype=np.int64))
        if sum(map(len, images)) >= CANDIDATES:
            break
    if not images:
        raise DataError("calibration needs training images. Received: no batch. Give calibration=train.")
    return np.concatenate(images), np.concatenate(labels)
