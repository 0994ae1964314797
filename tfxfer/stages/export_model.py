"""`tfxfer.export`: artifacts of any network or Keras model, each proven on held-out data, in a bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.bundle.contract import Dtype, InputSpec
from tfxfer.catalogue.formats import FORMATS, default_gates
from tfxfer.catalogue.golden import GoldenSource
from tfxfer.catalogue.grey import FROM_FILES
from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.catalogue.ladder import precisions
from tfxfer.catalogue.refused_formats import refusal
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import GateError, UsageError
from tfxfer.stages.artifacts import Judged, Tracing, Wanted, judged, read_written
from tfxfer.stages.calibration import calibration_images
from tfxfer.stages.diagnosis import diagnosed
from tfxfer.stages.export_options import NO_OPTIONS, ExportOptions, require_suited
from tfxfer.stages.extras import require_extras
from tfxfer.stages.golden import (
    GoldenInputs,
    generated_golden,
    golden_indices,
    held_out_golden,
    held_out_inputs,
)
from tfxfer.stages.handover import About, bundle_path, hand_over
from tfxfer.stages.ladder import Making, make, with_ladder
from tfxfer.stages.own_models import open_path
from tfxfer.stages.own_reference import decision_of, reference_of, task_of
from tfxfer.stages.slower import with_notes
from tfxfer.store.fingerprint import bytes_sha256, value_sha256
from tfxfer.store.writable import require_writable
from tfxfer.verification.gates import require_limits
from tfxfer.verification.reference import Reference, image_batches

if TYPE_CHECKING:
    import keras

    from tfxfer.formats.own_saved_model import OwnSavedModel
    from tfxfer.formats.trace import Traced
    from tfxfer.network.network import Network

GENERATED_SEED = 0  # of golden inputs that are made


@dataclass(frozen=True, slots=True, eq=False)
class ExportReport:
    """What was written where, and what was measured of it."""

    path: Path
    artifacts: tuple[dict[str, object], ...]  # as in report.json; paths are relative to `path`
    test: Mapping[str, object]  # the model's own figures on the test data, as in report.json
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON values: bundle, passed, test, artifacts[]."""
        return {
            "bundle": str(self.path),
            "passed": self.passed,
            "test": dict(self.test),
            "artifacts": list(self.artifacts),
        }


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the bundle says of a model that did not come from a run."""

    name: str = "model"
    source: str = "a model given to tfxfer.export"
    licence: str = "as the model's owner says"
    recipe: str = "not trained by tfxfer"
    data: Mapping[str, object] = field(default_factory=dict)


def export(
    model: Network | keras.Model | OwnSavedModel | Path | str,
    to: Path | str,
    formats: Sequence[str],
    *,
    test: Iterable[Any] | ArraySplit,
    calibration: Iterable[Any] | ArraySplit | None = None,
    labels: Sequence[str] | None = None,
    task: TaskName | None = None,
    gates: Mapping[str, float] | None = None,
    input_dtype: str | None = None,
    resize: ResizeRule | None = None,
    options: ExportOptions = NO_OPTIONS,
    overwrite: bool = False,
) -> ExportReport:
    """Write `formats` ("litert", "onnx:float32", ...) into the bundle `to`, each run and held against the model.

    `model` may be a path: of a run, or of a .keras or .h5 file or SavedModel of your own that takes RGB pictures.
    `test` are batches (images, targets[, weights]) that the model was not trained on; `calibration`, training
    images, is for precisions that need them. A Network takes uint8 RGB; a model of your own keeps its own
    input, of any range, unless `input_dtype` asks for "uint8" (images then are whole numbers 0-255, and of
    three channels they are RGB). `labels` name the classes of your own model in the order of its outputs, "0",
    "1", ... without. `task` is the Network's own; a model of yours is a classifier unless it is given: one that
    ends in sigmoids is "multi_label", one that gives values "regression". `resize` is the rule by which
    pictures come to their size, as the contract tells apps; None says "stretch" for RGB pictures, and nothing
    for other inputs. `gates` replace single defaults. `options` say how files are written, whether other
    precisions are tried where one fails, and what the bundle's golden inputs are; they hold for every file that
    they suit.

    Raises:
        UsageError: a format that does not exist, an option that suits no file, or `to` exists and
            `overwrite` is false.
        DataError: no test images, or images that the model does not take.
        ExportError: the model cannot be exported at all.
        GateError: a gate does not hold; the bundle is written, failed files as `*.rejected`.
    """
    target = Path(to)
    refuse_existing(target, overwrite)
    if isinstance(model, str | Path):
        model, rule = open_path(Path(model))
        resize = rule if resize is None else resize
    decision = decision_of(model)
    wanted = parse_formats(
        formats, gates or {}, task_of(model, task), decided=decision is not None, options=options
    )
    _refuse_calibration(wanted, calibration)
    tracing = Tracing(model, None if labels is None else tuple(labels), input_dtype, task)
    reference = reference_of(tracing, test)
    spec = _input_spec(tracing.traced, isinstance(test, ArraySplit), resize)
    report = export_reference(
        tracing,
        reference,
        [_taking_files(entry, spec) for entry in wanted],
        target,
        input_spec=spec,
        provenance=_provenance(model),
        calibration=_calibration(wanted, calibration, tracing.traced),
        paths=test.paths if isinstance(test, ArraySplit) else None,
        golden="held_out" if options.golden is None else options.golden,
    )
    if not report.passed:
        raise_failures(report)
    return report


def export_reference(
    tracing: Tracing,
    reference: Reference,
    wanted: Sequence[Wanted],
    to: Path,
    *,
    input_spec: InputSpec,
    provenance: Provenance,
    calibration: np.ndarray | None = None,
    paths: Sequence[str] | None = None,
    golden: GoldenSource = "held_out",
) -> ExportReport:
    """Write, run, judge and hand over; the report says what passed. `paths` name the test images."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tfxfer-", dir=to.parent) as folder:
        artifacts, making = [], Making(tracing, reference, calibration)
        for entry in wanted:
            place = Path(folder) / entry.name.replace(":", "-")
            place.mkdir()
            make(entry, making, place)
            artifacts.append(judged(read_written(entry, place), reference))
        artifacts = [diagnosed(entry, making, paths) for entry in with_notes(artifacts)]
        about = _about(provenance, reference)
        inputs = (
            generated_golden(reference, tracing.traced, input_spec, GENERATED_SEED)
            if golden == "generated"
            else _held_out(reference, input_spec, paths)
        )
        hand_over(to, artifacts, reference, inputs=inputs, about=about)
        return _report(to, artifacts, reference)


def parse_formats(
    formats: Sequence[str],
    gates: Mapping[str, float],
    task: TaskName = "classification",
    *,
    decided: bool = False,
    options: ExportOptions = NO_OPTIONS,
) -> tuple[Wanted, ...]:
    """ "litert:float32" and "litert" alike, with their gates and options.

    Raises:
        UsageError: no such format or precision, the same file twice, or an option that suits none.
        GateError: no such gate, or a limit that cannot be meant.
    """
    if isinstance(formats, str):
        raise UsageError(f"formats must be a list, such as ['litert', 'onnx']. Received: {formats!r}.")
    require_limits(gates)
    wanted = []
    for text in formats:
        name, _, precision = text.partition(":")
        refused = refusal(name)
        if refused is not None:
            raise UsageError(refused)
        if name not in FORMATS or precision not in ("", *precisions(name)):
            known = ", ".join(f"{each}:{one}" for each in FORMATS for one in precisions(each))
            raise UsageError(f"a format must be one of {known}. Received: '{text}'.")
        precision = precision or FORMATS[name].precisions[0]
        limits = {
            one: {**default_gates(name, one, task, decided=decided), **gates}
            for one in FORMATS[name].precisions
        }
        entry = Wanted(
            name,
            precision,
            limits.get(precision, gates),
            options=options.of(name, precision),
            device=options.device_of(name, precision),
        )
        wanted.append(with_ladder(entry, limits) if options.climbs(name, precision) else entry)
    require_extras(entry.format for entry in wanted)
    require_suited(options, [(entry.format, entry.precision) for entry in wanted])
    _refuse_choosing_twice(wanted)
    paths = [entry.path for entry in wanted]
    if len(set(paths)) != len(paths) or not paths:
        raise UsageError(f"formats must name one file or more, each once. Received: {list(formats)}.")
    return tuple(wanted)


def _refuse_choosing_twice(wanted: Sequence[Wanted]) -> None:
    """What a ladder chooses is called by its choice, so that one format chooses the smallest once."""
    taken: set[tuple[str, str]] = set()
    for entry in wanted:
        if entry.choice is not None and (entry.format, entry.choice) in taken:
            raise UsageError(
                f"one file may choose {entry.format}:{entry.choice}. Received: '{entry.name}', where another does "
                "already. Leave one of them out."
            )
        if entry.choice is not None:
            taken.add((entry.format, entry.choice))


def refuse_existing(to: Path, overwrite: bool) -> None:
    """Nothing is overwritten unasked, and never what is no bundle.

    Raises:
        UsageError: `to` exists, or cannot be written.
    """
    require_writable(to.parent)
    if not to.exists():
        return
    if not overwrite:
        raise UsageError(f"'{to}' exists. Give another folder, or overwrite (--overwrite).")
    if not (to / "manifest.json").is_file() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(
            f"only a bundle is overwritten. Received: '{to}', which is none. Give another folder."
        )


def raise_failures(report: ExportReport) -> None:
    """Raises GateError that names every failed artifact and why."""
    failed = [entry for entry in report.artifacts if entry["status"] != "passed"]
    lines = "\n".join(f"- {entry['format']}:{entry['precision']}: {entry['why']}" for entry in failed)
    raise GateError(
        f"every artifact must hold its gates. Received: {len(failed)} of {len(report.artifacts)} failed. "
        f"The files are kept in '{report.path}' as *.rejected.\n{lines}"
    )


def _refuse_calibration(wanted: Sequence[Wanted], calibration: object) -> None:
    needing = [entry.name for entry in wanted if entry.is_calibrated]
    if needing and calibration is None:
        raise UsageError(
            f"'{needing[0]}' needs training images to calibrate with. Received: calibration = None. "
            "Give calibration=train."
        )


def _calibration(
    wanted: Sequence[Wanted], calibration: Iterable[Any] | ArraySplit | None, traced: Traced
) -> np.ndarray | None:
    """The images for the files that need any; the data are not touched where none does."""
    if calibration is None or not any(entry.is_calibrated for entry in wanted):
        return None
    return calibration_images(calibration, traced.input_shape, traced.input_dtype)


def _input_spec(traced: Traced, decoded: bool, resize: ResizeRule | None) -> InputSpec:
    """What the contract says of the input: RGB or grey pictures where that is known, and not where it would be a guess.

    Known are pictures that tfxfer decoded itself, and an input of three bytes a pixel, or one.
    """
    height, width, channels = traced.input_shape
    dtype: Dtype = "uint8" if traced.input_dtype == np.uint8 else "float32"
    if channels in FROM_FILES and (decoded or dtype == "uint8"):
        rule = "stretch" if resize is None else resize
        return InputSpec.of_pictures((height, width), rule, channels=channels, dtype=dtype)
    return InputSpec((height, width), resize, dtype=dtype, channels=channels, values="own")


def _taking_files(wanted: Wanted, spec: InputSpec) -> Wanted:
    """A SavedModel that takes encoded pictures as well, where it is known how they come to their size."""
    if wanted.format != "saved_model" or not spec.is_picture:
        return wanted
    return replace(wanted, options=replace(wanted.options, resize=spec.resize_rule))


def _held_out(reference: Reference, spec: InputSpec, paths: Sequence[str] | None) -> GoldenInputs:
    """Held-out inputs; as pictures at the network's size, since their originals were not given."""
    indices = golden_indices(reference)
    originals = tuple(held_out_inputs(reference, indices, "uint8")) if spec.is_picture else ()
    names = tuple(f"test image {index}" if paths is None else paths[index] for index in indices)
    return held_out_golden(reference, spec, indices, originals=originals, names=names)


def _provenance(model: Any) -> Provenance:
    from tfxfer.network.network import Network

    if not isinstance(model, Network):
        return Provenance(name=model.name)
    origin = model.backbone
    recipe = "trained through tfxfer's functions"
    return Provenance(origin.name, origin.source, origin.licence, recipe)


def _about(provenance: Provenance, reference: Reference) -> About:
    digests = [
        bytes_sha256(np.ascontiguousarray(batch).tobytes()) for batch in image_batches(reference.images)
    ]
    data = {"test": len(reference.images), "labels": list(reference.labels), **provenance.data}
    return About(
        name=provenance.name,
        backbone=provenance.name,
        source=provenance.source,
        licence=provenance.licence,
        recipe=provenance.recipe,
        data=data,
        config_fingerprint=value_sha256({"export": provenance.name}),
        data_fingerprint=value_sha256([*digests, reference.predictions.targets.tolist()]),
    )


def _report(to: Path, artifacts: Sequence[Judged], reference: Reference) -> ExportReport:
    return ExportReport(
        path=to,
        artifacts=tuple(entry.as_dict(bundle_path(entry)) for entry in artifacts),
        test=reference.metrics.as_dict(),
        passed=all(entry.passed for entry in artifacts),
    )
