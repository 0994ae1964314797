"""Two processes never write into one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tfxfer.store.lock import exclusive

TRY = """
import sys
from pathlib import Path
from tfxfer.errors import RunError
from tfxfer.store.lock import exclusive
try:
    with exclusive(Path(sys.argv[1])):
        print("held")
except RunError as error:
    print(error)
"""


def _second_process(path: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", TRY, str(path)], check=True, capture_output=True, text=True
    ).stdout


def test_a_second_process_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with exclusive(path):
        assert "one process at a time" in _second_process(path)
    assert _second_process(path) == "held\n"
