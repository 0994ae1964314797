"""The program that makes the embedded weights, at a small size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.pipelines.programs import FOLDER
from tfxfer.backbones.backbone import load_backbone


def test_it_writes_weights_that_the_backbone_takes(tmp_path: Path) -> None:
    file = tmp_path / "small.safetensors"
    command = [sys.executable, str(FOLDER / "pretrain_embedded.py"), "--out", str(file), "--seed", "1"]
    finished = subprocess.run(
        [*command, "--parts", "2", "--epochs", "1"], check=False, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert "epoch 1: accuracy" in finished.stdout
    assert "SHA-256" in finished.stdout
    learnt = load_backbone("embedded/small", weights=str(file)).model.get_weights()
    start = load_backbone("embedded/small", weights="none", seed=1).model.get_weights()
    changed = [not np.array_equal(one, other) for one, other in zip(learnt, start, strict=True)]
    assert all(changed)


def test_programs_are_short() -> None:
    assert len((FOLDER / "pretrain_embedded.py").read_text().splitlines()) <= 80
