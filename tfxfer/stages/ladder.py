"""The quantisation ladder: every precision of a format is tried, and the best that holds its gates is kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.catalogue.ladder import BUDGETS, CHOICES, MIXED, RUNGS, Choice
from tfxfer.catalogue.write_options import WriteOptions
from tfxfer.errors import TfxferError, UsageError
from tfxfer.runtimes.opening import open_runtime
from tfxfer.stages.artifacts import (
    FACTS,
    Judged,
    Tracing,
    Wanted,
    judged,
    measure_written,
    read_facts,
    read_written,
    write_and_measure,
    write_file,
)
from tfxfer.stages.budgets import Overrun, remedy
from tfxfer.store.fingerprint import path_size_bytes
from tfxfer.store.machine import machine
from tfxfer.verification.latency import measure_latency
from tfxfer.verification.reference import Reference

QUICK_RUNS = 20  # predictions that put the rungs in order; the chosen one is timed in full
RUNGS_FOLDER = "rungs"


@dataclass(frozen=True, slots=True, eq=False)
class Making:
    """What every rung is made from and held against."""

    tracing: Tracing
    reference: Reference
    calibration: np.ndarray | None


def with_ladder(wanted: Wanted, limits: Mapping[str, Mapping[str, float]]) -> Wanted:
    """The file with the rungs that may take its place; `limits` are those of each precision."""
    choice = next((name for name in CHOICES if name == wanted.precision), CHOICES[0])
    names = [name for name in RUNGS[wanted.format] if name != wanted.precision]
    rungs = tuple(
        Wanted(wanted.format, name, limits[name], wanted.calibration_images, _options(wanted.options, name))
        for name in names
    )
    return replace(wanted, choice=choice, rungs=rungs)


def _options(options: WriteOptions, precision: str) -> WriteOptions:
    """Without integer ends, which full int8 alone has."""
    return options if precision == "int8" else replace(options, input_dtype="uint8", output_dtype=None)


def make(wanted: Wanted, making: Making, folder: Path) -> None:
    """Write and measure one file, or climb its ladder."""
    if wanted.choice is None:
        write_and_measure(wanted, making.tracing, making.reference, folder, calibration=making.calibration)
    else:
        climb(wanted, making, folder)


def climb(wanted: Wanted, making: Making, folder: Path) -> None:
    """Write the file that `wanted` leads to below `folder`, with what every rung came to beside it.

    The precision that was asked for by name comes first. Then the rungs are written, put in order of size (or
    of the time of one picture), and judged in that order until one holds every gate: it is the best that does.
    Where none does, the one with the fewest broken gates is kept, and the report says what would fit.
    """
    ladder = _Ladder(wanted, making, folder / RUNGS_FOLDER)
    best = ladder.climb()
    chosen = best.wanted
    stem = chosen.precision if chosen.precision == wanted.precision else wanted.choice
    for path in sorted(best.written.folder.iterdir()):
        if path.is_file():
            path.rename(folder / path.name)
    target = folder / replace(chosen, stem=stem).path
    if best.written.path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        best.written.path.rename(target)
    shutil.rmtree(folder / RUNGS_FOLDER)
    facts = read_facts(folder) | {
        "chosen": chosen.precision,
        "stem": stem,
        "ladder": [
            ladder.figures[rung.precision] for rung in _all(wanted) if rung.precision in ladder.figures
        ],
        "device": _device(wanted) if wanted.choice == "fastest" else None,
        "advice": "" if best.passed else ladder.advice(),
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _device(wanted: Wanted) -> dict[str, object]:
    """What "fastest" is of: the device whose figures were given, or this machine."""
    return {"device": wanted.device[0].device} if wanted.device else {**machine()}


def _all(wanted: Wanted) -> tuple[Wanted, ...]:
    """Every rung, the one asked for by name first."""
    if wanted.precision == wanted.choice:
        return wanted.rungs
    return (replace(wanted, rungs=(), choice=None), *wanted.rungs)


class _Ladder:
    """One climb: candidates in order, and the figures of each rung by its precision."""

    def __init__(self, wanted: Wanted, making: Making, folder: Path) -> None:
        assert wanted.choice is not None
        self._wanted, self._making, self._folder = wanted, making, folder
        self._choice: Choice = wanted.choice
        self.figures: dict[str, dict[str, Any]] = {}
        self._judged: list[Judged] = []

    def climb(self) -> Judged:
        first, *rest = _all(self._wanted)
        by_name = self._wanted.precision != self._choice
        if by_name and self._judge(first).passed:
            return self._judged[-1]
        waiting = list(rest) if by_name else [first, *rest]
        mixed = [] if by_name else [rung for rung in waiting if rung.precision == MIXED]
        places = [self._write(rung) for rung in waiting if rung not in mixed]
        while places:
            places.sort(key=lambda place: place[0])
            milliseconds, rung = places.pop(0)
            if self._wanted.device and milliseconds == float("inf"):
                self._not_timed(rung)
                continue
            if self._judge(rung).passed:
                self._pass_by([waiting for _, waiting in places])
                return self._judged[-1]
            if rung.precision == "int8":
                places += [self._write(each) for each in mixed]
        if not self._judged:
            names = ", ".join(Path(rung.path).name for rung in waiting)
            device = self._wanted.device
            raise UsageError(
                f"figures of a device must be of the files {names}, as this network gives them. Received: "
                f"{', '.join(sorted({entry.graph for entry in device}))} of '{device[0].device}'. "
                "Export those precisions first, and time these files there."
            )
        return min(self._judged, key=_broken)

    def _place(self, rung: Wanted) -> Path:
        return self._folder / rung.precision

    def _write(self, rung: Wanted) -> tuple[float, Wanted]:
        """Write a rung; its place in the order is its size, or the time of one picture."""
        folder = self._place(rung)
        folder.mkdir(parents=True)
        write_file(rung, self._making.tracing, folder, calibration=self._making.calibration)
        if read_facts(folder)["error"]:
            return float("inf"), rung
        entry = judged(read_written(rung, folder), self._making.reference)
        size = float(entry.size_bytes)
        return (size if self._choice == "smallest" else self._milliseconds(rung, folder)), rung

    def _milliseconds(self, rung: Wanted, folder: Path) -> float:
        path = folder / rung.path
        if self._wanted.device:
            timed = [entry for entry in self._wanted.device if entry.is_of(path.name, path_size_bytes(path))]
            return min(
                (entry.latency_ms for entry in timed if entry.latency_ms is not None), default=float("inf")
            )
        try:
            runtime = open_runtime(rung.format, path)
        except TfxferError:  # told where the rung is measured
            return float("inf")
        image = self._making.reference.images[0:1][0].astype(runtime.input_dtype, copy=False)
        return measure_latency(runtime, image, runs=QUICK_RUNS, warm_up=3).p50_ms

    def _judge(self, rung: Wanted) -> Judged:
        """Run a rung on the held-out pictures and hold it against its gates."""
        folder = self._place(rung)
        if not folder.exists():
            self._write(rung)
        measure_written(rung, self._making.reference, folder)
        entry = judged(read_written(rung, folder), self._making.reference)
        self._judged.append(entry)
        self.figures[rung.precision] = _figures(entry, "chosen" if entry.passed else "failed")
        return entry

    def _timed(self, rung: Wanted) -> bool:
        return self._milliseconds(rung, self._place(rung)) < float("inf")

    def _not_timed(self, rung: Wanted) -> None:
        """Say of a rung that the device has not run that it cannot be the fastest there."""
        entry = judged(read_written(rung, self._place(rung)), self._making.reference)
        told = {"status": "not_timed", "why": f"'{self._wanted.device[0].device}' has not run this file"}
        failed = bool(entry.written.error)
        self.figures[rung.precision] = _figures(entry, "failed") | ({} if failed else told)

    def _pass_by(self, rungs: list[Wanted]) -> None:
        """Say of rungs that need not be run why."""
        word = "smaller" if self._choice == "smallest" else "faster"
        for rung in rungs:
            entry = judged(read_written(rung, self._place(rung)), self._making.reference)
            status = "failed" if entry.written.error else "not_needed"
            if self._wanted.device and not self._timed(rung):
                self._not_timed(rung)
                continue
            self.figures[rung.precision] = _figures(entry, status) | (
                {} if entry.written.error else {"why": f"a {word} file holds every gate"}
            )

    def advice(self) -> str:
        """What would fit where a budget is what no rung keeps."""
        from tfxfer.network.network import Network

        network = self._making.tracing.model
        overruns = _overruns(self._judged)
        if not overruns:
            return "no precision holds every gate: train longer, or set the gates to what the task can bear"
        if not isinstance(network, Network):
            return "no precision fits: take a smaller model"
        return "no precision fits: " + "; ".join(remedy(overrun, network) for overrun in overruns)


def _figures(entry: Judged, status: str) -> dict[str, Any]:
    """One rung in report.json."""
    proof: Mapping[str, object] = {} if entry.proof is None else entry.proof.as_dict()
    figures = {
        name: value for name, value in proof.items() if name not in ("status", "why", "slices", "decision")
    }
    head = {
        "precision": entry.wanted.precision,
        "status": status,
        "why": entry.why,
        "size_bytes": entry.size_bytes,
    }
    return head | figures


def _broken(entry: Judged) -> int:
    """How many gates a file breaks; one that could not be run, more than any."""
    return 1000 if entry.proof is None else sum(not gate.passed for gate in entry.proof.gates)


def _overruns(entries: list[Judged]) -> list[Overrun]:
    """The budgets that no file keeps together with its other gates, each with the nearest value."""
    overruns = []
    for name in BUDGETS:
        values = [
            (gate.value, gate.limit)
            for entry in entries
            if entry.proof is not None and _only_budgets(entry)
            for gate in entry.proof.gates
            if gate.name == name and not gate.passed and gate.value is not None
        ]
        if values:
            best, limit = min(values)
            overruns.append(Overrun(name, limit, best))
    return overruns


def _only_budgets(entry: Judged) -> bool:
    assert entry.proof is not None
    return all(gate.passed or gate.name in BUDGETS for gate in entry.proof.gates)
