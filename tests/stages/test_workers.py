"""`tfxfer run` in two processes of one cluster: they train together, and the chief alone writes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.stages.running import cached_stages, command, environment, events_of, report_of, write_config
from tests.training.test_workers import free_ports, worker_environment

REST = """
training:
  batch_size: 64
  phases:
    - {name: head, epochs: 2, unfreeze: none}
    - {name: fine, epochs: 1, unfreeze: 1 blocks, learning_rate: 0.0001}
exports: [litert]
evaluation: {baselines: true}
"""


def run_both(folder: Path, *arguments: str) -> list[subprocess.CompletedProcess[str]]:
    """The same command line in both workers, each in a folder of its own."""
    ports, processes = free_ports(2), []
    for index, name in enumerate(("chief", "other")):
        (folder / name).mkdir(exist_ok=True)
        given = environment(TF_CONFIG=worker_environment(ports, index)["TF_CONFIG"])
        processes.append(
            subprocess.Popen(
                command("run", folder / "config.yaml", "--out", "run", *arguments),
                cwd=folder / name,
                env=given | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    found = []
    for process in processes:
        output, errors = process.communicate()
        found.append(subprocess.CompletedProcess(process.args, process.returncode, output, errors))
    return found


@pytest.mark.slow
def test_two_workers_make_one_run(tmp_path: Path) -> None:
    backbone = "backbone: {name: embedded/small, image_size: 32}\n"
    write_config(tmp_path / "config.yaml", "embedded/digits", backbone=backbone, rest=REST)
    chief, other = run_both(tmp_path)
    assert chief.returncode == 0, chief.stderr
    assert other.returncode == 0, other.stderr
    assert list((tmp_path / "other").iterdir()) == []
    assert other.stdout == ""
    assert "this worker's training is done; the chief writes the results" in other.stderr
    report = report_of(tmp_path / "chief" / "run")
    assert report["device"].startswith("2 workers with 1 CPU each")
    assert report["test"]["accuracy"] > 0.95
    assert [entry["status"] for entry in report["artifacts"]] == ["passed"]
    chief, other = run_both(tmp_path, "--resume")
    assert (chief.returncode, other.returncode) == (0, 0), chief.stderr + other.stderr
    assert "train" in cached_stages(events_of(tmp_path / "chief" / "run"))
    assert list((tmp_path / "other").iterdir()) == []
