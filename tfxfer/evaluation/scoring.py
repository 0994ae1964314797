"""How a task's predictions become figures: one object, the same for the network and for every artifact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import even_thresholds
from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.metrics import Metrics
from tfxfer.evaluation.multi_label import score_labels
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.regression import score_values
from tfxfer.evaluation.score import score_predictions


@dataclass(frozen=True, slots=True)
class Scoring:
    """The task, its labels in the order of the outputs, and the decision rule, if there is one."""

    task: TaskName = "classification"
    labels: tuple[str, ...] | None = None  # None: numbered
    decision: Decision | None = None

    def metrics(self, predictions: Predictions) -> Metrics:
        """All figures of these predictions."""
        score: Callable[..., Metrics] = SCORES[self.task]
        return score(predictions, labels=self.labels, decision=self.decision)

    def per_image(self, predictions: Predictions) -> np.ndarray:
        """(N,) float64 whose weighted mean is the headline: 1 where the answer is right, or the absolute error."""
        return PER_IMAGE[self.task](predictions, self)

    def answers(self, predictions: Predictions) -> np.ndarray | None:
        """What the predictor answers: (N,) label numbers, (N, labels) bool; None of a regression."""
        if self.task == "regression":
            return None
        if self.task == "multi_label":
            return _applied(predictions, self)
        if self.decision is None:
            return np.asarray(predictions.outputs.logits.argmax(axis=1))
        return self.decision.answers(predictions.outputs.probabilities)


def _right_class(predictions: Predictions, scoring: Scoring) -> np.ndarray:
    """Of the most probable class, as `accuracy` counts it."""
    del scoring
    return np.asarray(predictions.outputs.logits.argmax(axis=1) == predictions.targets, np.float64)


def _all_labels_right(predictions: Predictions, scoring: Scoring) -> np.ndarray:
    right = _applied(predictions, scoring) == (predictions.targets > 0)
    return np.asarray(right.all(axis=1), np.float64)


def _absolute_error(predictions: Predictions, scoring: Scoring) -> np.ndarray:
    del scoring
    errors = predictions.outputs.probabilities.astype(np.float64) - predictions.targets
    return np.asarray(np.abs(errors).mean(axis=1))


def _applied(predictions: Predictions, scoring: Scoring) -> np.ndarray:
    probabilities = predictions.outputs.probabilities
    labels = scoring.labels or tuple(str(index) for index in range(probabilities.shape[1]))
    return (scoring.decision or even_thresholds(labels)).applies(probabilities)


SCORES: Mapping[TaskName, Callable[..., Metrics]] = {
    "classification": score_predictions,
    "multi_label": score_labels,
    "regression": score_values,
}
PER_IMAGE: Mapping[TaskName, Callable[[Predictions, Scoring], np.ndarray]] = {
    "classification": _right_class,
    "multi_label": _all_labels_right,
    "regression": _absolute_error,
}
