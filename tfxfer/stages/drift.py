"""`tfxfer check DATA --against BUNDLE`: do these pictures still look like those that the bundle was measured on?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.bundle.manifest import file_entry, read_manifest
from tfxfer.bundle.statistics import (
    NAME,
    Statistics,
    detectable,
    drifts,
    joined,
    output_values,
    picture_values,
    read_statistics,
    statistics_of,
)
from tfxfer.data import Unlabelled, decode_image, open_source, open_unlabelled, resize_image
from tfxfer.errors import BundleError, DataError
from tfxfer.stages.predict import Loaded, load_predictor
from tfxfer.verification.reference import BATCH_SIZE, Reference

FEWEST = 20  # pictures that a distribution can be told from


def held_out_statistics(reference: Reference) -> Statistics:
    """Of the test pictures, and of the trained network's answers to them."""

    def values(start: int) -> dict[str, np.ndarray]:
        part = slice(start, start + BATCH_SIZE)
        outputs = reference.outputs
        said = output_values(
            outputs.logits[part],
            outputs.probabilities[part],
            reference.labels,
            regression=reference.task == "regression",
        )
        return {**picture_values(np.asarray(reference.images[part])), **said}

    return statistics_of(joined(values(start) for start in range(0, len(reference.images), BATCH_SIZE)))


def check_drift(data: str, bundle: Path) -> dict[str, Any]:
    """Each statistic of the pictures beside that of the bundle's held-out ones, as JSON values; labels do not matter.

    Raises:
        DataError: too few pictures, or one that cannot be read.
        BundleError: the bundle has no statistics, or others than its manifest says.
    """
    folder = bundle / "bundle" if (bundle / "bundle" / NAME).is_file() else bundle
    before = _trusted(folder)
    loaded = load_predictor(folder)
    now = joined(_values(images, loaded) for images in _batches(data, loaded))
    pictures = len(next(iter(now.values()), ()))
    if pictures < FEWEST:
        raise DataError(
            f"drift can be told from {FEWEST} pictures or more. Received: {pictures} in '{data}'. Gather more of them."
        )
    found = drifts(before, now)
    drifted = [entry.statistic for entry in found if entry.drifted]
    return {
        "against": str(folder),
        "pictures": pictures,
        "held_out": before.pictures,
        "drift": bool(drifted),
        "drifted": drifted,
        "smallest_distance_that_would_show": detectable(before, pictures),
        "statistics": [entry.as_dict() for entry in found],
    }


def _trusted(folder: Path) -> Statistics:
    """The statistics, unless they were changed after the manifest was written."""
    statistics = read_statistics(folder)
    listed = read_manifest(folder).files.get(NAME)
    if listed is None or listed.sha256 != file_entry(folder / NAME).sha256:
        raise BundleError(
            f"'{NAME}' must be the file that the manifest lists. Received: another one. Export again."
        )
    return statistics


def _values(images: np.ndarray, loaded: Loaded) -> dict[str, np.ndarray]:
    outputs = loaded.predictor.predict(images.astype(loaded.dtype, copy=False))
    said = output_values(
        outputs.logits, outputs.probabilities, loaded.labels, regression=loaded.task == "regression"
    )
    return {**picture_values(images), **said}


def _batches(data: str, loaded: Loaded) -> Iterator[np.ndarray]:
    """(B, H, W, channels) uint8 of a folder's pictures, or of those that a manifest or an embedded set names."""
    if Path(data).is_dir():
        for _, images in _listed(data, loaded).batches(BATCH_SIZE):
            yield images
        return
    source = open_source(data)
    records = source.records()
    for start in range(0, len(records), BATCH_SIZE):
        decoded = (decode_image(source.read(one), one.path) for one in records[start : start + BATCH_SIZE])
        yield np.stack(
            [resize_image(picture, loaded.size, loaded.rule, loaded.channels) for picture in decoded]
        )


def _listed(folder: str, loaded: Loaded) -> Unlabelled:
    return open_unlabelled([folder], size=loaded.size, rule=loaded.rule, channels=loaded.channels)
