"""Figures from another device: what LiteRT's benchmark_model prints there.

https://ai.google.dev/edge/litert/models/measurement describes the tool; its lines may come through logcat, which
puts a date and a tag before each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from tfxfer.errors import UsageError

NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
GRAPH = re.compile(r"Graph: \[([^\]]+)\]")
START = re.compile(r"STARTING!|Num threads: \[|Graph: \[")  # of the tool's next run
THREADS = re.compile(r"Num threads: \[(\d+)\]")
SIZE = re.compile(rf"model file size \(MB\): {NUMBER}")
COUNT = re.compile(r"\bcount=(\d+)\b")
MEDIAN, P95 = re.compile(rf"\bmedian={NUMBER}"), re.compile(rf"\bp95={NUMBER}")
TIMINGS = re.compile(r"[Ii]nference timings in us: ")
INIT, MEAN = re.compile(rf"Init: {NUMBER}"), re.compile(rf"Inference(?: \(avg\))?: {NUMBER}")
MEMORY = re.compile(rf"Memory footprint delta .*overall={NUMBER}")
MEBIBYTE = 1024 * 1024
SIZE_ROOM = 0.01  # benchmark_model prints six digits of the size in MB


@dataclass(frozen=True, slots=True)
class DeviceFigures:
    """One run of the tool; None is what it did not print."""

    device: str  # the name of the file that was given
    graph: str = ""  # the name of the model file
    size_bytes: int | None = None  # as precise as the tool prints it
    threads: int | None = None
    runs: int | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    load_ms: float | None = None
    memory_bytes: int | None = None  # that the process grew by

    def is_of(self, name: str, size_bytes: int) -> bool:
        """Whether the model that ran is the file of this name and size."""
        if self.graph != name:
            return False
        return self.size_bytes is None or abs(size_bytes - self.size_bytes) <= SIZE_ROOM * size_bytes

    @property
    def latency_ms(self) -> float | None:
        """The median where the tool printed it, else the mean."""
        return self.mean_ms if self.p50_ms is None else self.p50_ms


def read_device_log(file: Path) -> tuple[DeviceFigures, ...]:
    """Every run in what benchmark_model printed; the file's name is taken for the device's.

    Raises:
        UsageError: the file cannot be read, or holds no run.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UsageError(
            f"--import must be a file that can be read. Received: '{file}' ({error})."
        ) from error
    runs = _runs(lines, file.stem)
    if not runs:
        raise UsageError(
            "--import takes what LiteRT's benchmark_model prints, with a line 'Inference timings in us: …'. "
            f"Received: '{file}' without one. Save the tool's whole output."
        )
    return runs


def _runs(lines: list[str], device: str) -> tuple[DeviceFigures, ...]:
    runs: list[DeviceFigures] = []
    current = DeviceFigures(device)
    for line in lines:
        if runs and current is runs[-1] and START.search(line):
            current = DeviceFigures(device)
        current = _read(current, line)
        if TIMINGS.search(line):
            runs.append(current)
        elif runs and MEMORY.search(line):
            runs[-1] = current
    return tuple(runs)


def _read(found: DeviceFigures, line: str) -> DeviceFigures:
    """`found` with what one line says."""
    if COUNT.search(line):  # a later one replaces an earlier one's: warming up comes first
        found = replace(found, runs=None, p50_ms=None, p95_ms=None)
    for name, (pattern, convert) in FIELDS.items():
        if match := pattern.search(line):
            found = replace(found, **{name: convert(match[1])})
    if TIMINGS.search(line):
        load, mean = INIT.search(line), MEAN.search(line)
        found = replace(
            found,
            load_ms=None if load is None else _milliseconds(load[1]),
            mean_ms=None if mean is None else _milliseconds(mean[1]),
        )
    return found


def _milliseconds(microseconds: str) -> float:
    return float(microseconds) / 1000


FIELDS: Mapping[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "graph": (GRAPH, lambda text: PurePosixPath(text).name),
    "threads": (THREADS, int),
    "size_bytes": (SIZE, lambda text: round(float(text) * 1e6)),
    "runs": (COUNT, int),
    "p50_ms": (MEDIAN, _milliseconds),
    "p95_ms": (P95, _milliseconds),
    "memory_bytes": (MEMORY, lambda text: round(float(text) * MEBIBYTE)),
}
