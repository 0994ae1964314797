"""The temperature that makes confidence honest, and the cases that have none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.score import score_predictions
from tfxfer.evaluation.temperature import find_temperature, tempered
from tfxfer.runtimes.outputs import Outputs


def said(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> Predictions:
    ones = np.ones(len(targets)) if weights is None else weights
    return Predictions(Outputs(softmax(logits, axis=1), logits), targets, ones)


def too_sure(times: float, n: int = 20_000) -> Predictions:
    """Logits that would be honest if they were divided by `times`."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 2, (n, 4))
    shares = softmax(honest, axis=1).cumsum(axis=1)
    return said(honest * times, (random.random((n, 1)) > shares).sum(axis=1).clip(0, 3))


@pytest.mark.parametrize("times", [0.5, 3.0])
def test_what_was_multiplied_is_found(times: float) -> None:
    planted = too_sure(times)
    found = find_temperature(planted)
    assert found.value == pytest.approx(times, rel=0.05)
    before, after = score_predictions(planted), score_predictions(tempered(planted, found.value))
    assert after.accuracy == before.accuracy
    assert after.expected_calibration_error < 0.02 < before.expected_calibration_error
    assert (found.loss_before, found.loss_after) == pytest.approx((before.loss, after.loss))


def test_weights_count() -> None:
    planted = too_sure(3.0, 2000)
    weights = np.where(np.arange(2000) < 1000, 1.0, 0.0)
    half = said(planted.outputs.logits[:1000], planted.targets[:1000])
    weighted = find_temperature(said(planted.outputs.logits, planted.targets, weights))
    assert weighted.value == pytest.approx(find_temperature(half).value, rel=1e-3)


def test_where_none_is_lowest_it_stays_at_one() -> None:
    right, wrong = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([1, 0])
    for targets, words in ((1 - wrong, "all 2 validation answers are right"), (wrong, "falls beyond")):
        found = find_temperature(said(right, targets))
        assert found.value == 1.0
        assert found.loss_after == found.loss_before
        assert words in found.why
