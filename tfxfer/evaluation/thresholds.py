"""Choosing a decision on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from sklearn.metrics import precision_recall_curve

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import EVEN
from tfxfer.errors import UsageError
from tfxfer.evaluation.predictions import Predictions

Share = Literal["sensitivity", "specificity"]
FEWEST = 5  # validation images with a label, under which a threshold of its own would be chance


def best_f1_thresholds(predictions: Predictions, labels: Sequence[str]) -> Decision:
    """For each label the threshold with the best F1 on validation; 0.5 for a label with too few positives.

    Between two neighbouring probabilities the threshold lies in their middle, so that no answer hangs on the
    last bit of one of them. Source: Lipton, Elkan & Naryanaswamy 2014, "Optimal thresholding of classifiers to
    maximize F1 measure", ECML.
    """
    probabilities = predictions.outputs.probabilities.astype(np.float64)
    truth = predictions.targets > 0
    thresholds, few = [], []
    for index, label in enumerate(labels):
        positive = truth[:, index]
        if positive.sum() < FEWEST or positive.all():
            thresholds.append(EVEN)
            few.append(label)
        else:
            thresholds.append(_best_f1(probabilities[:, index], positive, predictions.weights))
    why = f"the best F1 of each label on {len(truth)} validation images"
    if few:
        why += f"; 0.5 for {', '.join(few)}, with fewer than {FEWEST} positives there, or only positives"
    return Decision("thresholds", tuple(labels), tuple(thresholds), why=why)


def threshold_at(
    predictions: Predictions, labels: Sequence[str], positive: str, *, share: Share, at_least: float
) -> Decision:
    """The threshold on `positive` that reaches a share on validation, and is the best there at the other one.

    With `share` "specificity" it is the lowest such threshold, hence the one of the highest sensitivity; with
    "sensitivity" the highest, hence the one of the highest specificity.

    Raises:
        UsageError: no such label, or validation data without positives or without others.
    """
    index, is_positive = _positives(predictions, labels, positive)
    scores = predictions.outputs.probabilities[:, index].astype(np.float64)
    candidates = _midpoints(scores)
    said = scores[None, :] >= candidates[:, None]  # (thresholds, N)
    specificity = _share(~said[:, ~is_positive], predictions.weights[~is_positive])
    sensitivity = _share(said[:, is_positive], predictions.weights[is_positive])
    if share == "specificity":  # nobody is answered positive at the largest threshold
        at = int(np.flatnonzero(specificity >= at_least - 1e-12)[0])
    else:
        at = int(np.flatnonzero(sensitivity >= at_least - 1e-12)[-1])
    why = (
        f"{share} {at_least:g} asked for on {len(scores)} validation images: sensitivity "
        f"{sensitivity[at]:.4f}, specificity {specificity[at]:.4f} there"
    )
    return Decision("threshold", tuple(labels), (float(candidates[at]),), positive, why=why)


def _positives(predictions: Predictions, labels: Sequence[str], positive: str) -> tuple[int, np.ndarray]:
    """The positive label's number, and (N,) bool of the images with it."""
    if positive not in labels:
        raise UsageError(
            f"the positive label must be one of {', '.join(labels)}. Received: '{positive}'. Correct it."
        )
    index = list(labels).index(positive)
    is_positive = predictions.targets == index
    if is_positive.all() or not is_positive.any():
        raise UsageError(
            f"validation images with and without '{positive}' are needed to choose a threshold. "
            f"Received: {int(is_positive.sum())} of {len(is_positive)} with it. Give more data."
        )
    return index, is_positive


def _midpoints(scores: np.ndarray) -> np.ndarray:
    """(K + 1,) rising thresholds: 0, the middle between neighbouring scores, and above the largest."""
    ordered = np.unique(scores)
    above = min(1.0, (ordered[-1] + 1.0) / 2) if ordered[-1] < 1 else 1.0
    return np.concatenate([[0.0], (ordered[:-1] + ordered[1:]) / 2, [above]])


def _share(answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(thresholds,) the weighted share of each row that is true."""
    return np.asarray(answers @ weights / weights.sum())


def _best_f1(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    precision, recall, thresholds = precision_recall_curve(positive, scores, sample_weight=weights)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(f1[:-1].argmax())
    below = thresholds[best - 1] if best > 0 else 0.0
    return float((below + thresholds[best]) / 2)
