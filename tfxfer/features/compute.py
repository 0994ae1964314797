"""Frozen features of an array of images, computed once and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tfxfer.errors import FeaturesError
from tfxfer.features.engines import Opened, Wanted, chosen, open_engine, time_engines
from tfxfer.features.files import Features, require_space, write_features
from tfxfer.features.fingerprints import Images
from tfxfer.features.rows import Known
from tfxfer.features.views import ViewedImages

BATCH = 32
DTYPES = ("float16", "float32", "float64")
Told = Callable[[int], None]  # called with the number of images just done
Open = Callable[[np.ndarray], Opened]  # from some of the images, on which an engine is checked


def compute_features(
    prefix: keras.Model,
    images: Images,
    *,
    to: Path,
    engine: Wanted = "auto",
    dtype: str | None = None,
    batch_size: int = BATCH,
    told: Told | None = None,
) -> Features:
    """The prefix's values for `images` in inference mode, one row each, written into the folder `to`.

    Args:
        images: (N, H, W, 3), whatever the prefix takes.
        dtype: "float16", "float32" or "float64"; None is what the prefix computes in.

    Raises:
        FeaturesError: the disk has no room, the engine cannot take this prefix, or a value is not finite.
    """
    if engine == "fastest" and len(images):
        choice = time_engines(prefix, images[:batch_size])
    else:
        choice = chosen("auto" if engine == "fastest" else engine, prefix, len(images))
    return features_of(
        prefix,
        images,
        to=to,
        dtype=stored_dtype(prefix, dtype),
        open_with=lambda probe: open_engine(choice, prefix, probe),
        batch_size=batch_size,
        told=told,
    )


def features_of(
    prefix: keras.Model,
    images: Images,
    *,
    to: Path,
    dtype: str,
    open_with: Open,
    batch_size: int = BATCH,
    told: Told | None = None,
    digests: np.ndarray | None = None,
    known: Known | None = None,
) -> Features:
    """The same with an engine that `open_with` opens, or has open already; rows that are `known` are copied.

    Every batch is of one size, the last one filled up: a row's bytes then do not depend on the rows beside it.
    """
    shape = (len(images), *row_shape(prefix))
    require_space(to, shape, dtype)

    def fill(array: np.ndarray) -> Features:
        start, opened, computed = time.perf_counter(), None, 0
        for part in () if known is None else known.found:
            array[part.places] = part.array[part.rows]
            _tell(told, len(part.places))
        for rows in _pieces(images, batch_size) if known is None else _parts(known.missing, batch_size):
            piece = images[rows]
            opened = open_with(piece) if opened is None else opened
            store_rows(array, rows, run_filled(opened, piece, batch_size))
            computed += len(piece)
            _tell(told, len(piece))
        seconds = time.perf_counter() - start
        if opened is None and known is not None and known.engine:
            return Features(array, known.engine, seconds, known.why, digests=digests)
        opened = open_with(images[:0]) if opened is None else opened
        return Features(array, opened.engine, seconds, opened.why, digests=digests, computed=computed)

    return write_features(to, shape, dtype, fill)


def run_filled(opened: Opened, piece: np.ndarray, batch_size: int = BATCH) -> np.ndarray:
    """Features of a piece, which is filled up with copies of its last image."""
    lacking = batch_size - len(piece)
    if lacking <= 0 or opened.engine == "litert":  # which takes one image at a time
        return opened.run(piece)
    return opened.run(np.concatenate([piece, np.repeat(piece[-1:], lacking, axis=0)]))[: len(piece)]


def _pieces(images: Images, batch_size: int) -> list[slice]:
    if isinstance(images, ViewedImages):
        return images.batches()
    return [slice(first, min(first + batch_size, len(images))) for first in range(0, len(images), batch_size)]


def _parts(places: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [places[first : first + batch_size] for first in range(0, len(places), batch_size)]


def _tell(told: Told | None, images: int) -> None:
    if told is not None:
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
