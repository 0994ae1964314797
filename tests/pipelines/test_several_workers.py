"""The program for several machines, run by two processes on this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.programs import FOLDER
from tests.training.test_workers import free_ports, worker_environment

PROGRAM = FOLDER / "several_workers.py"


def started(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), "bundle"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_workers_reach_what_one_reaches_and_only_the_chief_writes(tmp_path: Path) -> None:
    ports = free_ports(2)
    environments = [
        {**os.environ, "TF_CONFIG": "{}"},
        *(worker_environment(ports, index) for index in range(2)),
    ]
    folders = [tmp_path / name for name in ("alone", "chief", "other")]
    processes = []
    for folder, environment in zip(folders, environments, strict=True):
        folder.mkdir()
        processes.append(started(folder, environment))
    told = []
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        told.append(output.splitlines())
    assert told[1][0] == told[2][0] == told[0][0]  # the solved head
    assert [line.partition(":")[0] for line in told[2]] == ["head", "last block"]
    alone, shared = (
        re.fullmatch(r"(\d) workers: passed, accuracy (0\.9\d+)", told[side][2]) for side in (0, 1)
    )
    assert alone is not None
    assert shared is not None
    assert (alone[1], shared[1]) == ("1", "2")
    assert [sorted(path.name for path in folder.iterdir()) for folder in folders] == [
        ["bundle"],
        ["bundle"],
        [],
    ]
