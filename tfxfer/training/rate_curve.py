"""What a learning-rate range test measured, and what it suggests; no TensorFlow."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

EMA = 0.9  # of the smoothed curve: about the last 10 batches
DIVERGED = 4.0  # times the lowest smoothed loss
EDGE = 0.1  # of the descent's depth, at either end, that is plateau
SETTLED = 10  # steps before which nothing counts as diverged: the average is still of few batches


@dataclass(frozen=True, slots=True)
class RateCurve:
    """The loss of each batch beside the rate it was updated with, both in the order of the test."""

    phase: str
    rates: tuple[float, ...]  # the phase's `learning_rate`; all its rates move in proportion
    losses: tuple[float, ...]  # of each batch, before its update
    smoothed: tuple[float, ...]  # their moving average, corrected for its start
    diverged_at: float | None  # the rate at which the loss ran away; None: it did not up to the last rate

    @property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest; None where it never falls."""
        if len(self.rates) < 3:
            return None
        slopes = np.gradient(np.array(self.smoothed), np.log10(self.rates))
        lowest = int(np.argmin(self.smoothed))
        place = int(np.argmin(slopes[: lowest + 1]))
        return self.rates[place] if slopes[place] < 0 else None

    @property
    def valley(self) -> float | None:
        """The middle, on the rate's logarithm, of the descent from 10 % to 90 % of its depth; None where there is none.

        fastai's valley is the middle of the longest falling subsequence, which on a noisy plateau begins far too early.
        """
        lowest = int(np.argmin(self.smoothed))
        values = np.array(self.smoothed[: lowest + 1])
        depth = values.max() - values[-1]
        if depth <= 0:
            return None
        start = int(np.flatnonzero(values >= values.max() - EDGE * depth)[-1])
        end = int(np.flatnonzero(values <= values[-1] + EDGE * depth)[0])
        return math.sqrt(self.rates[start] * self.rates[end])

    @property
    def tenth(self) -> float | None:
        """A tenth of the rate at which the loss ran away (Smith 2017, Howard); None where it did not."""
        return None if self.diverged_at is None else self.diverged_at / 10

    @property
    def suggestion(self) -> float | None:
        """The valley, but no more than a tenth of where the loss ran away."""
        known = [rate for rate in (self.valley, self.tenth) if rate is not None]
        return min(known) if known else None

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        suggestions = {"valley": self.valley, "steepest": self.steepest, "tenth_of_divergence": self.tenth}
        curve = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }
        return {**curve, "suggestion": self.suggestion, "suggestions": suggestions}


def smooth(losses: list[float]) -> float:
    """The last value of the exponential moving average of losses, divided by the sum of its weights."""
    weights = EMA ** np.arange(len(losses))[::-1]
    return float(np.average(losses, weights=weights))


def has_diverged(smoothed: list[float]) -> bool:
    """Whether the smoothed loss ran away from its lowest value, or is no number."""
    if not math.isfinite(smoothed[-1]):
        return True
    return len(smoothed) > SETTLED and smoothed[-1] > DIVERGED * min(smoothed)
