"""Whether a confidence of 0.8 is right eight times in ten."""

from __future__ import annotations

import numpy as np

BINS = 15  # as in Guo et al. 2017


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, weights: np.ndarray, *, bins: int = BINS
) -> float:
    """The mean distance between confidence and accuracy over equal-width bins, weighted by what they hold.

    `confidence` is (N,) the probability of the predicted class, `correct` (N,) bool. Guo, Pleiss, Sun &
    Weinberger 2017, "On calibration of modern neural networks", ICML, equation 3; a bin is (low, high].
    """
    index = np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(index, weights=weights * (correct - confidence.astype(np.float64)), minlength=bins)
    return float(np.abs(gap).sum() / weights.sum())
