"""Two worker processes on loopback do what one does; and what happens when one of them is lost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.training.two_workers import trained

END_S = 60  # in which the loss of a worker must be told


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind(("localhost", 0))
        return [int(held.getsockname()[1]) for held in sockets]
    finally:
        for held in sockets:
            held.close()


def worker_environment(ports: Sequence[int], index: int) -> dict[str, str]:
    """This process's environment, and which worker it is to be."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return {
        **os.environ,
        "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
    }


def start(environment: dict[str, str], *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.training.two_workers", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str], timeout: float | None = None) -> tuple[int, str]:
    """Exit code and stderr."""
    try:
        _, errors = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, errors


def results(folder: Path, *names: str) -> tuple[dict[str, Any], ...]:
    """What came of the phases alone, and in each of two workers."""
    ports = free_ports(2)
    workers = [
        start(worker_environment(ports, index), folder / f"{index}.json", *names) for index in range(2)
    ]
    alone = trained(names, folder, None)
    for process in workers:
        code, errors = ended(process)
        assert code == 0, errors
    return (alone, *(json.loads((folder / f"{index}.json").read_text("utf-8")) for index in range(2)))


def difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    assert set(one) == set(other)
    return max((float(np.max(np.abs(np.subtract(one[key], other[key])))) for key in one), default=0.0)


@pytest.mark.parametrize(
    "names", [("head", "blocks"), pytest.param(("solved", "streamed", "summed"), marks=pytest.mark.slow)]
)
def test_two_workers_do_what_one_process_does_in_float64(names: tuple[str, ...], tmp_path: Path) -> None:
    alone, chief, other = results(tmp_path, *names)
    if "head" in names:
        for worker in (chief, other):
            assert (
                "features.engine must be the same for every worker. Received: 'fastest'" in worker["fastest"]
            )
    for name in names:
        assert chief[name]["weights"] == other[name]["weights"], name  # bit by bit
        assert chief[name]["history"] == other[name]["history"], name
        assert difference(alone[name]["weights"], chief[name]["weights"]) < 1e-8, name
        assert difference(alone[name]["history"], chief[name]["history"]) < 1e-6, name  # metrics are float32
        np.testing.assert_allclose(alone[name]["steps"], chief[name]["steps"], atol=1e-8)
        assert np.ptp(alone[name]["steps"] or [0, 1]) > 1e-3


@pytest.mark.slow
def test_two_workers_train_the_main_job_as_one_process_does(tmp_path: Path) -> None:
    names = ("main head", "main solved", "main blocks")
    alone, chief, _ = results(tmp_path, *names)
    assert difference(alone["main head"]["history"], chief["main head"]["history"]) < 1e-4
    np.testing.assert_allclose(alone["main head"]["steps"], chief["main head"]["steps"], atol=1e-4)
    np.testing.assert_allclose(
        alone["main blocks"]["steps"][:5], chief["main blocks"]["steps"][:5], atol=1e-4
    )
    images = 270  # of the validation split
    assert abs(alone["main blocks"]["kept"] - chief["main blocks"]["kept"]) < 1.5 / images


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_lost_worker_is_told_to_the_other(victim: int, tmp_path: Path) -> None:
    ports = free_ports(2)
    workers = [
        start(
            worker_environment(ports, index),
            tmp_path / "out.json",
            f"die={2 if index == victim else 10**6}",
            "long",
        )
        for index in range(2)
    ]
    code, _ = ended(workers[victim])
    assert code == -9
    code, errors = ended(workers[1 - victim], timeout=END_S)
    assert code == 1
    assert "every worker must live until the training is done. Received: another one was lost" in errors
    assert "in phase 'long'" in errors


@pytest.mark.slow
def test_workers_with_different_data_are_refused_in_both(tmp_path: Path) -> None:
    ports = free_ports(2)
    workers = [
        start(worker_environment(ports, index), tmp_path / "out.json", name)
        for index, name in enumerate(("head", "blocks"))
    ]
    for process in workers:
        code, errors = ended(process, timeout=300)
        assert code == 1
        assert "every worker must have the same phase, seed and data" in errors
