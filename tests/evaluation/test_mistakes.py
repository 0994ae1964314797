"""The worst mistakes of each task, and how confidence compares with accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.catalogue.decision import Decision
from tfxfer.evaluation.calibration import expected_calibration_error, reliability
from tfxfer.evaluation.mistakes import sampled_points, worst_mistakes
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.scoring import Scoring
from tfxfer.runtimes.outputs import Outputs


def predictions(probabilities: list[list[float]], targets: object, weights: object = None) -> Predictions:
    array = np.asarray(probabilities, np.float32)
    logits = array if array.max() > 1 else np.log(array)
    share = np.ones(len(array)) if weights is None else np.asarray(weights, np.float64)
    return Predictions(Outputs(array, logits), np.asarray(targets), share)


CLASSES = predictions([[0.9, 0.1], [0.3, 0.7], [0.05, 0.95], [0.6, 0.4]], [0, 0, 0, 1])


def test_the_most_confident_mistake_comes_first() -> None:
    found = worst_mistakes(CLASSES, Scoring(labels=("cat", "dog")))
    assert [(entry.index, entry.truth, entry.answer) for entry in found] == [
        (2, "cat", "dog"),
        (1, "cat", "dog"),
        (3, "dog", "cat"),
    ]
    assert (found[0].output, found[0].confidence) == (1, pytest.approx(0.95))
    assert len(worst_mistakes(CLASSES, Scoring(labels=("cat", "dog")), 2)) == 2


def test_of_many_labels_the_most_wrong_one_counts() -> None:
    said = predictions([[0.9, 0.2], [0.6, 0.05], [0.9, 0.9]], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    (only,) = worst_mistakes(said, Scoring("multi_label", ("dent", "scratch")))
    assert (only.index, only.truth, only.answer) == (1, "scratch", "dent")
    assert (only.output, only.confidence) == (1, pytest.approx(0.95))  # that there is no scratch
    strict = Decision(rule="thresholds", labels=("dent", "scratch"), thresholds=(0.95, 0.95))
    answers = [
        entry.answer for entry in worst_mistakes(said, Scoring("multi_label", ("dent", "scratch"), strict))
    ]
    assert set(answers) == {"none"}


def test_of_values_the_largest_error_comes_first() -> None:
    said = predictions([[10.0], [2.0], [3.0]], [[1.0], [2.0], [5.0]])
    found = worst_mistakes(said, Scoring("regression", ("value",)))
    assert [(entry.index, entry.error) for entry in found] == [(0, 9.0), (2, -2.0), (1, 0.0)]
    assert (found[0].truth, found[0].answer, found[0].confidence) == ("1", "10", None)
    assert sampled_points(said) == [[1.0, 10.0], [2.0, 2.0], [5.0, 3.0]]
    assert sampled_points(said, 2) == [[1.0, 10.0], [5.0, 3.0]]


def test_the_bins_give_the_calibration_error() -> None:
    bins = reliability(CLASSES, "classification")
    assert sum(entry.n for entry in bins) == 4
    assert all(entry.low < entry.confidence <= entry.high + 1e-6 for entry in bins)
    confidence = CLASSES.outputs.probabilities.max(axis=1)
    right = CLASSES.outputs.probabilities.argmax(axis=1) == CLASSES.targets
    whole = expected_calibration_error(confidence, right, CLASSES.weights)
    assert sum(entry.n * abs(entry.confidence - entry.accuracy) for entry in bins) / 4 == pytest.approx(whole)


def test_bins_of_labels_count_every_answer_and_weights_count() -> None:
    said = predictions([[0.9, 0.1], [0.9, 0.1]], [[1.0, 0.0], [0.0, 0.0]], [3.0, 1.0])
    low, high = reliability(said, "multi_label")
    assert (low.n, high.n) == (2, 2)
    assert high.accuracy == pytest.approx(0.75)
    assert reliability(said, "regression") == ()
