"""A finished run as the report sees it: report.json, the configuration beside it, and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfxfer.errors import UsageError

SCHEMA_VERSION = 1
REPORT, CONFIG = "report.json", "config.yaml"
PICTURE_SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The report of a run, and what the page shows beside its figures."""

    report: Mapping[str, Any]
    config: str | None = None  # config.yaml as text
    pictures: Mapping[str, bytes] = field(default_factory=dict)  # path below the run -> JPEG

    @property
    def name(self) -> str:
        return str(self.report.get("name", ""))

    @property
    def task(self) -> str:
        return str(self.report.get("task", "classification"))


def read_run(folder: Path) -> FinishedRun:
    """Read what a run directory holds.

    Raises:
        UsageError: there is no report.json, or none that this version can read.
    """
    file = folder / REPORT
    if not file.is_file():
        raise UsageError(
            f"a finished run must hold {REPORT}. Received: '{folder}', which does not. "
            "Give the folder that `tfxfer run --out` wrote."
        )
    report = _parsed(file)
    config = folder / CONFIG
    text = config.read_text(encoding="utf-8") if config.is_file() else None
    return FinishedRun(report, text, dict(_pictures(folder, report)))


def _parsed(file: Path) -> Mapping[str, Any]:
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"'{file}' must be JSON. Received: {error}. Run it again with --resume.") from error
    version = report.get("schema_version") if isinstance(report, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"'{file}' must be a report of schema_version {SCHEMA_VERSION}. Received: {version!r}. "
            "Use the tfxfer that wrote it."
        )
    return dict(report)


def _pictures(folder: Path, report: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """The pictures that the report names and that lie below the folder; others are left out."""
    root, found = folder.resolve(), []
    entries = rows(facts(report, "test"), "mistakes")
    names = {entry.get(key) for entry in entries for key in ("picture", "heat_map")} - {None}
    for name in names:
        file = (root / str(name)).resolve()
        if file.is_relative_to(root) and file.suffix == PICTURE_SUFFIX and file.is_file():
            found.append((str(name), file.read_bytes()))
    return found


def facts(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under `key`; empty where there is none."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def rows(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The list of mappings under `key`; empty where there is none."""
    found = value.get(key)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def kept_epoch(phase: Mapping[str, Any]) -> int:
    """The epoch whose weights a phase left, counted from 1; 0 where it left those that it came with."""
    return int(phase.get("best_epoch") or 0)


def number(value: Mapping[str, Any], key: str) -> float | None:
    """The number under `key`; None where there is none."""
    found = value.get(key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def numbers(value: Mapping[str, Any], key: str) -> list[float]:
    """The list of numbers under `key`; empty where there is none."""
    found = value.get(key)
    return [float(entry) for entry in found] if isinstance(found, list | tuple) else []
