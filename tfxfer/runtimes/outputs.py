"""What a network says about a batch, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """The two outputs of one batch or one split."""

    probabilities: np.ndarray  # (N, labels) float32; of a regression the values, in the targets' unit
    logits: np.ndarray  # (N, labels) float32
