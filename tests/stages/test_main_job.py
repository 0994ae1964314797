"""The main job through the real command line: what a run leaves, how it goes on, how it ends badly."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.running import call
from tests.conftest import ROOT, make_photos
from tests.stages.conftest import Finished
from tests.stages.running import (
    cached_stages,
    command,
    environment,
    events_of,
    report_of,
    run_process,
    snapshot,
    write_config,
)

number = (int, float)
# INTERFACE of report.json: key -> type of its value.
REPORT = {
    "schema_version": int,
    "name": str,
    "seed": int,
    "seconds": number,
    "versions": dict,
    "data": {
        "train": int,
        "validation": int,
        "test": int,
        "classes": int,
        "labels": list,
        "bad_records": int,
        "duplicates": int,
        "fingerprint": str,
    },
    "backbone": {"name": str, "source": str, "parameters": int, "blocks": int, "image_size": list},
    "domain_gap": list,
    "recipe": {"name": str, "why": str, "figures": dict, "alternatives": list},
    "domain_gap_summary": {"images": int, "why": str, "formula": str},
    "phases": [
        {
            "name": str,
            "epochs": int,
            "seconds": number,
            "seconds_per_epoch": number,
            "trainable_parameters": int,
            "unfrozen_blocks": list,
            "cached_boundary": str,
            "feature_engine": str,
            "feature_seconds": number,
            "learning_rates": dict,
            "best_epoch": int,
            "history": dict,
        }
    ],
    "test": {
        "accuracy": number,
        "accuracy_interval": list,
        "loss": number,
        "macro_f1": number,
        "expected_calibration_error": number,
        "per_class": list,
        "confusion": list,
    },
    "baselines": {
        "majority": number,
        "linear_probe": number,
        "scratch": type(None),  # only `compare` trains from scratch
        "nearest_neighbours": number,
    },
    "verdict": {"transfer": type(None), "why": str},  # the backbone's weights are random
    "label_issues": {"count": int, "path": str},
    "artifacts": [
        {
            "format": str,
            "precision": str,
            "path": str,
            "size_bytes": int,
            "sha256": str,
            "status": str,
            "why": str,
            "ops_outside_builtins": list,
            "accuracy": number,
            "accuracy_drop": number,
            "top1_agreement": number,
            "max_abs_logit_error": number,
            "mean_abs_logit_error": number,
            "latency_ms_p50": number,
            "latency_ms_p95": number,
            "seconds": number,
        }
    ],
    "gates": [{"name": str, "limit": number, "value": number, "passed": bool}],
}
PROMISED = {
    "config.yaml",
    "network",
    "splits.csv",
    "label_issues.csv",
    "bundle",
    "report.json",
    "report.html",
    "log.jsonl",
    "stages",
}
IN_BUNDLE = {"labels.txt", "contract.json", "golden", "MODEL_CARD.md", "manifest.json", "statistics.json"}


def check_shape(value: object, shape: object, place: str) -> None:
    """Every key of the promise is there and holds what it should; further keys are welcome."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), place
        for key, inner in shape.items():
            assert key in value, f"{place}.{key} is missing"
            check_shape(value[key], inner, f"{place}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        assert value, place
        for index, entry in enumerate(value):
            check_shape(entry, shape[0], f"{place}[{index}]")
    else:
        assert isinstance(value, shape), f"{place}: {value!r}"
        assert shape is not number or not isinstance(value, bool), place


@pytest.mark.smoke
def test_a_run_leaves_what_is_promised(finished: Finished) -> None:
    assert {path.name for path in finished.out.iterdir()} - {".lock"} == PROMISED
    assert {path.name for path in (finished.out / "bundle").iterdir()} >= IN_BUNDLE
    check_shape(finished.report, REPORT, "report")


def test_the_report_speaks_of_the_files_that_are_there(finished: Finished) -> None:
    report = finished.report
    assert [entry["format"] for entry in report["artifacts"]] == ["saved_model", "litert", "onnx"]
    for entry in report["artifacts"]:
        assert entry["status"] == "passed"
        assert (finished.out / entry["path"]).exists()
    assert all(gate["passed"] for gate in report["gates"])
    assert report["data"]["labels"] == ["blue", "red"]
    assert [phase["name"] for phase in report["phases"]] == ["head", "fine"]


def test_the_page_is_built_again_to_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    page = (out / "report.html").read_bytes()
    assert b"<h1>" in page
    (out / "report.html").unlink()
    assert call("report", str(out)) == 0
    assert (out / "report.html").read_bytes() == page
    assert f"page: {Path('out') / 'report.html'}" in finished.process.stdout


def test_every_photo_is_in_one_split(finished: Finished) -> None:
    with (finished.out / "splits.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {"path", "label", "split"} <= set(rows[0])
    assert sorted(row["path"] for row in rows) == sorted(
        path.relative_to(finished.folder / "photos").as_posix()
        for path in (finished.folder / "photos").rglob("*.png")
    )
    data = finished.report["data"]
    for split in ("train", "validation", "test"):
        assert sum(row["split"] == split for row in rows) == data[split]


def test_the_output_is_calm(finished: Finished) -> None:
    words, lines = finished.process.stdout, finished.process.stderr.splitlines()
    assert "saved_model:float32  passed" in words
    assert "test accuracy: " in words
    assert str(Path("out") / "report.json") in words
    foreign = ("INFO:", "WARNING", "I0000", "W0000", "E0000", "cuda", "delegate", "Traceback", "absl")
    assert not [line for line in lines if any(word in line for word in foreign)]
    assert not [line for line in lines if line.startswith("warning")]
    assert not [line for line, after in pairwise(lines) if line == after]


@pytest.mark.smoke
def test_the_bundle_verifies_and_predicts(finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("verify", str(finished.out / "bundle"), "--data", str(finished.folder / "photos")) == 0
    capsys.readouterr()
    answers = []
    photo = finished.folder / "photos" / "red" / "000.png"
    for model in (
        "",
        "bundle",
        "bundle/litert/float32.tflite",
        "bundle/onnx/float32.onnx",
        "bundle/saved_model",
    ):
        assert call("predict", "--model", str(finished.out / model), "--data", str(photo), "--json") == 0
        (entry,) = json.loads(capsys.readouterr().out)["predictions"]
        answers.append(entry)
        assert set(entry) == {"path", "label", "probabilities"}
        assert list(entry["probabilities"]) == ["blue", "red"]
    assert len({entry["label"] for entry in answers}) == 1
    chances = np.array([entry["probabilities"]["red"] for entry in answers])
    assert np.ptp(chances) < 1e-3


def test_a_finished_run_resumes_to_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    before = snapshot(out)
    result = run_process("run", finished.config, "--out", out, "--resume", cwd=finished.folder)
    assert result.returncode == 0, result.stderr
    after = snapshot(out)
    assert {name for name in before | after if before.get(name) != after.get(name)} == {"log.jsonl"}


def test_an_earlier_run_is_refused_without_resume(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(finished.out)
    assert call("run", str(finished.config), "--out", str(finished.out)) == 2
    assert "--resume" in capsys.readouterr().err
    assert snapshot(finished.out) == before


def test_other_exports_and_gates_do_not_train_again(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = finished.copy(tmp_path / "out")
    seen = len(events_of(out))
    options = ["--set", "exports=[onnx]", "--set", "gates.max_size_bytes=5000000", "--resume"]
    assert call("run", str(finished.config), "--out", str(out), *options) == 0
    events = events_of(out)[seen:]
    assert cached_stages(events) == {
        "data",
        "train",
        "temperature",
        "evaluate",
        "baselines",
        "mistakes",
        "export-onnx-float32",
    }
    assert not [event for event in events if event["event"] in ("epoch", "phase", "progress")]
    report = report_of(out)
    assert [entry["format"] for entry in report["artifacts"]] == ["onnx"]
    assert "max_size_bytes" in {gate["name"] for gate in report["gates"]}
    assert not (out / "bundle" / "litert").exists()
    assert report["phases"] == finished.report["phases"]


def test_another_process_makes_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    """Also from another folder, under another name of the run directory."""
    shutil.copytree(finished.folder / "photos", tmp_path / "photos")
    write_config(tmp_path / "run.yaml", "photos")
    result = run_process("run", "run.yaml", "--out", "elsewhere/again", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    out = tmp_path / "elsewhere" / "again"
    for part in ("network", "bundle"):
        assert snapshot(out / part) == snapshot(finished.out / part)
    digests = [[entry["sha256"] for entry in report_of(run)["artifacts"]] for run in (out, finished.out)]
    assert digests[0] == digests[1]


def test_a_failed_gate_keeps_the_file_as_rejected_and_exits_1(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = finished.copy(tmp_path / "out")
    failing = "exports=[onnx, {format: litert, gates: {max_size_bytes: 1}}]"
    assert call("run", str(finished.config), "--out", str(out), "--set", failing, "--resume") == 1
    printed = capsys.readouterr()
    assert printed.err.count("error: ") == 1
    assert "litert:float32" in printed.err
    assert "max_size_bytes" in printed.out
    onnx, litert = report_of(out)["artifacts"]
    assert (onnx["status"], litert["status"]) == ("passed", "failed")
    assert "max_size_bytes" in litert["why"]
    assert litert["path"] == "bundle/litert/float32.tflite.rejected"
    assert (out / litert["path"]).is_file()
    assert not (out / "bundle" / "litert" / "float32.tflite").exists()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<h1>Not ready: 1 check failed</h1>" in page
    assert page.index("must be at most 1 B (max_size_bytes)") < page.index("<main>")
    capsys.readouterr()
    assert call("verify", str(out / "bundle")) == 0
    contract = json.loads((out / "bundle" / "contract.json").read_text())
    assert list(contract["tolerances"]) == list(contract["quantization"]) == ["onnx/float32.onnx"]


def test_min_accuracy_is_a_gate_of_the_network_also_without_exports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two classes of the same noise cannot be told apart."""
    random = np.random.default_rng(0)
    for label in ("one", "other"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for index in range(30):
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{index}.png")
    rest = "training: {phases: [{epochs: 1}], deterministic: false}\ngates: {min_accuracy: 1.0}\n"
    config = write_config(tmp_path / "run.yaml", "photos", rest=rest)
    assert call("train", str(config), "--out", str(tmp_path / "out")) == 1
    assert "the trained network must hold its gates. Received: min_accuracy 1:" in capsys.readouterr().err
    (gate,) = report_of(tmp_path / "out")["gates"]
    assert (gate["name"], gate["passed"], gate["artifact"]) == ("min_accuracy", False, None)


def test_train_then_run_adds_the_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_photos(tmp_path / "photos", per_class=12)
    (tmp_path / "photos" / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    write_config(
        tmp_path / "run.yaml",
        "photos",
        rest="training: {phases: [{epochs: 1}], deterministic: false}\nexports: [onnx]\n",
    )
    skip = ["--set", "data.on_bad_record=skip"]
    out = tmp_path / "out"
    assert call("train", str(tmp_path / "run.yaml"), "--out", str(out), *skip) == 0
    assert not (out / "bundle").exists()
    rows = list(csv.DictReader((out / "bad_records.csv").open(newline="", encoding="utf-8")))
    assert [row["path"] for row in rows] == ["red/broken.png"]
    assert report_of(out)["data"]["bad_records"] == 1
    assert "bad_records.csv" in capsys.readouterr().err
    assert call("run", str(tmp_path / "run.yaml"), "--out", str(out), *skip, "--resume") == 0
    assert "train" in cached_stages(events_of(out))
    assert call("verify", str(out / "bundle")) == 0


def test_a_photo_that_goes_away_after_training_costs_no_training(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data that change under a run are refused, and what was trained is kept."""
    shutil.copytree(finished.folder / "photos", tmp_path / "photos")
    config = write_config(tmp_path / "run.yaml", "photos")
    out = finished.copy(tmp_path / "out")
    (tmp_path / "photos" / "red" / "000.png").write_bytes(b"")
    assert call("run", str(config), "--out", str(out), "--resume") == 1
    assert "red/000.png" in capsys.readouterr().err
    assert (out / "network" / "network.json").is_file()
    assert report_of(out) == finished.report


def test_ctrl_c_keeps_what_is_done_and_the_printed_command_goes_on(tmp_path: Path) -> None:
    make_photos(tmp_path / "photos", per_class=12)
    phases = "training: {phases: [{epochs: 150, unfreeze: all, learning_rate: 0.0001, solver: gradient}]}\n"
    write_config(tmp_path / "run.yaml", "photos", rest=phases + "exports: [onnx]\n")
    arguments = ["run", "run.yaml", "--out", "my out"]
    process = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch 1/" in line:
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    assert process.wait(60) == 130
    assert "Traceback" not in rest
    assert "go on with: tfxfer run run.yaml --out 'my out' --resume\n" in rest
    assert not (tmp_path / "my out" / "network").exists()
    assert not list((tmp_path / "my out").rglob("*.part"))
    result = run_process(*arguments, "--resume", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    events = events_of(tmp_path / "my out")
    assert "data" in cached_stages(events)
    assert any("phase 1 goes on at epoch" in str(event.get("text")) for event in events)
    assert report_of(tmp_path / "my out")["phases"][0]["epochs"] == 150
    assert not list((tmp_path / "my out" / "stages").glob("checkpoints-*"))


@pytest.mark.smoke
def test_the_quick_start_does_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ROOT / "configs" / "quickstart.yaml"
    result = run_process("run", config, "--out", "quickstart", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == report_of(tmp_path / "quickstart")
    assert report["test"]["accuracy"] >= 0.97
    assert [row["block"] for row in report["domain_gap"]] == ["stem", "block_1", "block_2", "block_3"]
    assert 0 < report["domain_gap_summary"]["distance"] < 0.4  # glyphs, and digits that the glyphs are like
    assert [entry["case"] for entry in report["recipe"]["alternatives"] if entry["taken"]] == [
        "many and near"
    ]
    assert report["recipe"]["figures"]["domain_gap"] == report["domain_gap_summary"]["distance"]
    assert [entry["status"] for entry in report["artifacts"]] == ["passed"] * 3
    assert call("verify", str(tmp_path / "quickstart" / "bundle")) == 0


def test_plan_agrees_with_the_run(finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plan", str(finished.config), "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    report = finished.report
    for split in ("train", "validation", "test"):
        assert plan["data"][split] == report["data"][split]
    for planned, done in zip(plan["phases"], report["phases"], strict=True):
        assert planned["name"] == done["name"]
        assert planned["trainable_parameters"] == done["trainable_parameters"]
        assert planned["cached_boundary"] == done["cached_boundary"]
        assert planned["feature_engine"] == done["feature_engine"]


def test_plan_says_that_a_head_is_too_large_to_be_solved(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tfxfer.training.linear.MOST_WORK", 100)
    assert call("plan", str(finished.config), "--json") == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert any("'head' is iterated over 2 epochs, not solved" in text for text in warnings)


def test_a_plan_knows_where_the_backbone_is_cut(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = {}
    for until in ("100%", "50%"):
        backbone = f"backbone: {{name: embedded/small, until: {until}}}\n"
        config = write_config(tmp_path / "run.yaml", photos, backbone=backbone)
        assert call("plan", str(config), "--json") == 0
        plans[until] = json.loads(capsys.readouterr().out)
    cut = plans["50%"]
    assert (cut["backbone"]["until"], cut["backbone"]["blocks"]) == ("50%", ["stem", "block_1"])
    assert cut["backbone"]["parameters"] < 0.1 * plans["100%"]["backbone"]["parameters"]
    assert cut["estimates"]["weights_bytes"] < 0.1 * plans["100%"]["estimates"]["weights_bytes"]
    assert cut["phases"][1]["learns"] == "block_1"
    assert [row["block"] for row in cut["domain_gap"]] == ["stem", "block_1"]
    assert cut["recipe"]["name"] == "phases"
    assert plans["100%"]["domain_gap_summary"]["distance"] > cut["domain_gap"][0]["distance"] > 0


@pytest.mark.parametrize("name", ["keras/MobileNetV2", "keras/ConvNeXtTiny"])
def test_plan_downloads_nothing(
    name: str,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import urllib.request

    def refused(*arguments: object, **options: object) -> None:
        raise AssertionError("plan went to the network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refused)
    backbone = f"backbone: {{name: {name}, image_size: 64}}\n"
    write_config(tmp_path / "run.yaml", photos, backbone=backbone, rest="")
    assert call("plan", str(tmp_path / "run.yaml"), "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["backbone"]["weights"] == "imagenet"
    assert plan["domain_gap"] == []
    assert "downloads nothing" in plan["domain_gap_summary"]["why"]
    assert [entry["taken"] for entry in plan["recipe"]["alternatives"]].count(True) == 1
    assert "domain gap not measured" in plan["recipe"]["why"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "run.yaml"]


def test_the_log_tells_time_forwards_and_is_not_a_line_for_each_photo(finished: Finished) -> None:
    events = events_of(finished.out)
    seconds = [event["seconds"] for event in events]
    assert seconds == sorted(seconds)
    reading = [event for event in events if event.get("task") == "reading pictures"]
    assert len(reading) < finished.report["data"]["train"]
