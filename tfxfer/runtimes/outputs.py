"""What a classifier says about a batch, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Probabilities and logits of one batch or one split."""

    probabilities: np.ndarray  # (N, classes) float32
    logits: np.ndarray  # (N, classes) float32
