"""How well numbers rank one label's images before all others: two figures from one sort.

The same as scikit-learn's roc_auc_score and average_precision_score (a test holds it to them), without their
checks, which take longer than the sums where a data set has thousands of classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class RankingFigures:
    """None where there is nothing to rank, or nothing to rank against."""

    roc_auc: float | None = None
    average_precision: float | None = None


def ranking_figures(positive: np.ndarray, ranking: np.ndarray, weights: np.ndarray) -> RankingFigures:
    """The figures of `ranking` (N,), larger first, for `positive` (N,) bool; equal numbers share a place."""
    counted = weights > 0
    positive, ranking, weights = positive[counted], ranking[counted], weights[counted]
    if positive.all() or not positive.any():
        return RankingFigures()
    order = np.argsort(-ranking, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(ranking[order])), len(order) - 1)  # the last of equal numbers
    found = np.cumsum(np.where(positive, weights, 0.0)[order])[ends]
    false = np.cumsum(np.where(positive, 0.0, weights)[order])[ends]
    recall, fallout = _from_zero(found / found[-1]), _from_zero(false / false[-1])
    return RankingFigures(
        roc_auc=float(np.trapezoid(recall, fallout)),
        average_precision=float(np.sum(np.diff(recall) * found / (found + false))),
    )


def _from_zero(shares: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], shares])
