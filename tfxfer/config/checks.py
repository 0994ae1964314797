"""What the schema cannot say: names in the catalogue, files on disk, keys that exclude each other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from tfxfer.catalogue.formats import CALIBRATED, FORMATS
from tfxfer.catalogue.ladder import precisions
from tfxfer.config.document import Place, Problem, spell
from tfxfer.config.export_checks import check_ladders, check_write_options, needs_calibration
from tfxfer.config.paths import EMBEDDED, is_address, is_path
from tfxfer.config.schema import DataConfig, EvaluationConfig, ExportConfig
from tfxfer.config.spelling import did_you_mean

EMBEDDED_DATA = ("digits",)
MANIFEST_SUFFIXES = (".csv", ".tsv")


def check_data(data: DataConfig) -> Iterator[Problem]:
    """The data exist, the shares sum to 1, and a pattern for groups is a pattern."""
    if is_address(data.path):
        yield Problem(
            ("data", "path"),
            f"data.path must be a folder, a CSV or a TSV file. Received: '{data.path}'; addresses are not fetched. "
            "Download and unpack it, then name the folder.",
        )
    elif is_path(data.path):
        yield from _check_data_path(Path(data.path), ("data", "path"))
    elif (name := data.path.removeprefix(EMBEDDED)) not in EMBEDDED_DATA:
        hint = did_you_mean(name, EMBEDDED_DATA) or "."
        known = ", ".join(EMBEDDED + known for known in EMBEDDED_DATA)
        yield Problem(("data", "path"), f"embedded data must be {known}. Received: '{data.path}'{hint}")
    shares = data.splits
    total = shares.train + shares.validation + shares.test
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        yield Problem(
            ("data", "splits"),
            f"data.splits must sum to 1. Received: train {shares.train:g} + validation {shares.validation:g} "
            f"+ test {shares.test:g} = {total:.6g}. A share that is not given keeps its default.",
        )
    if data.group_by is not None and Path(data.path).suffix.lower() not in MANIFEST_SUFFIXES:
        yield from _check_pattern(data.group_by)


def _check_data_path(path: Path, place: Place) -> Iterator[Problem]:
    if not path.exists():
        yield Problem(
            place,
            f"{spell(place)} must be a folder, a CSV or a TSV file that exists. Received: '{path}'. "
            "A relative path starts from the folder of its configuration; with --set, from the current one.",
        )
    elif path.is_file() and path.suffix.lower() not in MANIFEST_SUFFIXES:
        yield Problem(
            place,
            f"{spell(place)} must be a folder, or a manifest ending in .csv or .tsv. Received: '{path}'.",
        )


def _check_pattern(text: str, place: Place = ("data", "group_by")) -> Iterator[Problem]:
    expected = f"{spell(place)} must be a regular expression with one group (...)"
    try:
        groups = re.compile(text).groups
    except (re.error, RecursionError, OverflowError) as error:
        yield Problem(place, f"{expected}. Received: '{text}' ({error}).")
        return
    if groups != 1:
        yield Problem(place, f"{expected}. Received: '{text}' with {groups}. Write (?:...) for others.")


def check_evaluation(evaluation: EvaluationConfig) -> Iterator[Problem]:
    """Each slicing says one thing, a pattern is a pattern, and the source's data exist."""
    if evaluation.source_data is not None and is_path(evaluation.source_data):
        yield from _check_data_path(Path(evaluation.source_data), ("evaluation", "source_data"))
    for name, entry in evaluation.slices.items():
        place: Place = ("evaluation", "slices", name)
        given = [key for key, value in (("column", entry.column), ("path", entry.path)) if value is not None]
        if len(given) != 1:
            yield Problem(
                place,
                f"{spell(place)} must have one of column and path. "
                f"Received: {' and '.join(given) or 'neither'}. Keep one.",
            )
        elif entry.path is not None:
            yield from _check_pattern(entry.path, (*place, "path"))


def check_exports(exports: tuple[ExportConfig, ...]) -> Iterator[Problem]:
    """No artifact is asked for twice, or in a precision that its format does not have."""
    seen: set[tuple[str, str]] = set()
    for index, export in enumerate(exports):
        key = (export.format, export.precision)
        known = FORMATS[export.format].precisions
        if export.precision not in precisions(export.format):
            yield Problem(
                ("exports", index, "precision"),
                f"exports[{index}].precision must be one that {export.format} is written in: {', '.join(known)}. "
                f"Received: '{export.precision}'.",
            )
        if export.calibration_images is not None and not needs_calibration(export):
            yield Problem(
                ("exports", index, "calibration_images"),
                f"exports[{index}].calibration_images is for {', '.join(CALIBRATED)}. Received: precision "
                f"'{export.precision}', which needs none. Remove the key.",
            )
        yield from check_write_options(index, export)
        if key in seen:
            yield Problem(
                ("exports", index),
                f"exports[{index}] asks for {':'.join(key)} a second time. Remove one of them.",
            )
        seen.add(key)
    yield from check_ladders(exports)
