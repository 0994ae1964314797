"""Frozen features of an array of images, computed once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

from tfxfer.errors import FeaturesError
from tfxfer.features.engines import Opened
from tfxfer.features.files import Features, Made, Place, write_features
from tfxfer.features.fingerprints import Images
from tfxfer.features.rows import Known
from tfxfer.features.views import ViewedImages

BATCH = 32
DTYPES = ("float16", "float32", "float64")
Told = Callable[[int], None]  # called with the number of images just done
Open = Callable[[np.ndarray], Opened]  # from some of the images, on which an engine is checked


def features_of(
    images: Images,
    *,
    to: Sequence[Place],
    open_with: Open,
    told: Told | None = None,
    digests: np.ndarray | None = None,
    known: Sequence[Known] = (),
) -> Features:
    """Every output's values for `images` in inference mode, one row each, in one pass; those of the first place.

    The engine is the one that `open_with` opens, or has open already. Of the places' rows that are `known`, the same
    ones everywhere, copies are taken. Every batch is of one size, the last one filled up: a row's bytes then do not
    depend on the rows beside it.

    Raises:
        FeaturesError: the disk has no room, the engine cannot take the prefix, or a value is not finite.
    """

    def fill(arrays: Sequence[np.ndarray]) -> Made:
        start, opened, computed = time.perf_counter(), None, 0
        if known:
            for array, rows in zip(arrays, known, strict=True):
                for part in rows.found:
                    array[part.places] = part.array[part.rows]
            _tell(told, len(images) - len(known[0].missing))
        for places in _parts(known[0].missing) if known else _pieces(images):
            piece = images[places]
            opened = open_with(piece) if opened is None else opened
            for array, values in zip(arrays, run_filled(opened, piece), strict=True):
                store_rows(array, places, values)
            computed += len(piece)
            _tell(told, len(piece))
        seconds = time.perf_counter() - start
        if opened is None and known and known[0].engine:
            return Made(known[0].engine, seconds, known[0].why, digests=digests)
        opened = open_with(images[:0]) if opened is None else opened
        return Made(opened.engine, seconds, opened.why, digests=digests, computed=computed)

    return write_features(to, fill)


def run_filled(opened: Opened, piece: np.ndarray) -> tuple[np.ndarray, ...]:
    """Features of a piece, of each output; it is filled up with copies of its last image."""
    lacking = BATCH - len(piece)
    if lacking <= 0 or opened.engine == "litert":  # which takes one image at a time
        return opened.run(piece)
    filled = np.concatenate([piece, np.repeat(piece[-1:], lacking, axis=0)])
    return tuple(values[: len(piece)] for values in opened.run(filled))


def _pieces(images: Images) -> list[slice]:
    if isinstance(images, ViewedImages):
        return images.batches()
    return [slice(first, min(first + BATCH, len(images))) for first in range(0, len(images), BATCH)]


def _parts(places: np.ndarray) -> list[np.ndarray]:
    return [places[first : first + BATCH] for first in range(0, len(places), BATCH)]


def _tell(told: Told | None, images: int) -> None:
    if told is not None and images:
        told(images)


def stored_dtype(prefix: keras.Model, dtype: str | None) -> str:
    """How features are kept.

    Raises:
        FeaturesError: not a kind of number that features can be kept in.
    """
    found = str(prefix.outputs[0].dtype) if dtype is None else dtype
    if found == "bfloat16" and dtype is None:
        return "float32"
    if found not in DTYPES:
        known = ", ".join(DTYPES)
        raise FeaturesError(f"features.dtype must be one of {known}. Received: '{found}'. Take one of them.")
    return found


def row_shape(prefix: keras.Model) -> tuple[int, ...]:
    """The shape of one image's features.

    Raises:
        FeaturesError: it depends on the image.
    """
    shape = tuple(prefix.outputs[0].shape[1:])
    if any(side is None for side in shape):
        raise FeaturesError(
            f"features can be kept only where every image has the same size. Received: features of shape {shape}. "
            "Give the model a fixed input size, or train without them: FeatureCache(use='never')."
        )
    return shape


def store_rows(array: np.ndarray, rows: slice | np.ndarray, part: np.ndarray) -> None:
    """Write `part` at these rows.

    Raises:
        FeaturesError: a value is not finite in the kept dtype.
    """
    with np.errstate(over="ignore"):  # told below, with the rows
        array[rows] = part
    if not np.all(np.isfinite(array[rows])):
        places = np.arange(len(array))[rows]
        raise FeaturesError(
            f"features must be finite as {array.dtype}. Received: a value that is not, in images {places[0]} to "
            f"{places[-1]}. Look at those images, or keep features as float32."
        )
