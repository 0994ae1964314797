"""The export stages of a run: each file written, run and kept; then all of them judged and handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tfxfer.bundle.contract import InputSpec
from tfxfer.catalogue.backbones import is_preset_folder
from tfxfer.catalogue.ladder import RUNGS
from tfxfer.catalogue.write_options import DEFAULTS
from tfxfer.config.export_checks import has_ladder
from tfxfer.config.exports import write_options
from tfxfer.config.gates import gate_limits
from tfxfer.config.schema import Config, ExportConfig
from tfxfer.data import ArraySplit, ChosenSource, decode_image
from tfxfer.stages.artifacts import MEMORY_GATE, Judged, Tracing, Wanted, judged, read_written
from tfxfer.stages.calibration import calibration_split, require_calibration
from tfxfer.stages.data import RunData
from tfxfer.stages.diagnosis import diagnosed
from tfxfer.stages.golden import GoldenInputs, generated_golden, golden_indices, held_out_golden
from tfxfer.stages.handover import About, hand_over
from tfxfer.stages.ladder import Making, make, with_ladder
from tfxfer.stages.slower import with_notes
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork, answers_key
from tfxfer.store.fingerprint import value_sha256
from tfxfer.verification.reference import Reference


def wanted_artifacts(config: Config) -> tuple[Wanted, ...]:
    """The files that a configuration asks for, each with its gates."""
    return tuple(_wanted(config, export) for export in config.exports)


def _wanted(config: Config, export: ExportConfig) -> Wanted:
    options = write_options(export, config.data.resize)
    own = Wanted(
        export.format, export.precision, gate_limits(config, export), export.calibration_images, options
    )
    if not has_ladder(export):
        return own
    limits = {name: gate_limits(config, export, name) for name in RUNGS[export.format]}
    return with_ladder(own, limits)


@dataclass(frozen=True, slots=True)
class RequireCalibration:
    """Refuse exports that cannot be calibrated, before anything is trained."""

    name: str = "calibration"

    def __call__(self, state: State, /) -> State:
        require_calibration(state.config, state.get("data", RunData))
        return state


@dataclass(frozen=True, slots=True)
class ShareTrace:
    """Prepare the one trace that all formats are written from; it is made when a format needs it."""

    name: str = "trace"

    def __call__(self, state: State, /) -> State:
        return state.having(tracing=Tracing(state.get("trained", TrainedNetwork).network))


@dataclass(frozen=True, slots=True)
class WriteArtifact:
    """Write one file and run it on the test split."""

    wanted: Wanted

    @property
    def name(self) -> str:
        return f"export-{self.wanted.format}-{self.wanted.precision}"

    def key(self, state: State) -> Mapping[str, object]:
        key = answers_key(state, "test")
        if self.wanted.options != DEFAULTS:
            key["options"] = asdict(self.wanted.options)
        if MEMORY_GATE in self.wanted.limits:
            key["memory"] = True
        if self.wanted.choice is not None:  # which one is chosen depends on every rung's gates
            rungs = {rung.precision: dict(rung.limits) for rung in self.wanted.rungs}
            key["ladder"] = {"choice": self.wanted.choice, "own": dict(self.wanted.limits), "rungs": rungs}
        split = _calibration(self.wanted, state)
        return key if split is None else {**key, "calibration": list(split.paths)}

    def compute(self, state: State, folder: Path) -> None:
        make(self.wanted, _making(self.wanted, state, state.get("reference", Reference)), folder)

    def load(self, state: State, folder: Path) -> State:
        written = (*state.results.get("written", ()), read_written(self.wanted, folder))
        return state.having(written=written)


@dataclass(frozen=True, slots=True)
class HandOver:
    """Judge every file by its gates and write the bundle."""

    name: str = "bundle"

    def __call__(self, state: State, /) -> State:
        reference = state.get("reference", Reference)
        found = with_notes([judged(written, reference) for written in state.get("written", tuple)])
        artifacts = tuple(_diagnosed(entry, state, reference) for entry in found)
        for entry in artifacts:
            state.journal.write("artifact", **_event(entry))
        manifest = hand_over(
            state.run.bundle,
            artifacts,
            reference,
            inputs=_golden(state, reference),
            about=_about(state),
        )
        return state.having(artifacts=artifacts, manifest_sha256=manifest)


def _diagnosed(entry: Judged, state: State, reference: Reference) -> Judged:
    if entry.passed:
        return entry
    making = _making(entry.wanted, state, reference)
    return diagnosed(entry, making, state.get("data", RunData).test.paths)


def _calibration(wanted: Wanted, state: State) -> ArraySplit | None:
    if not wanted.is_calibrated:
        return None
    return calibration_split(state.get("data", RunData), wanted.calibration_images, state.config.seed)


def _making(wanted: Wanted, state: State, reference: Reference) -> Making:
    split = _calibration(wanted, state)
    calibration = None if split is None else np.asarray(split.images)
    return Making(state.get("tracing", Tracing), reference, calibration)


def _event(entry: Judged) -> dict[str, object]:
    return {
        "format": entry.wanted.format,
        "precision": entry.wanted.precision,
        "status": "passed" if entry.passed else "failed",
        "why": entry.why,
    }


def _golden(state: State, reference: Reference) -> GoldenInputs:
    height, width, channels = reference.images.shape[1:]
    spec = InputSpec.of_pictures((height, width), state.config.data.resize, channels=channels)
    if state.config.bundle.golden == "generated":
        return generated_golden(reference, state.get("tracing", Tracing).traced, spec, state.config.seed)
    data = state.get("data", RunData)
    records, indices = data.splits.test, golden_indices(reference)
    checked = ChosenSource(data.source, records, data.scan.report.digests)
    originals = tuple(decode_image(checked.read(records[index]), records[index].path) for index in indices)
    names = tuple(records[index].path for index in indices)
    return held_out_golden(reference, spec, indices, originals=originals, names=names)


def _about(state: State) -> About:
    trained, data = state.get("trained", TrainedNetwork), state.get("data", RunData)
    origin = trained.network.backbone
    return About(
        name=state.config.name,
        backbone=_portable_name(origin.name),
        source=origin.source,
        licence=origin.licence,
        recipe="\n".join(trained.recipe_lines),
        data=data.as_dict(),
        config_fingerprint=value_sha256(portable(state.config)),
        data_fingerprint=data.fingerprint,
    )


def portable(config: Config) -> dict[str, object]:
    """The configuration without the names of this machine's folders, as JSON values."""
    tree = config.model_dump(mode="json")
    tree["data"]["path"] = Path(tree["data"]["path"]).name
    weights = tree["backbone"]["weights"]
    if weights is not None:
        tree["backbone"]["weights"] = Path(weights).name
    tree["backbone"]["name"] = _portable_name(tree["backbone"]["name"])
    return tree


def _portable_name(name: str) -> str:
    family, _, rest = name.partition("/")
    is_folder = family == "kerashub" and is_preset_folder(rest)
    return f"{family}/{Path(rest).name}" if family in ("hub", "file", "run") or is_folder else name
