"""How the tests call the command line: in this process, or as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tfxfer.cli.main import exit_code

HEAVY = ("tensorflow", "keras", "sklearn", "onnxruntime")

# Runs the command line and says which heavy packages it imported, on a last line of stderr.
_SPY = """
import sys
from tfxfer.cli.main import exit_code
code = exit_code(sys.argv[1:])
print("imported:", *(name for name in %r if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""


def call(*arguments: str) -> int:
    """Run one command in this process; its output is for `capsys`."""
    return exit_code(arguments)


def spy(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command in a new process that ends by naming the heavy packages it imported."""
    return subprocess.run(
        [sys.executable, "-c", _SPY % (HEAVY,), *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one error message on stderr; nothing is on stdout, and there is no traceback."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("error: ") == 1
    assert "Traceback" not in err
    return err
