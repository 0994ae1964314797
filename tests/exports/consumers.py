"""How the programs of exports/ are run: as a user would, where TensorFlow and tfxfer cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CONSUMERS = {"litert_python": "litert/float32.tflite", "onnxruntime_python": "onnx/float32.onnx"}

# Python runs this file by itself at start: an import of these packages then fails.
BLOCK = """
import sys
for name in ("tensorflow", "tf_keras", "keras", "tfxfer"):
    sys.modules[name] = None
"""


def run(consumer: str, *arguments: str | Path, blocked: Path) -> subprocess.CompletedProcess[str]:
    blocked.mkdir(exist_ok=True)
    (blocked / "sitecustomize.py").write_text(BLOCK)
    command = [sys.executable, str(ROOT / "exports" / consumer / "predict.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(blocked)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
