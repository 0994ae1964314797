"""Data that come with a dependency, so that a quick start needs no download."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from tfxfer.catalogue.inputs import Kind
from tfxfer.data.problems import Problem
from tfxfer.data.records import Record
from tfxfer.errors import DataError, RecordError, UsageError

PREFIX = "embedded/"
NAMES = ("digits",)
BRIGHTEST = 16  # load_digits counts the set pixels in 4 x 4 cells


@dataclass(frozen=True, slots=True)
class EmbeddedSource:
    """Pictures held in memory as encoded bytes, by path."""

    name: str
    content: Mapping[str, bytes]
    kind: Kind = "image"

    def records(self) -> tuple[Record, ...]:
        return tuple(Record(path, path.split("/")[0]) for path in sorted(self.content))

    def problems(self) -> tuple[Problem, ...]:
        return ()

    def read(self, record: Record) -> bytes:
        data = self.content.get(record.path)
        if data is None:
            raise RecordError(
                "missing", f"'{record.path}' must be part of {self.name}. Received: no such record."
            )
        return data


def open_embedded(name: str, group_by: str | None = None) -> EmbeddedSource:
    """Open `embedded/digits`: scikit-learn's 1,797 handwritten digits, 8 x 8 grey, classes "0" to "9".

    Raises:
        DataError: there is no embedded data set of this name.
        UsageError: `group_by` is given; the writers of the digits are not known.
    """
    short = name.removeprefix(PREFIX)
    if short not in NAMES:
        near = difflib.get_close_matches(short, NAMES, n=1, cutoff=0.4)
        hint = f"Did you mean '{PREFIX}{near[0]}'?" if near else f"Write './{name}' for a folder."
        raise DataError(f"Embedded data must be '{PREFIX}digits'. Received: '{name}'. {hint}")
    if group_by is not None:
        raise UsageError(
            f"group_by must be left out with '{name}': it has no groups. Received: {group_by!r}."
        )
    return EmbeddedSource(name, _digits())


def _digits() -> dict[str, bytes]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = np.rint(digits.images * (255 / BRIGHTEST)).astype(np.uint8)  # (1797, 8, 8)
    return {
        f"{label}/{index:04d}.png": _png(picture)
        for index, (picture, label) in enumerate(zip(pictures, digits.target, strict=True))
    }


def _png(picture: np.ndarray) -> bytes:
    """Stored, not compressed: the bytes, and with them the splits, are the same with every zlib."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=0)
    return buffer.getvalue()
