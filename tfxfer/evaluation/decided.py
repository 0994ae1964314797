"""What the answers of a decision rule are worth, for a classifier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.evaluation.intervals import share_interval
from tfxfer.evaluation.metrics import DecisionMetrics
from tfxfer.evaluation.predictions import Predictions


def decision_metrics(predictions: Predictions, decision: Decision) -> DecisionMetrics:
    """The figures of a classifier's answers under `decision`."""
    answers, targets = decision.answers(predictions.outputs.probabilities), predictions.targets
    correct, weights = answers == targets, predictions.weights
    figures = DecisionMetrics(
        rule=decision.rule,
        accuracy=float(np.average(correct, weights=weights)),
        accuracy_interval=share_interval(correct, weights),
    )
    if decision.rule == "costs":
        paid = np.array(decision.costs)[targets, answers]
        return replace(figures, mean_cost=float(np.average(paid, weights=weights)))
    assert decision.positive is not None
    positive = decision.labels.index(decision.positive)
    is_positive, said = targets == positive, answers == positive
    return replace(
        figures,
        positive=decision.positive,
        sensitivity=_share(said, is_positive, weights),
        sensitivity_interval=share_interval(said[is_positive], weights[is_positive]),
        specificity=_share(~said, ~is_positive, weights),
        specificity_interval=share_interval(~said[~is_positive], weights[~is_positive]),
        precision=_share(is_positive, said, weights),
    )


def _share(of: np.ndarray, among: np.ndarray, weights: np.ndarray) -> float | None:
    """The weighted share of `among` that is `of`, both (N,) bool; None where nothing is."""
    whole = weights[among].sum()
    return float(weights[of & among].sum() / whole) if whole > 0 else None
