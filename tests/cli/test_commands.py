"""The commands on one part of the job: what they hand on, print and return."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.cli.plans import PLAN
from tests.cli.running import call
from tfxfer.catalogue.pixels import SIGNED_UNIT
from tfxfer.stages import tools

METRICS = {
    "accuracy": 0.5,
    "accuracy_interval": [0.4, 0.6],
    "n": 100,
    "per_class": [{"label": "red", "recall": 0.5}],
    "confusion": [[1, 0], [0, 1]],
    "warnings": ["accuracy is that of chance; see --pixels"],
}


def test_check_says_that_good_data_are_good(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check", str(photos)) == 0
    out, err = capsys.readouterr()
    assert "blue 20, red 20" in out
    assert err == ""


def test_check_lists_every_problem_and_exits_1(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    (photos / "red" / "empty.jpg").write_bytes(b"")
    assert call("check", str(photos)) == 1
    out, err = capsys.readouterr()
    assert "broken.png" in out
    assert "empty.jpg" in out
    assert err.startswith(f"error: '{photos}' has 2 problems that `run` would refuse. Repair the data, or ")
    assert "--set data.on_bad_record=skip" in err
    assert call("check", str(photos), "--json") == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) >= 2


def test_check_tells_the_task_from_the_columns(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(photos.rglob("*.png"))[:30]
    rows = [f"{file.relative_to(photos)},{number},dark|{number % 2}" for number, file in enumerate(files)]
    manifest = photos / "m.csv"
    manifest.write_text("\n".join(["path,value,tags", *rows]))
    call("check", str(manifest), "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["task"], report["values"]["max"]) == ("regression", 29.0)
    manifest.write_text("\n".join(["path,value,labels", *rows]))
    assert call("check", str(manifest)) == 1
    assert "--task" in capsys.readouterr().err
    call("check", str(manifest), "--task", "multi_label", "--json")
    assert json.loads(capsys.readouterr().out)["classes"]["dark"] == 30


def test_evaluate_prints_figures_and_warns_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stand_in(
        model: Path, data: str, *, pixels: object, input_dtype: str | None, task: str | None
    ) -> dict[str, object]:
        assert (data, pixels, input_dtype) == ("photos", SIGNED_UNIT, "float32")
        return METRICS

    monkeypatch.setattr(tools, "evaluate_path", stand_in)
    options = [
        "--model",
        str(tmp_path),
        "--data",
        "photos",
        "--pixels",
        "[-1, 1]",
        "--input-dtype",
        "float32",
    ]
    assert call("evaluate", *options, "--out", str(tmp_path / "out")) == 0
    out, err = capsys.readouterr()
    assert "accuracy interval: 0.4, 0.6" in out
    assert "red       0.5" in out
    assert "confusion" not in out
    assert err == "warning: accuracy is that of chance; see --pixels\n"
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == METRICS


def test_memory_that_runs_out_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stand_in(*given: object, **options: object) -> dict[str, object]:
        return {"n": np.empty(1 << 48)}

    monkeypatch.setattr(tools, "evaluate_path", stand_in)
    assert call("evaluate", "--model", str(tmp_path), "--data", "photos", "--out", str(tmp_path / "out")) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: memory must hold what is worked on. Received: Unable to allocate")
    assert "training.batch_size" in err


def test_pixels_may_be_a_mapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(
        tools, "evaluate_path", lambda *_, pixels, input_dtype, task: seen.append(pixels) or METRICS
    )
    options = ["--model", str(tmp_path), "--data", "photos"]
    assert call("evaluate", *options, "--pixels", "{scale: 0.00784313725490196, offset: -1}") == 0
    assert seen == [SIGNED_UNIT]


def test_export_hands_on_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stand_in(model: Path, data: str, out: Path, **options: object) -> dict[str, object]:
        assert options["formats"] == ("onnx", "litert:float32")
        assert options["overwrite"] is True
        artifact = {"format": "onnx", "precision": "float32", "status": "passed"}
        return {"bundle": "b", "passed": True, "test": METRICS, "artifacts": [artifact]}

    monkeypatch.setattr(tools, "export_path", stand_in)
    options = ["--model", str(tmp_path), "--data", "photos", "--out", str(tmp_path / "b"), "--overwrite"]
    assert call("export", *options, "--format", "onnx", "--format", "litert:float32") == 0
    assert "onnx:float32  passed" in capsys.readouterr().out


def test_predict_takes_folders_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = {
        "predictions": [{"path": "a.png", "label": "red", "probabilities": {"red": 0.75, "blue": 0.25}}]
    }

    def stand_in(model: Path, data: tuple[str, ...]) -> dict[str, object]:
        assert data == ("folder", "a.png", "b.png")
        return report

    monkeypatch.setattr(tools, "predict_path", stand_in)
    options = ["--model", str(tmp_path), "--data", "folder", "--data", "a.png", "b.png"]
    assert call("predict", *options) == 0
    assert "a.png  red           0.75" in capsys.readouterr().out
    assert call("predict", *options, "--json") == 0
    assert json.loads(capsys.readouterr().out) == report


def test_verify_of_a_folder_that_is_no_bundle_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("verify", str(tmp_path)) == 1
    assert "manifest.json" in capsys.readouterr().err


def test_verify_prints_every_check_and_exits_1_where_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tfxfer.verification import verify
    from tfxfer.verification.report import Check, VerifyReport

    checks = (Check("files", "passed", "21 files"), Check("labels", "failed", "two are exchanged"))
    monkeypatch.setattr(verify, "inspect_bundle", lambda path, data, key: VerifyReport("b", checks))
    assert call("verify", str(tmp_path)) == 1
    out, err = capsys.readouterr()
    assert "labels  failed  two are exchanged" in out
    assert err == f"error: '{tmp_path}' is not verified; failed checks: labels.\n"
    assert call("verify", str(tmp_path), "--json") == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_plan_is_a_page_or_a_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tfxfer.stages.plan", SimpleNamespace(make_plan=lambda config: PLAN))
    (tmp_path / "run.yaml").write_text("data: embedded/digits\nbackbone: embedded/small\n")
    assert call("plan", str(tmp_path / "run.yaml")) == 0
    out = capsys.readouterr().out
    assert "train: 700 images" in out
    assert "warning: few pictures" in out
    assert call("plan", str(tmp_path / "run.yaml"), "--json") == 0
    assert json.loads(capsys.readouterr().out) == PLAN


def test_predict_looks_for_the_pictures_before_it_opens_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", "--model", str(tmp_path), "--data", str(tmp_path / "nowhere")) == 1
    assert "Received: nothing is there" in capsys.readouterr().err  # and not that the model is none
