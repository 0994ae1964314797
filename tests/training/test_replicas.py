"""Two replicas do what one does. In a process of its own: logical devices are set before TensorFlow starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def compared(*names: str) -> dict[str, dict[str, Any]]:
    """Phase -> how far its outcome on two logical devices is from that on one."""
    command = [sys.executable, "-m", "tests.training.two_replicas", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(names)
    return found


def require_agreement(found: dict[str, dict[str, Any]]) -> None:
    for name, difference in found.items():
        assert difference["history"] < 1e-6, name  # metrics count in float32
        assert difference["weights"] < 1e-10, name
        assert {"val_entropy", "entropy", "val_accuracy"} <= set(difference["metrics"])


def test_two_replicas_agree_with_one() -> None:
    require_agreement(compared("blocks", "augmented"))


@pytest.mark.slow
def test_two_replicas_agree_with_one_in_every_kind_of_phase() -> None:
    require_agreement(compared("head", "streamed", "pulled", "adapted", "summed", "adamw"))


@pytest.mark.slow
def test_every_block_has_its_rate_on_two_replicas_as_on_one() -> None:
    """That the first update has the ratio asked for on one is tested in test_rates.py."""
    require_agreement(compared("sgd", "adam", "rmsprop", "lion"))
