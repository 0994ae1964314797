"""Two replicas do what one does. In a process of its own: logical devices are set before TensorFlow starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_two_replicas_agree_with_one() -> None:
    command = [sys.executable, "-m", "tests.training.two_replicas"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {"adapted", "head", "blocks", "mapped", "pulled", "streamed", "summed"}
    for name, difference in found.items():
        assert difference["history"] < 1e-6, name  # metrics count in float32
        assert difference["weights"] < 1e-6, name  # optimizers keep their rates in float32
        assert {"val_entropy", "entropy", "val_accuracy"} <= set(difference["metrics"])
