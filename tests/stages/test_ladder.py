"""The quantisation ladder on real files: what integers destroy is caught, and another rung chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.formats.models import images
from tests.formats.test_litert_int8 import plain_network
from tests.formats.test_litert_mixed import fragile_network
from tfxfer.catalogue.formats import default_gates
from tfxfer.catalogue.ladder import RUNGS
from tfxfer.errors import GateError, UsageError
from tfxfer.stages.artifacts import Judged, Tracing, Wanted, judged, read_written
from tfxfer.stages.export_model import export, parse_formats
from tfxfer.stages.export_options import ExportOptions
from tfxfer.stages.ladder import Making, make, with_ladder
from tfxfer.stages.own_reference import reference_of
from tfxfer.verification.device_log import DeviceFigures
from tfxfer.verification.reference import Reference
from tfxfer.verification.verify import verify_bundle

# Untrained networks have many near ties, which change hands in any precision.
TIES = {"min_top1_agreement": 0.5, "max_accuracy_drop": 0.5}
LIMITS = {name: {**default_gates("litert", name), **TIES} for name in RUNGS["litert"]}


def answered(model: keras.Model, count: int = 60) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures with the model's own answers as their classes."""
    pictures = images(count, seed=5)
    return [(pictures, np.asarray(model(pictures)).argmax(axis=1))]


def making(model: keras.Model) -> Making:
    tracing = Tracing(model)
    return Making(tracing, reference_of(tracing, answered(model)), images(20))


@pytest.fixture(scope="module")
def sound() -> Making:
    return making(plain_network())


@pytest.fixture(scope="module")
def fragile() -> Making:
    return making(fragile_network())


def climbed(wanted: Wanted, of: Making, folder: Path) -> Judged:
    make(wanted, of, folder)
    return judged(read_written(wanted, folder), of.reference)


def asked(precision: str = "smallest", **limits: float) -> Wanted:
    """`litert:PRECISION` with its ladder, and limits for every rung."""
    (entry,) = parse_formats([f"litert:{precision}"], limits)
    return entry


def status(entry: Judged) -> dict[str, str]:
    return {str(rung["precision"]): str(rung["status"]) for rung in entry.written.ladder}


def test_what_integers_destroy_is_caught_and_another_rung_chosen(fragile: Making, tmp_path: Path) -> None:
    model = fragile.tracing.model
    report = export(
        model,
        tmp_path / "bundle",
        ["litert:smallest"],
        test=answered(model),
        calibration=answered(model),
        gates=TIES,
    )
    (artifact,) = report.artifacts
    assert (artifact["path"], artifact["status"]) == ("litert/smallest.tflite", "passed")
    rungs: Any = artifact["ladder"]
    by_name = {rung["precision"]: rung for rung in rungs}
    assert by_name[artifact["precision"]]["status"] == "chosen"
    assert artifact["precision"] != "int8"
    assert [rung["status"] for rung in rungs].count("chosen") == 1
    assert {check.status for check in verify_bundle(tmp_path / "bundle").checks} == {"passed"}


def test_the_smallest_that_holds_every_gate_is_kept(sound: Making, tmp_path: Path) -> None:
    found = climbed(asked(), sound, tmp_path)
    assert found.passed
    sizes = {str(rung["precision"]): rung["size_bytes"] for rung in found.written.ladder}
    failed = {name for name, said in status(found).items() if said == "failed"}
    assert found.size_bytes == min(size for name, size in sizes.items() if name not in failed)
    assert set(status(found).values()) <= {"chosen", "failed", "not_needed"}
    assert {path.name for path in tmp_path.iterdir()} == {
        "artifact.json",
        "litert",
        "measured.json",
        "outputs.npz",
    }


def test_the_fastest_says_on_which_machine(sound: Making, tmp_path: Path) -> None:
    found = climbed(asked("fastest"), sound, tmp_path)
    told = found.as_dict("litert/fastest.tflite")
    assert found.passed
    assert set(told["ladder_device"]) == {"system", "processor", "cpu_cores"}  # type: ignore[call-overload]
    assert found.written.path == tmp_path / "litert" / "fastest.tflite"


def test_the_precision_asked_for_is_kept_where_it_holds(
    sound: Making, fragile: Making, tmp_path: Path
) -> None:
    wanted = with_ladder(Wanted("litert", "int8", LIMITS["int8"]), LIMITS)
    kept, replaced = (
        climbed(wanted, of, tmp_path / name) for name, of in (("sound", sound), ("fragile", fragile))
    )
    assert (kept.wanted.precision, kept.wanted.path) == ("int8", "litert/int8.tflite")
    assert status(kept) == {"int8": "chosen"}
    assert replaced.passed
    assert replaced.wanted.precision != "int8"
    assert replaced.wanted.path == "litert/smallest.tflite"
    (why,) = (str(rung["why"]) for rung in replaced.written.ladder if rung["precision"] == "int8")
    assert status(replaced)["int8"] == "failed"
    assert "max_relative_logit_error 0.1" in why


def test_budgets_are_gates_and_nothing_that_fits_is_said(sound: Making, tmp_path: Path) -> None:
    found = climbed(asked(max_size_bytes=1000.0), sound, tmp_path / "size")
    assert not found.passed
    assert set(status(found).values()) == {"failed"}
    assert "no precision fits: take a smaller model" in found.why
    model = sound.tracing.model
    with pytest.raises(GateError, match=r"max_peak_memory_bytes 1: .* bytes came with the file"):
        export(model, tmp_path / "b", ["litert"], test=answered(model), gates={"max_peak_memory_bytes": 1.0})


def test_a_gate_that_no_precision_holds_is_no_budget(fragile: Making, tmp_path: Path) -> None:
    images_, predictions = fragile.reference.images, fragile.reference.predictions
    wrong = Reference(
        images_, replace(predictions, targets=1 - predictions.targets.clip(0, 1)), ("0", "1", "2")
    )
    found = climbed(asked(min_accuracy=0.999), replace(fragile, reference=wrong), tmp_path)
    assert "no precision holds every gate: train longer" in found.why


def test_the_fastest_is_that_of_the_phone_whose_figures_are_given(sound: Making, tmp_path: Path) -> None:
    model = sound.tracing.model
    options: dict[str, Any] = {"test": answered(model), "calibration": answered(model), "gates": TIES}
    names = ["litert", "litert:float16", "litert:int8"]
    export(model, tmp_path / "first", names, **options)
    figures = tuple(
        DeviceFigures(
            "phone", f"{name}.tflite", (tmp_path / f"first/litert/{name}.tflite").stat().st_size, p50_ms=ms
        )
        for name, ms in (("float32", 3.0), ("float16", 1.0), ("int8", 2.0))
    )  # no machine that we know would put float16 first
    phone = ExportOptions(device=figures)
    report = export(model, tmp_path / "bundle", ["litert:fastest"], **options, options=phone)
    (artifact,) = report.artifacts
    assert (artifact["precision"], artifact["path"]) == ("float16", "litert/fastest.tflite")
    assert artifact["ladder_device"] == {"device": "phone"}
    rungs: Any = artifact["ladder"]
    told = {rung["precision"]: rung["status"] for rung in rungs}
    assert (told["float16"], told["int8"], told["int16x8"]) == ("chosen", "not_needed", "not_timed")
    stranger = ExportOptions(device=(DeviceFigures("phone", "other.tflite", p50_ms=1.0),))
    with pytest.raises(
        UsageError, match=r"must be of the files int8\.tflite.*Received: other\.tflite of 'phone'"
    ):
        export(model, tmp_path / "none", ["litert:fastest"], **options, options=stranger)
    with pytest.raises(UsageError, match="device is for litert:fastest"):
        export(model, tmp_path / "none", ["litert"], **options, options=phone)
    with pytest.raises(UsageError, match=r"one device\. Received: figures of other, phone"):
        ExportOptions(device=(*figures, DeviceFigures("other")))
