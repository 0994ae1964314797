"""What a machine does to a run: a full disk, a second process, a folder that cannot be written, files that change."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.running import call
from tests.conftest import make_photos
from tests.stages.conftest import Finished
from tests.stages.running import report_of, snapshot, write_config
from tfxfer.store.lock import exclusive

REST = """
exports: [onnx]
evaluation: {baselines: false}
training: {batch_size: 8, phases: [{epochs: 2, unfreeze: 1 blocks, learning_rate: 0.001, solver: gradient}]}
"""


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Inside the block no file can grow beyond this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def complete(out: Path) -> list[str]:
    """Names of what looks like finished results."""
    return sorted(
        path.name.rpartition("-")[0] for path in (out / "stages").iterdir() if (path / "key.json").is_file()
    )


def test_a_full_disk_keeps_what_is_done_and_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_photos(tmp_path / "photos", per_class=12)
    config, out = str(write_config(tmp_path / "run.yaml", "photos", rest=REST)), tmp_path / "out"
    known: list[list[str]] = []
    for limit in (40_000, 900_000):  # too small for the decoded pictures, and for the network
        with largest_file(limit):
            code = call("run", config, "--out", str(out), "--resume")
        told = capsys.readouterr().err
        assert code == 1, told
        assert "Make room" in told
        assert "Traceback" not in told
        assert not list(out.rglob("*.part"))
        known.append(complete(out) if out.exists() else [])
    assert known == [[], ["data"]]
    assert f"go on with: tfxfer run {config} --out {out} --resume" in told
    assert call("run", config, "--out", str(out), "--resume") == 0


def test_two_runs_in_one_folder(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = finished.copy(tmp_path / "out")
    before = snapshot(out)
    with exclusive(out / ".lock"):
        assert call("run", str(finished.config), "--out", str(out), "--resume") == 1
    assert "one process at a time" in capsys.readouterr().err
    assert snapshot(out) == before


def test_a_folder_that_cannot_be_written(finished: Finished, capsys: pytest.CaptureFixture[str]) -> None:
    place = "/proc/tfxfer-runs/out"  # which the kernel lets nobody write, not even root
    assert call("run", str(finished.config), "--out", place) == 2
    assert f"--out must be a folder that can be written. Received: '{place}'" in capsys.readouterr().err


def test_a_clock_that_goes_back_changes_nothing(finished: Finished, tmp_path: Path) -> None:
    out = finished.copy(tmp_path / "out")
    for path in out.rglob("*"):
        os.utime(path, (4e9, 4e9))
    assert call("run", str(finished.config), "--out", str(out), "--resume") == 0
    assert set(report_of(out)["stages"]) == set(finished.report["stages"])
