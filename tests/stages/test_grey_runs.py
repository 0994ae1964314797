"""`backbone.channels: 1`: a run on grey pictures from its configuration to the programs that read its bundle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.exports.consumers import CONSUMERS
from tests.exports.consumers import run as run_consumer
from tests.stages.running import report_of, write_config
from tfxfer.catalogue.grey import FORMULA

BACKBONE = "backbone: {name: embedded/small, image_size: [24, 32], channels: 1}\n"
REST = """
data: {path: photos, resize: crop}
training: feature_extraction
exports: [saved_model, litert, onnx]
evaluation: {baselines: true}
gates: {min_accuracy: 0}
"""


@pytest.mark.slow
def test_colour_pictures_become_grey_from_training_to_every_consumer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_photos(tmp_path / "photos", per_class=20)
    (tmp_path / "grey.yaml").write_text(BACKBONE + REST)
    assert call("plan", "grey.yaml", "--json") == 0, capsys.readouterr().err
    capsys.readouterr()
    assert call("run", "grey.yaml", "--out", "run", "--quiet") == 0, capsys.readouterr().err
    bundle, report = tmp_path / "run" / "bundle", report_of(tmp_path / "run")
    assert {artifact["status"] for artifact in report["artifacts"]} == {"passed"}
    check_contract(bundle)
    assert call("verify", "run/bundle") == 0, capsys.readouterr().out
    capsys.readouterr()
    said = [answers(model, capsys) for model in ("run", "run/bundle", "run/bundle/litert/float32.tflite")]
    assert said[0] == said[1] == said[2]
    for consumer in CONSUMERS:
        finished = run_consumer(consumer, bundle, "--golden", blocked=tmp_path / "blocked")
        assert finished.returncode == 0, finished.stderr
    write_config(tmp_path / "two.yaml", "photos", backbone="backbone: run/run\n", rest=REST.split("\n", 2)[2])
    assert call("run", "two.yaml", "--out", "two", "--quiet", "--set", "exports=[]") == 0
    network = json.loads((tmp_path / "two/network/network.json").read_text("utf-8"))
    assert network["input"]["channels"] == 1


def check_contract(bundle: Path) -> None:
    told = json.loads((bundle / "contract.json").read_text("utf-8"))["input"]
    assert told["shape"] == [None, 24, 32, 1]
    assert told["colour_order"] == "GRAY"
    assert told["grey"] == {"formula": FORMULA, "after": "resize"}
    assert np.load(bundle / "golden/inputs.npy").shape[1:] == (24, 32, 1)
    assert "grey pictures of 24 x 32" in (bundle / "MODEL_CARD.md").read_text("utf-8")


def answers(model: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    assert call("predict", "--model", model, "--data", "photos", "--json") == 0, capsys.readouterr().err
    entries = json.loads(capsys.readouterr().out)["predictions"]
    return [(entry["path"], entry["label"]) for entry in entries]
