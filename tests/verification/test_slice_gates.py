"""The worst slice is judged by itself: a good average does not hide it."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.errors import GateError
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.scoring import Scoring
from tfxfer.evaluation.slices import slice_drops
from tfxfer.runtimes.outputs import Outputs
from tfxfer.verification.evidence import Evidence
from tfxfer.verification.gates import check_gates
from tfxfer.verification.parity import parity

N = 400
DARK = 40  # the first images


def damaged(lost: int) -> Evidence:
    """An artifact that gets `lost` of the 40 dark images wrong and all 360 others right."""
    targets = np.arange(N) % 2
    logits = np.where(np.eye(2)[targets] > 0, 4.0, -4.0)
    other = logits.copy()
    other[:lost] *= -1
    scoring = Scoring("classification", ("a", "b"))
    slicings = {"light": ["dark" if index < DARK else "bright" for index in range(N)]}
    before, after = (
        Predictions(Outputs(1 / (1 + np.exp(-values)), values), targets, np.ones(N))
        for values in (logits, other)
    )
    drops = slice_drops(
        slicings, scoring.per_image(before), scoring.per_image(after), np.ones(N), "classification"
    )
    found = parity(before.outputs, after.outputs, targets, scoring=scoring)
    return Evidence(found, scoring.metrics(after), 1, slices=drops)


def test_damage_to_one_slice_is_caught_where_the_overall_gate_holds() -> None:
    overall, worst = check_gates({"max_accuracy_drop": 0.02, "max_slice_drop": 0.05}, damaged(6))
    assert overall.passed
    assert not worst.passed
    assert worst.value == pytest.approx(6 / DARK)
    assert worst.why.startswith("light = dark")


def test_one_image_of_a_small_slice_is_the_luck_of_the_draw() -> None:
    (worst,) = check_gates({"max_slice_drop": 0.02}, damaged(1))
    assert worst.passed
    assert "luck" in worst.why
    assert not check_gates({"max_slice_drop": 0.02}, damaged(2))[0].passed


def test_the_accuracy_of_the_worst_slice() -> None:
    (worst,) = check_gates({"min_slice_accuracy": 0.9}, damaged(6))
    assert worst.value == pytest.approx(34 / DARK)
    assert not worst.passed
    assert check_gates({"min_slice_accuracy": 0.8}, damaged(6))[0].passed


def test_without_slices_the_gate_is_refused() -> None:
    given = damaged(0)
    with pytest.raises(GateError, match=r"evaluation\.slices"):
        check_gates({"max_slice_drop": 0.1}, Evidence(given.parity, given.metrics, 1))
