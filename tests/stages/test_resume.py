"""A run that is killed goes on, and ends with the bytes of one that was never killed."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import make_photos
from tests.stages.running import command, environment, events_of, snapshot, write_config
from tfxfer.config.read import read_config
from tfxfer.stages.pipeline import run_pipeline

REST = """
exports: []
evaluation: {baselines: false}
training:
  batch_size: 8
  checkpoint_minutes: 0.0001
  phases:
    - {name: head, epochs: 2, unfreeze: none, solver: gradient}
    - {name: fine, epochs: 3, unfreeze: 2 blocks, learning_rate: 0.001, ema_momentum: 0.9}
"""


def killed_at(line: str, folder: Path, out: str) -> str:
    """What is told by a run that is killed as soon as it tells `line`."""
    arguments = command("run", "run.yaml", "--out", out, "--resume")
    own = environment(TFXFER_CACHE=f"{folder / out} cache")
    process = subprocess.Popen(arguments, cwd=folder, env=own, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = []
    for text in process.stderr:
        told.append(text)
        if line in text:
            process.kill()
    assert process.wait(60) == -signal.SIGKILL, "".join(told)
    return "".join(told)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small run with two phases of gradient steps, to be made."""
    make_photos(tmp_path / "photos", per_class=12)
    write_config(tmp_path / "run.yaml", "photos", rest=REST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_killed_run_ends_with_the_same_bytes(folder: Path) -> None:
    killed_at("fine: epoch 1/3", folder, "killed")
    run_pipeline(read_config(Path("run.yaml")), Path("killed"), resume=True)
    assert any("fine goes on at epoch" in str(event.get("text")) for event in events_of(Path("killed")))
    run_pipeline(read_config(Path("run.yaml")), Path("whole"))
    assert snapshot(Path("killed/network")) == snapshot(Path("whole/network"))


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_bytes(folder: Path) -> None:
    for line in ("data", "train", "head: epoch 1/2", "fine: epoch 1/3", "fine: epoch 2/3", "evaluate"):
        killed_at(line, folder, "killed")
    run_pipeline(read_config(Path("run.yaml")), Path("killed"), resume=True)
    run_pipeline(read_config(Path("run.yaml")), Path("whole"))
    assert snapshot(Path("killed/network")) == snapshot(Path("whole/network"))
    assert not list(Path("killed").rglob("*.part"))


def test_what_a_killed_process_left_half_written_goes_away(folder: Path) -> None:
    run_pipeline(read_config(Path("run.yaml"), ["training.phases=[{epochs: 1}]"]), Path("out"))
    half = Path("out/stages/.train-1234.abcd_123.part")
    half.mkdir()
    (half / "weights").write_bytes(b"half")
    log = Path("out/log.jsonl")
    before = log.read_bytes()
    log.write_bytes(before + b'{"event": "epo')
    run_pipeline(read_config(Path("run.yaml"), ["training.phases=[{epochs: 1}]"]), Path("out"), resume=True)
    assert not half.exists()
    assert log.read_bytes().startswith(before)
    assert events_of(Path("out"))  # every line is whole
