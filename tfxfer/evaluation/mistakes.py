"""The answers that were most wrong: where somebody who wants to understand a network looks first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfxfer.catalogue.spread import spread_rows
from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.predictions import Predictions
from tfxfer.evaluation.scoring import Scoring

SHOWN = 12
NO_LABEL = "none"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong answer."""

    index: int  # of the picture in its split
    output: int  # of the network, that is most wrong
    truth: str
    answer: str
    confidence: float | None  # in the wrong answer; None of a regression
    error: float | None = None  # predicted minus true, of a regression

    def as_dict(self) -> dict[str, object]:
        """JSON values, without the numbers of picture and output."""
        return {
            "truth": self.truth,
            "answer": self.answer,
            "confidence": self.confidence,
            "error": self.error,
        }


def worst_mistakes(predictions: Predictions, scoring: Scoring, count: int = SHOWN) -> tuple[Mistake, ...]:
    """The wrong answers that were given with most confidence, or the largest errors of a regression, worst first.

    Of a multi-label task the confidence is that of the label that is most wrong.
    """
    names = scoring.labels or tuple(str(index) for index in range(predictions.outputs.logits.shape[1]))
    return _WORST[scoring.task](predictions, scoring, names)[:count]


def sampled_points(predictions: Predictions, count: int = 400) -> list[list[float]]:
    """(true, predicted) of a regression's first value, of `count` pictures spread evenly over the targets' order."""
    truth, said = predictions.targets[:, 0], predictions.outputs.probabilities[:, 0].astype(np.float64)
    order = np.argsort(truth, kind="stable")
    chosen = order[spread_rows(len(order), count)]
    return [[float(truth[index]), float(said[index])] for index in chosen]


def _worst_classes(predictions: Predictions, scoring: Scoring, names: Sequence[str]) -> tuple[Mistake, ...]:
    del scoring
    answers, targets = predictions.outputs.logits.argmax(axis=1), predictions.targets
    confidence = predictions.outputs.probabilities.astype(np.float64).max(axis=1)
    wrong = np.flatnonzero(answers != targets)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return tuple(
        Mistake(
            int(index),
            int(answers[index]),
            names[targets[index]],
            names[answers[index]],
            float(confidence[index]),
        )
        for index in order
    )


def _worst_labels(predictions: Predictions, scoring: Scoring, names: Sequence[str]) -> tuple[Mistake, ...]:
    said, truth = scoring.answers(predictions), predictions.targets > 0
    assert said is not None
    probabilities = predictions.outputs.probabilities.astype(np.float64)
    doubts = np.where(said != truth, np.where(said, probabilities, 1 - probabilities), 0.0)
    doubt, label = doubts.max(axis=1), doubts.argmax(axis=1)
    wrong = np.flatnonzero((said != truth).any(axis=1))
    order = wrong[np.argsort(-doubt[wrong], kind="stable")]
    return tuple(
        Mistake(
            int(index),
            int(label[index]),
            _words(truth[index], names),
            _words(said[index], names),
            float(doubt[index]),
        )
        for index in order
    )


def _words(applies: np.ndarray, names: Sequence[str]) -> str:
    return ", ".join(name for name, applied in zip(names, applies, strict=True) if applied) or NO_LABEL


def _worst_values(predictions: Predictions, scoring: Scoring, names: Sequence[str]) -> tuple[Mistake, ...]:
    del scoring, names
    errors = predictions.outputs.probabilities.astype(np.float64) - predictions.targets
    worst = np.abs(errors).argmax(axis=1)
    rows = np.arange(len(errors))
    error, truth = errors[rows, worst], predictions.targets[rows, worst]
    return tuple(
        Mistake(
            int(index),
            int(worst[index]),
            f"{truth[index]:.4g}",
            f"{truth[index] + error[index]:.4g}",
            None,
            float(error[index]),
        )
        for index in np.argsort(-np.abs(error), kind="stable")
    )


_WORST: Mapping[TaskName, Callable[[Predictions, Scoring, Sequence[str]], tuple[Mistake, ...]]] = {
    "classification": _worst_classes,
    "multi_label": _worst_labels,
    "regression": _worst_values,
}
