"""Node and the packages of the JavaScript consumers, for tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NODE = ROOT / "exports" / "node_onnxruntime"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def installed(consumer: str, to: Path) -> Path:
    """A copy of a consumer's folder with its packages, as its README says."""
    folder = Path(shutil.copytree(ROOT / "exports" / consumer, to / consumer))
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=500)
    assert finished.returncode == 0, finished.stderr
    return folder


def evaluated(program: str, given: Any) -> Any:
    """What a module of JavaScript prints as JSON; it reads `given`, JSON, from its standard input."""
    command = ["node", "--input-type=module", "--eval", program]
    finished = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)
