"""The five statements that are enough, with real weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ASKED = ["litert:int8", "onnx"]


@pytest.mark.real
def test_five_statements_train_and_prove_a_bundle(assets: Path, keras_home: Path, tmp_path: Path) -> None:
    """In a process of its own, where KERAS_HOME is set before Keras is imported."""
    environment = {**os.environ, "KERAS_HOME": str(keras_home), "PYTHONPATH": str(ROOT)}
    program = Path(__file__).with_name("five_statements.py")
    done = subprocess.run(
        [sys.executable, str(program), str(assets / "images" / "flowers5"), *ASKED],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["accuracy"] >= 0.9
    assert found["weights"] == "imagenet"
    assert set(found["checks"]) == {"passed"}
    contract = json.loads((tmp_path / "bundle/contract.json").read_text("utf-8"))
    assert contract["outputs"][0]["labels"] == ["daisy", "rose"]
    assert contract["input"]["shape"] == [None, 224, 224, 3]
    assert contract["input"]["dtype"] == "uint8"
    names = [f"{entry['format']}:{entry['precision']}" for entry in contract["quantization"].values()]
    assert names == ["litert:int8", "onnx:float32"]
