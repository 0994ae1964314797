"""Rows of features that are known from other data sets: of the same pictures under the same prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfxfer.features.files import DIGESTS, read_features
from tfxfer.features.survey import keys


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Rows of one earlier file."""

    array: np.ndarray  # of that file
    rows: np.ndarray  # there
    places: np.ndarray  # here


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Which rows are known already, and which are to be computed."""

    found: tuple[Found, ...]
    missing: np.ndarray  # places, in order
    engine: str = ""  # that computed what was found
    why: str = ""


def known_rows(folders: Iterable[Path], digests: np.ndarray, shape: Sequence[int], dtype: str) -> Known:
    """Look for pictures with these digests, (N, 16), in files of features; damaged ones are passed over."""
    wanted = keys(digests)
    missing, found = dict.fromkeys(range(len(wanted))), []
    engine, why = "", ""
    for folder in folders:
        if not missing:
            break
        rows = _places(folder)
        here = [place for place in missing if wanted[place] in rows]
        features = read_features(folder) if here else None
        if features is None or features.array.shape[1:] != tuple(shape) or features.array.dtype != dtype:
            continue
        there = np.array([rows[wanted[place]] for place in here])
        found.append(Found(features.array, there, np.array(here)))
        engine, why = features.engine, features.why
        for place in here:
            del missing[place]
    return Known(tuple(found), np.array(list(missing), np.int64), engine, why)


def _places(folder: Path) -> dict[bytes, int]:
    try:
        stored = np.load(folder / DIGESTS, allow_pickle=False)
    except (OSError, ValueError):
        return {}
    return {key: row for row, key in enumerate(keys(stored))}
