"""Whether a confidence of 0.8 is right eight times in ten."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.predictions import Predictions

BINS = 15  # as in Guo et al. 2017


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers whose confidence lies in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float  # mean
    accuracy: (
        float  # share of right answers; of a multi-label task, share of pictures that the label applies to
    )

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        return asdict(self)


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, weights: np.ndarray, *, bins: int = BINS
) -> float:
    """The mean distance between confidence and accuracy over equal-width bins, weighted by what they hold.

    `confidence` is (N,) the probability of the predicted class, `correct` (N,) bool. Guo, Pleiss, Sun &
    Weinberger 2017, "On calibration of modern neural networks", ICML, equation 3; a bin is (low, high].
    """
    index = _bin_numbers(confidence, bins)
    gap = np.bincount(index, weights=weights * (correct - confidence.astype(np.float64)), minlength=bins)
    return float(np.abs(gap).sum() / weights.sum())


def reliability(predictions: Predictions, task: TaskName, *, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Confidence beside accuracy, for every bin that holds an answer; () of a regression, which has no confidence."""
    if task == "regression":
        return ()
    confidence, correct, weights = _answers(predictions, task)
    index = _bin_numbers(confidence, bins)
    return tuple(
        ReliabilityBin(
            low=number / bins,
            high=(number + 1) / bins,
            n=int(chosen.sum()),
            confidence=float(np.average(confidence[chosen], weights=weights[chosen])),
            accuracy=float(np.average(correct[chosen], weights=weights[chosen])),
        )
        for number in range(bins)
        if weights[chosen := index == number].sum() > 0
    )


def _answers(predictions: Predictions, task: TaskName) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(confidence, correct, weights) of each answer: one for a picture, or one for each of its labels."""
    probabilities, weights = predictions.outputs.probabilities.astype(np.float64), predictions.weights
    if task == "multi_label":
        return (
            probabilities.ravel(),
            predictions.targets.ravel() > 0,
            np.repeat(weights, probabilities.shape[1]),
        )
    answer = predictions.outputs.logits.argmax(axis=1)
    return probabilities.max(axis=1), answer == predictions.targets, weights


def _bin_numbers(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(int) - 1, 0, bins - 1)
