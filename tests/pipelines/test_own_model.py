"""The program for a user's own model, run as a script in an empty folder."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.pipelines.programs import FOLDER

PROGRAM = FOLDER / "own_model.py"


def test_it_fine_tunes_and_proves_three_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^head: head only: 0 of 4,848 .* accuracy 0\.[89]", done.stdout, re.MULTILINE)
    assert re.search(r"^last block: last block: 4,608 of 4,848 .* accuracy 0\.9", done.stdout, re.MULTILINE)
    assert done.stdout.count(": passed, ") == 3
    assert done.stdout.endswith("verified: True\n")
    contract = json.loads((tmp_path / "bundle/contract.json").read_text("utf-8"))
    assert contract["outputs"][0]["labels"] == ["five", "six", "seven", "eight", "nine"]
    assert contract["input"]["shape"] == [None, 8, 8, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
