"""Latency is counted per picture, after warming up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tfxfer.errors import VerificationError
from tfxfer.runtimes.outputs import Outputs
from tfxfer.verification.latency import measure_latency


class Counting:
    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def predict(self, images: np.ndarray) -> Outputs:
        self.shapes.append(images.shape)
        return Outputs(np.zeros((1, 2)), np.zeros((1, 2)))


def test_percentiles_of_a_known_clock() -> None:
    runtime = Counting()
    seconds = itertools.accumulate(itertools.chain([0.0], *([0.001 * run, 0.0] for run in range(1, 101))))
    found = measure_latency(
        runtime, np.zeros((4, 5, 3)), runs=100, warm_up=3, threads=2, clock=seconds.__next__
    )
    assert runtime.shapes == [(1, 4, 5, 3)] * 103
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p95_ms == pytest.approx(95.05)
    assert (found.runs, found.warm_up, found.threads) == (100, 3, 2)


def test_no_runs() -> None:
    with pytest.raises(VerificationError, match="runs >= 1"):
        measure_latency(Counting(), np.zeros((4, 5, 3)), runs=0)
