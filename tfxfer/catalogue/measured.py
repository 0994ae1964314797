"""What was measured of each backbone: its blocks, and which exports give its logits; no TensorFlow.

`measured_blocks.json` and `measured_exports.csv` are written by `benchmarks/all_backbones.py`, whose table is in
benchmarks/README.md.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

BLOCKS, EXPORTS = "measured_blocks.json", "measured_exports.csv"
WORKS = 1e-3  # relative error; above 1e-4 lie only deep networks that TensorFlow itself answers two ways
METHOD = "random weights, BatchNorm statistics of 32 photographs; benchmarks/README.md"


@dataclass(frozen=True, slots=True)
class MeasuredExport:
    """One format in float32 beside the network it was written from."""

    format: str
    image_size: int  # pixels a side
    relative_error: float | None  # largest difference of any logit / largest logit; None: it was not written
    size_bytes: int | None
    why: str  # it failed; "" where it did not

    @property
    def works(self) -> bool:
        return self.relative_error is not None and self.relative_error <= WORKS


def measured_exports(name: str) -> tuple[MeasuredExport, ...]:
    """One entry for each format; none where the backbone was not measured."""
    return _exports().get(name, ())


def measured_blocks(name: str) -> tuple[str, ...]:
    """Names of the blocks, input to output, at the constructor's default options; none where not known."""
    return _blocks().get(name, ())


@cache
def _exports() -> Mapping[str, tuple[MeasuredExport, ...]]:
    found: dict[str, tuple[MeasuredExport, ...]] = {}
    for row in csv.DictReader(io.StringIO(_text(EXPORTS))):
        found[row["backbone"]] = (*found.get(row["backbone"], ()), _export(row))
    return found


def _export(row: Mapping[str, str]) -> MeasuredExport:
    error, size = row["relative_error"], row["size_bytes"]
    return MeasuredExport(
        row["format"],
        int(row["image_size"]),
        float(error) if error else None,
        int(size) if size else None,
        row["why"],
    )


@cache
def _blocks() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(blocks) for name, blocks in json.loads(_text(BLOCKS)).items()}


def _text(file: str) -> str:
    return files("tfxfer.catalogue").joinpath(file).read_text(encoding="utf-8")
