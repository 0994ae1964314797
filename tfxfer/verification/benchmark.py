"""How fast an artifact is and what it needs: each one alone in a process of its own, by threads and batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tfxfer.errors import RuntimeUnavailableError, UsageError

CHILD = "tfxfer.verification.benchmark_child"
MOST_RUNS = 100_000


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of every artifact.

    Raises:
        UsageError: a number below 1.
    """

    threads: tuple[int, ...]
    batches: tuple[int, ...]
    runs: int = 50
    warm_up: int = 5

    def __post_init__(self) -> None:
        for name, values in (("threads", self.threads), ("batch", self.batches), ("runs", (self.runs,))):
            if not values or min(values) < 1 or max(values) > MOST_RUNS:
                raise UsageError(
                    f"--{name} must be whole numbers from 1 to {MOST_RUNS:,}. Received: {list(values)}."
                )


@dataclass(frozen=True, slots=True)
class Measurement:
    """One artifact at one number of threads and one batch size, on this machine."""

    threads: int
    batch: int
    p50_ms: float  # of one prediction of the whole batch
    p95_ms: float
    images_per_second: float
    load_ms: float  # from the file to the first prediction being possible; the engine is imported already
    peak_memory_bytes: (
        int | None
    )  # of the whole process, engine included; None where the system does not tell
    model_memory_bytes: int | None  # of that, what came with the file and its predictions
    runs: int

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        return asdict(self)


def measure_alone(format: str, path: Path, load: Load, threads: int) -> tuple[Measurement, ...]:
    """Run one artifact in a new process, once for each batch size, smallest first.

    Raises:
        RuntimeUnavailableError: its engine is not installed, refuses the file, or ends the process.
    """
    request = {
        "format": format,
        "path": str(path.resolve()),
        "threads": threads,
        "batches": sorted(set(load.batches)),
        "runs": load.runs,
        "warm_up": load.warm_up,
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", CHILD],  # -P: nothing in the current folder is mistaken for a library
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    answer = _answer(done.stdout)
    if answer is None:
        raise RuntimeUnavailableError(
            f"'{path}' must run in a process of its own. Received: exit code {done.returncode}, "
            f"{' '.join(_last_lines(done.stderr)) or 'no message'}. Is there enough memory?"
        )
    if isinstance(answer, str):
        raise RuntimeUnavailableError(answer)
    return tuple(Measurement(**entry) for entry in answer)


def _answer(text: str) -> list[dict[str, Any]] | str | None:
    """What the child found, its error, or None where it did not come to an end."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value["error"] if "error" in value else value["measurements"]


def _last_lines(text: str) -> Sequence[str]:
    return text.strip().splitlines()[-3:]
