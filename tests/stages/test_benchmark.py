"""Timing the files of a finished run: alone, by threads and batch, beside what its report says of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import call, one_error
from tests.stages.conftest import Finished
from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.stages.benchmark import benchmark, find_targets
from tfxfer.verification.benchmark import Load, measure_alone
from tfxfer.verification.device_log import DeviceFigures

QUICK = Load(threads=(1,), batches=(2, 1), runs=3, warm_up=1)


def measured(*models: Path, **more: Any) -> dict[str, Any]:
    return json.loads(json.dumps(benchmark(models, QUICK, **more), allow_nan=False))


def test_every_file_of_a_run_is_timed_beside_its_figures(finished: Finished) -> None:
    found = measured(finished.out)
    assert [(row["artifact"], row["batch"]) for row in found["rows"]] == [
        (f"{name}:float32", batch) for name in ("saved_model", "litert", "onnx") for batch in (1, 2)
    ]
    reported = {f"{entry['format']}:{entry['precision']}": entry for entry in finished.report["artifacts"]}
    for row in found["rows"]:
        entry = reported[row["artifact"]]
        assert (row["accuracy"], row["accuracy_drop"]) == (entry["accuracy"], entry["accuracy_drop"])
        assert row["size_bytes"] == entry["size_bytes"]
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        assert row["load_ms"] > 0
        assert row["images_per_second"] > 0
        assert row["peak_memory_bytes"] > row["model_memory_bytes"] > 0
    assert found["machine"]["cpu_cores"] >= 1
    memory = {row["artifact"]: row["peak_memory_bytes"] for row in found["rows"]}
    assert memory["litert:float32"] < memory["saved_model:float32"] / 2  # no TensorFlow in its process


def test_one_file_by_itself_knows_its_run_and_a_lonely_one_does_not(
    finished: Finished, tmp_path: Path
) -> None:
    (inside,) = find_targets(finished.out / "bundle" / "litert" / "float32.tflite")
    assert inside.figures["accuracy"] == finished.report["artifacts"][1]["accuracy"]
    alone = shutil.copy(finished.out / "bundle" / "litert" / "float32.tflite", tmp_path / "alone.tflite")
    (lonely,) = find_targets(Path(alone))
    assert (lonely.name, lonely.format, lonely.figures) == ("alone.tflite", "litert", {})


def test_a_changed_file_is_not_given_the_figures_of_the_true_one(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    file = out / "bundle" / "onnx" / "float32.onnx"
    file.write_bytes(file.read_bytes() + b"\n")
    (target,) = find_targets(file)
    assert target.figures == {}


def test_two_models_are_compared(finished: Finished, tmp_path: Path) -> None:
    other = finished.copy(tmp_path / "other")
    first, second = (run / "bundle" / "onnx" / "float32.onnx" for run in (finished.out, other))
    found = measured(first, second)
    assert [row["model"] for row in found["rows"]] == [str(first)] * 2 + [str(second)] * 2
    assert [(row["artifact"], row["batch"]) for row in found["comparison"]] == [
        (first.name, 1),
        (first.name, 2),
    ]
    assert [target.name for target in find_targets(other / "bundle")] == [
        "saved_model:float32",
        "litert:float32",
        "onnx:float32",
    ]
    for row in found["comparison"]:
        assert row["size_ratio"] == 1
        assert row["latency_ratio"] > 0
        assert row["accuracy_difference"] == 0


def test_figures_of_a_phone_stand_beside_their_file(finished: Finished) -> None:
    file = finished.out / "bundle" / "litert" / "float32.tflite"
    size = file.stat().st_size
    phone = DeviceFigures("phone", "float32.tflite", size + 5, threads=4, mean_ms=1.5)
    (row,) = measured(file, device_figures=[phone])["devices"]
    assert (row["device"], row["artifact"], row["mean_ms"], row["size_bytes"]) == (
        "phone",
        file.name,
        1.5,
        size,
    )
    assert row["accuracy"] == finished.report["artifacts"][1]["accuracy"]
    assert "p50_ms" not in row
    other = DeviceFigures("phone", "float32.tflite", 2 * size, mean_ms=1.5)
    with pytest.raises(UsageError, match=r"one of these files: float32\.tflite"):
        measured(file, device_figures=[other])


def test_a_damaged_file_is_told_in_one_message(finished: Finished, tmp_path: Path) -> None:
    file = tmp_path / "float32.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(RuntimeUnavailableError, match="Export it again"):
        measure_alone("onnx", file, QUICK, 1)


def test_the_command_prints_writes_and_refuses(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = finished.out / "bundle" / "litert" / "float32.tflite"
    log = tmp_path / "pixel.txt"
    log.write_text(
        "INFO: Graph: [/tmp/float32.tflite]\nINFO: Inference timings in us: Init: 10, Inference (avg): 1500\n"
    )
    options = ["--model", str(file), "--threads", "1", "--batch", "1", "--runs", "2", "--import", str(log)]
    assert call("benchmark", *options, "--out", str(tmp_path / "out")) == 0
    out, err = capsys.readouterr()
    assert "images per second" in out
    assert "pixel" in out
    assert "threads 1" in err
    assert json.loads((tmp_path / "out" / "benchmark.json").read_text())["devices"][0]["mean_ms"] == 1.5
    assert call("benchmark", *options, "--out", str(tmp_path / "out")) == 2
    assert "--overwrite" in one_error(capsys)
    assert call("benchmark", *options, "--json", "--quiet") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["rows"][0]["runs"] == 2
    assert err == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threads", "0"], "--threads must be"),
        (["--batch", "one"], "separated by commas"),
        (["--runs", "0"], "--runs must be"),
        (["--model", "{0}", "--model", "{0}"], "Received: 3"),
    ],
)
def test_what_cannot_be_asked(
    finished: Finished, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(finished.out / "bundle" / "litert" / "float32.tflite")
    assert call("benchmark", "--model", file, *(option.format(file) for option in options)) == 2
    assert words in one_error(capsys)


def test_a_run_without_exports_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(UsageError, match="Set exports"):
        find_targets(tmp_path)
