"""One finished run for all tests that only look at it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_photos
from tests.stages.running import report_of, run_process, write_config


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that ended well: what it read, where it wrote, what it printed."""

    folder: Path
    process: subprocess.CompletedProcess[str]

    @property
    def config(self) -> Path:
        return self.folder / "run.yaml"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def report(self) -> dict[str, Any]:
        return report_of(self.out)

    def copy(self, to: Path) -> Path:
        """The run directory, to be changed."""
        return Path(shutil.copytree(self.out, to))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """`tfxfer run` over 2 x 24 generated photos, with three exports, done once in a process of its own."""
    folder = tmp_path_factory.mktemp("finished")
    make_photos(folder / "photos", per_class=24)
    write_config(folder / "run.yaml", "photos")
    process = run_process("run", "run.yaml", "--out", "out", cwd=folder)
    assert process.returncode == 0, process.stderr
    return Finished(folder, process)
