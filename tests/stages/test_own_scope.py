"""freeze, fit, evaluate and export of a user's own model, inside the user's own strategy scope."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("replicas", [1, 2])
def test_everything_of_the_users_own_goes_through(replicas: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.stages.own_scope", str(replicas), str(tmp_path / "bundle")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == replicas
    assert found["cached"] == found["boundary"]
    assert found["epochs"] == 4
    assert found["loss"][-1] < found["loss"][0]
    assert found["frozen"] is True
    assert found["accuracy"] == found["exported"] > 0.8
    assert found["statuses"] == ["passed"] * 3
    assert found["verified"] is True
