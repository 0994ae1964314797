"""Multi-label and regression figures, against scikit-learn and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, mean_absolute_error, r2_score

from tfxfer.catalogue.decision import Decision
from tfxfer.errors import DataError, EvaluationError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.evaluation.metrics import ClassificationMetrics, MultiLabelMetrics, RegressionMetrics
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.scoring import Scoring
from tfxfer.evaluation.slices import slice_metrics
from tfxfer.runtimes.outputs import Outputs

RANDOM = np.random.default_rng(0)
TRUTH = (RANDOM.random((80, 3)) < 0.4).astype(np.float32)
LOGITS = RANDOM.normal(size=(80, 3)) + 2 * TRUTH - 1
PROBABILITIES = 1 / (1 + np.exp(-LOGITS))


def multi_label(decision: Decision | None = None) -> MultiLabelMetrics:
    found = evaluate(
        lambda rows: LOGITS[rows],
        [(np.arange(40), TRUTH[:40]), (np.arange(40, 80), TRUTH[40:])],
        labels=["a", "b", "c"],
        task="multi_label",
        decision=decision,
    )
    assert isinstance(found, MultiLabelMetrics)
    return found


def test_multi_label_figures_are_those_of_scikit_learn() -> None:
    found, said = multi_label(), LOGITS > 0
    assert found.mean_average_precision == pytest.approx(
        average_precision_score(TRUTH, LOGITS, average="macro")
    )
    assert found.f1 == pytest.approx(f1_score(TRUTH, said, average="micro"))
    assert found.macro_f1 == pytest.approx(f1_score(TRUTH, said, average="macro"))
    assert found.exact_match == pytest.approx(np.mean((said == TRUTH).all(axis=1)))
    assert found.exact_match_interval[0] < found.exact_match < found.exact_match_interval[1]
    assert found.loss == pytest.approx(
        -np.mean(TRUTH * np.log(PROBABILITIES) + (1 - TRUTH) * np.log(1 - PROBABILITIES)), rel=1e-6
    )
    json.dumps(found.as_dict(), allow_nan=False)


def test_thresholds_change_the_answers_and_not_the_ranking() -> None:
    strict = multi_label(Decision("thresholds", ("a", "b", "c"), (0.9, 0.9, 0.9)))
    assert strict.mean_average_precision == multi_label().mean_average_precision
    assert strict.f1 == pytest.approx(f1_score(TRUTH, PROBABILITIES >= 0.9, average="micro"))
    assert [entry.threshold for entry in strict.per_label] == [0.9, 0.9, 0.9]


def test_probabilities_of_a_model_with_sigmoids_are_taken_as_they_are() -> None:
    found = evaluate(lambda rows: PROBABILITIES[rows], [(np.arange(80), TRUTH)], task="multi_label")
    assert isinstance(found, MultiLabelMetrics)
    assert found.loss == pytest.approx(multi_label().loss)


def test_regression_figures_are_those_of_scikit_learn() -> None:
    targets = RANDOM.normal(50, 10, size=(60, 1))
    values = targets + RANDOM.normal(1, 2, size=(60, 1))
    found = evaluate(lambda rows: values[rows], [(np.arange(60), targets)], task="regression")
    assert isinstance(found, RegressionMetrics)
    assert found.mean_absolute_error == pytest.approx(mean_absolute_error(targets, values))
    assert found.r2 == pytest.approx(r2_score(targets, values))
    assert found.root_mean_squared_error == pytest.approx(float(np.sqrt(np.mean((values - targets) ** 2))))
    assert found.per_value[0].mean_error == pytest.approx(float(np.mean(values - targets)))
    low, high = found.mean_absolute_error_interval
    assert low < found.mean_absolute_error < high
    json.dumps(found.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("task", "outputs", "targets", "error", "words"),
    [
        ("multi_label", np.zeros((4, 3)), np.zeros(4), DataError, r"\(N, 3\)"),
        ("multi_label", np.zeros((4, 3)), np.full((4, 3), 0.5), DataError, "0 or 1"),
        ("regression", np.zeros((4, 1)), np.full((4, 1), np.nan), DataError, "finite"),
        ("regression", np.full((4, 1), np.inf), np.zeros((4, 1)), EvaluationError, "finite"),
        ("regression", np.zeros((4, 2)), np.zeros((4, 1)), DataError, r"\(N, 2\)"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(
    task: str, outputs: np.ndarray, targets: np.ndarray, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        evaluate(lambda rows: outputs, [(np.arange(4), targets)], task=task)  # type: ignore[arg-type]


def test_the_answers_of_a_decision_rule_are_scored_beside_the_best_class() -> None:
    probabilities = np.array([[0.7, 0.3], [0.55, 0.45], [0.2, 0.8], [0.9, 0.1]])
    predictions = Predictions(
        Outputs(probabilities, np.log(probabilities)), np.array([0, 1, 1, 0]), np.ones(4)
    )
    decision = Decision("threshold", ("fine", "crack"), (0.4,), "crack")
    found = Scoring("classification", ("fine", "crack"), decision).metrics(predictions)
    assert isinstance(found, ClassificationMetrics)
    assert found.decision is not None
    assert found.accuracy == 0.75
    assert (found.decision.sensitivity, found.decision.specificity, found.decision.accuracy) == (
        1.0,
        1.0,
        1.0,
    )
    costs = Decision("costs", ("fine", "crack"), costs=((0.0, 1.0), (10.0, 0.0)))
    by_cost = Scoring("classification", ("fine", "crack"), costs).metrics(predictions)
    assert isinstance(by_cost, ClassificationMetrics)
    assert by_cost.decision is not None
    # Crack is said from a probability of 1 / 11 on: once too often, for the last image at 0.1 and the first.
    assert by_cost.decision.mean_cost == pytest.approx(2 / 4)


def test_slices_have_their_own_figures_and_a_gap_to_the_others() -> None:
    right = np.array([1.0] * 30 + [1.0, 0.0] * 10)
    slicings = {"camera": ["new"] * 30 + ["old"] * 20, "day": [None] * 50}
    new, old = slice_metrics(slicings, right, np.ones(50), "classification")
    assert (new.value, new.n, new.score) == ("new", 30, 1.0)
    assert (old.value, old.n, old.score) == ("old", 20, 0.5)
    assert old.gap == pytest.approx(-0.5)
    assert old.gap_interval is not None
    assert old.gap_interval[1] < -0.2  # it is no chance
    errors = slice_metrics({"all": ["x"] * 50}, right, np.ones(50), "regression")
    assert errors[0].gap is None
