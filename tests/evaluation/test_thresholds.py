"""Decision rules chosen on validation data do what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tfxfer.errors import UsageError
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.thresholds import best_f1_thresholds, threshold_at
from tfxfer.runtimes.outputs import Outputs

RANDOM = np.random.default_rng(1)
LABELS = ("fine", "crack")


def binary(n: int = 300) -> Predictions:
    targets = (RANDOM.random(n) < 0.3).astype(np.int64)
    logit = RANDOM.normal(size=n) + 2.0 * targets - 1.0
    probability = 1 / (1 + np.exp(-logit))
    probabilities = np.stack([1 - probability, probability], axis=1)
    return Predictions(Outputs(probabilities, np.log(probabilities)), targets, np.ones(n))


@pytest.mark.parametrize("at_least", [0.5, 0.9, 0.99, 1.0])
def test_the_specificity_asked_for_is_reached_and_no_lower_threshold_would_do(at_least: float) -> None:
    found = binary()
    decision = threshold_at(found, LABELS, "crack", share="specificity", at_least=at_least)
    fine = found.outputs.probabilities[found.targets == 0, 1]
    assert np.mean(fine < decision.thresholds[0]) >= at_least
    below = np.sort(fine)[: int(np.ceil(at_least * len(fine))) - 1]  # one more of them called crack
    assert not len(below) or np.mean(fine < below.max()) < at_least


def test_the_sensitivity_asked_for_is_reached_with_the_highest_threshold() -> None:
    found = binary()
    decision = threshold_at(found, LABELS, "crack", share="sensitivity", at_least=0.9)
    cracks = found.outputs.probabilities[found.targets == 1, 1]
    assert np.mean(cracks >= decision.thresholds[0]) >= 0.9
    above = cracks[cracks > decision.thresholds[0]].min()
    assert np.mean(cracks > above) < 0.9
    assert "0.9" in decision.why


def test_weights_count() -> None:
    found = binary()
    heavy = Predictions(
        found.outputs, found.targets, np.where(found.outputs.probabilities[:, 1] > 0.5, 9.0, 1.0)
    )
    plain = threshold_at(found, LABELS, "crack", share="specificity", at_least=0.8)
    weighted = threshold_at(heavy, LABELS, "crack", share="specificity", at_least=0.8)
    assert weighted.thresholds[0] > plain.thresholds[0]


@pytest.mark.parametrize(("positive", "words"), [("hole", "must be one of"), ("crack", "with and without")])
def test_what_cannot_be_chosen_is_refused(positive: str, words: str) -> None:
    found = binary()
    alone = Predictions(found.outputs, np.zeros_like(found.targets), found.weights)
    with pytest.raises(UsageError, match=words):
        threshold_at(alone, LABELS, positive, share="specificity", at_least=0.9)


def test_best_f1_thresholds_beat_a_half_and_lie_between_two_probabilities() -> None:
    truth = (RANDOM.random((400, 2)) < 0.15).astype(np.float64)
    logits = RANDOM.normal(size=(400, 2)) + 1.5 * truth - 2.5
    probabilities = 1 / (1 + np.exp(-logits))
    found = Predictions(Outputs(probabilities, logits), truth, np.ones(400))
    decision = best_f1_thresholds(found, ["a", "b"])
    for column, threshold in enumerate(decision.thresholds):
        scores = probabilities[:, column]
        best = f1_score(truth[:, column], scores >= threshold)
        assert best > f1_score(truth[:, column], scores >= 0.5)
        assert best == max(f1_score(truth[:, column], scores >= other) for other in scores)
        assert np.abs(scores - threshold).min() > 0


def test_a_label_with_too_few_positives_keeps_a_half() -> None:
    truth = np.zeros((50, 2))
    truth[:3, 0], truth[:20, 1] = 1, 1
    logits = RANDOM.normal(size=(50, 2)) + truth
    decision = best_f1_thresholds(
        Predictions(Outputs(1 / (1 + np.exp(-logits)), logits), truth, np.ones(50)), ["rare", "often"]
    )
    assert decision.thresholds[0] == 0.5
    assert "0.5 for rare" in decision.why
