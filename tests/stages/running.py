"""Real runs of the real command line, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tfxfer.store.fingerprint import file_sha256

# Two phases, so that a solved head, kept features and gradient steps are all in it.
TWO_PHASES = """
training:
  batch_size: 16
  phases:
    - {name: head, epochs: 2, unfreeze: none}
    - {name: fine, epochs: 2, unfreeze: 1 blocks, learning_rate: 0.001}
"""
BACKBONE = "backbone: {name: embedded/small, image_size: 32, weights: none}\n"


def write_config(file: Path, data: Path | str, *, backbone: str = BACKBONE, rest: str = TWO_PHASES) -> Path:
    """A configuration of a small run over `data`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"data: {json.dumps(str(data), ensure_ascii=False)}\n{backbone}{rest}", encoding="utf-8")
    return file


def environment(**more: str) -> dict[str, str]:
    """That of a user who has set nothing of TensorFlow's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
    return {**kept, "COLUMNS": "100", **more}


def command(*arguments: str | Path) -> list[str]:
    """The command line as `tfxfer ARGUMENTS`, run by this Python."""
    return [sys.executable, "-m", "tfxfer", *map(str, arguments)]


def run_process(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command as a user does, to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


# Root may write anywhere. This process gives that up before it becomes the command, so that chmod counts for it.
_OBEYS_CHMOD = """
import ctypes, os, sys
DROP, OVERRIDE_WRITE, OVERRIDE_READ = 24, 1, 2  # linux/prctl.h, linux/capability.h
if os.geteuid() == 0:
    library = ctypes.CDLL(None)
    for capability in (OVERRIDE_WRITE, OVERRIDE_READ):
        assert library.prctl(DROP, capability, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-m", "tfxfer", *sys.argv[1:]])
"""


def run_obeying_chmod(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command as a user whom file permissions bind; the tests may themselves be root's."""
    return subprocess.run(
        [sys.executable, "-c", _OBEYS_CHMOD, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def report_of(out: Path) -> dict[str, Any]:
    """The figures of a run."""
    return dict(json.loads((out / "report.json").read_text(encoding="utf-8")))


def events_of(out: Path) -> list[dict[str, Any]]:
    """Every event of all runs in this folder."""
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def snapshot(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, and each empty folder, by relative name."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path) if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() or not any(path.iterdir())
    }


def cached_stages(events: Iterable[Mapping[str, object]]) -> set[str]:
    """The stages that took their result from before."""
    return {
        str(event["name"])
        for event in events
        if event["event"] == "stage" and event.get("status") == "cached"
    }
