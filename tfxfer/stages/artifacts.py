"""Artifacts: written from one trace, run in their own runtimes, and judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.bundle.manifest import artifact_sha256
from tfxfer.catalogue.formats import CALIBRATED, artifact_path
from tfxfer.catalogue.ladder import Choice
from tfxfer.catalogue.tasks import TaskName
from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.errors import ExportError, RuntimeUnavailableError, TfxferError
from tfxfer.store.fingerprint import path_size_bytes
from tfxfer.verification.device_log import DeviceFigures
from tfxfer.verification.measure import FIGURES, Measured, measure, read_measured, write_measured
from tfxfer.verification.proof import Proof, judge
from tfxfer.verification.reference import Reference

if TYPE_CHECKING:
    import keras

    from tfxfer.formats.own_saved_model import OwnSavedModel
    from tfxfer.formats.trace import Traced
    from tfxfer.network.network import Network

FACTS = "artifact.json"
MEMORY_GATE = "max_peak_memory_bytes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file to write, and the limits it must keep."""

    format: str
    precision: str
    limits: Mapping[str, float]
    calibration_images: int | None = None  # of a run: how many; None leaves it to the default
    options: WriteOptions = DEFAULTS
    choice: Choice | None = None  # how one of the rungs is chosen; None: it is this file or none
    rungs: tuple[Wanted, ...] = ()  # other precisions, each with its own limits
    stem: str | None = None  # its file's name where that is not the precision
    device: tuple[DeviceFigures, ...] = ()  # that "fastest" is of; (): this machine

    @property
    def is_calibrated(self) -> bool:
        """Whether training images are needed to write it, or one of its rungs."""
        return self.precision in CALIBRATED or any(rung.is_calibrated for rung in self.rungs)

    @property
    def name(self) -> str:
        return f"{self.format}:{self.file}"

    @property
    def file(self) -> str:
        """The name of its file, without suffix."""
        return self.precision if self.stem is None else self.stem

    @property
    def path(self) -> str:
        """Where it lies below a bundle, posix."""
        return artifact_path(self.format, self.file)


@dataclass(eq=False)
class Tracing:
    """The trace that all formats share, made when the first of them asks for it.

    Classes that nobody has named are labelled "0", "1", ..., in every file alike.
    """

    model: Network | keras.Model | OwnSavedModel
    labels: tuple[str, ...] | None = None
    input_dtype: str | None = None
    task: TaskName | None = None  # of a model of the user's own; None: classification. A Network has its own

    @cached_property
    def traced(self) -> Traced:
        from tfxfer.formats.trace import trace

        traced = trace(self.model, labels=self.labels, input_dtype=self.input_dtype, task=self.task)
        numbers = tuple(str(index) for index in range(traced.classes))
        return replace(traced, labels=numbers) if traced.labels is None else traced


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A file that was written and run, not judged yet; `error` says why there is none."""

    folder: Path
    wanted: Wanted
    seconds: float = 0.0
    measured: Measured | None = None
    error: str = ""
    calibration_images: int | None = None  # that it was calibrated with; None where it needs none
    ladder: tuple[
        Mapping[str, object], ...
    ] = ()  # what every rung came to, where it was chosen among several
    advice: str = ""  # what would fit where no rung did
    note: str = ""  # what the report says of a file that nothing is wrong with
    device: Mapping[str, object] | None = None  # that "fastest" is a statement about
    diagnosis: Mapping[str, object] = field(
        default_factory=dict
    )  # of a file that failed: where it goes wrong

    @property
    def path(self) -> Path:
        return self.folder / self.wanted.path


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A file with its proof; without a proof it could not be written or run, and `written.error` says why."""

    written: Written
    proof: Proof | None
    size_bytes: int
    sha256: str = field(default="")

    @property
    def wanted(self) -> Wanted:
        return self.written.wanted

    @property
    def passed(self) -> bool:
        return self.proof is not None and self.proof.passed

    @property
    def why(self) -> str:
        why = self.written.error if self.proof is None else self.proof.why
        return f"{why}; {self.written.advice}" if why and self.written.advice else why

    def as_dict(self, path: str) -> dict[str, object]:
        """JSON values under report.json's names; `path` is relative to the run."""
        head: dict[str, object] = {
            "format": self.wanted.format,
            "precision": self.wanted.precision,
            "path": path,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "seconds": round(self.written.seconds, 3),
        }
        if self.written.calibration_images is not None:
            head["calibration_images"] = self.written.calibration_images
        if self.written.ladder:
            head["ladder"] = [dict(rung) for rung in self.written.ladder]
        if self.written.note:
            head["note"] = self.written.note
        if self.written.device is not None:
            head["ladder_device"] = dict(self.written.device)
        head |= self.written.diagnosis
        if self.proof is None:
            return {**head, "status": "failed", "why": self.why, "ops_outside_builtins": []}
        return {**head, **self.proof.as_dict(), "why": self.why}


def write_and_measure(
    wanted: Wanted,
    tracing: Tracing,
    reference: Reference,
    folder: Path,
    *,
    calibration: np.ndarray | None = None,
) -> None:
    """Write one artifact below `folder`, run it on the held-out pictures, and keep what was found beside it.

    `calibration`, (N, H, W, channels) of the network's input dtype, are training images, for int8.
    A file that cannot be written or run is a finding, not an exception: the other artifacts go on.
    """
    write_file(wanted, tracing, folder, calibration=calibration)
    measure_written(wanted, reference, folder)


def write_file(
    wanted: Wanted, tracing: Tracing, folder: Path, *, calibration: np.ndarray | None = None
) -> None:
    """The first half of `write_and_measure`."""
    from tfxfer.formats.write import write_artifact

    count = len(calibration) if wanted.is_calibrated and calibration is not None else None
    facts: dict[str, object] = {"seconds": 0.0, "error": "", "calibration_images": count}
    try:
        artifact = write_artifact(
            wanted.format,
            tracing.traced,
            folder / wanted.path,
            precision=wanted.precision,
            calibration=calibration,
            options=wanted.options,
        )
        facts["seconds"] = artifact.seconds
    except ExportError as error:
        facts["error"] = str(error)
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def measure_written(wanted: Wanted, reference: Reference, folder: Path) -> None:
    """The second half of `write_and_measure`; nothing where the file could not be written."""
    facts = read_facts(folder)
    if facts["error"]:
        return
    try:
        needs_memory = MEMORY_GATE in wanted.limits
        path = folder / wanted.path
        write_measured(folder, measure(wanted.format, path, reference.images, memory=needs_memory))
    except RuntimeUnavailableError as error:
        facts["error"] = str(error)
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any]:
    """What is known of the file in `folder` beside its measurements."""
    return dict(json.loads((folder / FACTS).read_text(encoding="utf-8")))


def read_written(wanted: Wanted, folder: Path) -> Written:
    """What is in `folder`: of a ladder, the file that was chosen."""
    facts = read_facts(folder)
    if "chosen" in facts:
        rungs = {wanted.precision: wanted, **{rung.precision: rung for rung in wanted.rungs}}
        wanted = replace(rungs[facts["chosen"]], stem=facts["stem"], rungs=(), choice=None)
    has_figures = not facts["error"] and (folder / FIGURES).is_file()
    return Written(
        folder,
        wanted,
        facts["seconds"],
        read_measured(folder) if has_figures else None,
        facts["error"],
        facts["calibration_images"],
        tuple(facts.get("ladder", ())),
        facts.get("advice", ""),
        device=facts.get("device"),
    )


def judged(written: Written, reference: Reference) -> Judged:
    """Hold a written file against the trained network and its gates."""
    exists = written.path.exists()
    size = path_size_bytes(written.path) if exists else 0
    digest = artifact_sha256(written.path) if exists else ""
    if written.measured is None:
        return Judged(written, None, size, digest)
    try:
        proof = judge(written.measured, reference, written.wanted.limits, size_bytes=size)
    except TfxferError as error:
        failed = replace(written, error=str(error))
        return Judged(failed, None, size, digest)
    return Judged(written, proof, size, digest)
