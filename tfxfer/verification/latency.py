"""How long one picture takes, as an app would ask: one at a time, after warming up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tfxfer.errors import VerificationError
from tfxfer.runtimes.outputs import Outputs


class PredictsImages(Protocol):
    def predict(self, images: np.ndarray) -> Outputs: ...


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one prediction of one picture, on the machine that measured it."""

    p50_ms: float
    p95_ms: float
    runs: int
    warm_up: int
    threads: int | None  # as asked of the runtime; None: the runtime's own choice


def measure_latency(
    runtime: PredictsImages,
    image: np.ndarray,
    *,
    runs: int = 50,
    warm_up: int = 5,
    threads: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Time `runtime` on one picture, (H, W, 3), `runs` times after `warm_up` unmeasured ones.

    `threads` is what the runtime was opened with, and only written down. `clock` gives seconds.

    Raises:
        VerificationError: runs is less than 1.
    """
    batch = np.ascontiguousarray(image[None])
    seconds = timed_runs(runtime, batch, runs=runs, warm_up=warm_up, clock=clock)
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Latency(float(p50), float(p95), runs, warm_up, threads)


def timed_runs(
    runtime: PredictsImages,
    batch: np.ndarray,
    *,
    runs: int,
    warm_up: int,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Seconds of each of `runs` predictions of `batch`, (N, H, W, C), after `warm_up` that are not counted.

    Raises:
        VerificationError: runs is less than 1.
    """
    if runs < 1 or warm_up < 0:
        raise VerificationError(
            f"a latency needs runs >= 1 and warm_up >= 0. Received: {runs} and {warm_up}."
        )
    for _ in range(warm_up):
        runtime.predict(batch)
    return [_timed(runtime, batch, clock) for _ in range(runs)]


def _timed(runtime: PredictsImages, batch: np.ndarray, clock: Callable[[], float]) -> float:
    start = clock()
    runtime.predict(batch)
    return clock() - start
