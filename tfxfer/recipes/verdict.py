"""Verdict: does transfer help? A difference over the same test pictures, with its interval and its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from tfxfer.evaluation.intervals import (
    Interval,
    effective_sample_size,
    paired_difference_interval,
    wilson_interval,
)

Transfer = Literal["helps", "neutral", "hurts"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`transfer` is None where nothing could be compared, and `why` says why."""

    transfer: Transfer | None
    gain: float | None  # in test accuracy
    interval: Interval | None  # 95 %, paired
    against: str | None
    why: str

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        return {**asdict(self), "interval": None if self.interval is None else list(self.interval)}


@dataclass(frozen=True, slots=True, eq=False)
class Opponent:
    """What a transferred network is held against: its name, in words, and its answers on the test split."""

    name: str
    words: str
    predicted: np.ndarray  # (N,) class numbers


def judge_transfer(
    predicted: np.ndarray, opponent: Opponent, targets: np.ndarray, weights: np.ndarray | None = None
) -> Verdict:
    """Helps where the whole interval of the gain lies above 0, hurts where it lies below, else neutral.

    All three arrays are class numbers (N,) of the same test pictures. The interval is that of Bonett & Price 2012
    for paired proportions; with weights it is taken over the effective number of pictures (Kish 1965).
    """
    ours, theirs = predicted == targets, opponent.predicted == targets
    share = np.ones(len(targets)) if weights is None else np.asarray(weights, np.float64)
    n = effective_sample_size(share)
    share = share * (n / share.sum())
    interval = paired_difference_interval(
        float(share[ours & ~theirs].sum()), float(share[theirs & ~ours].sum()), n
    )
    gain = float((share * ours).sum() - (share * theirs).sum()) / n
    transfer = _transfer(interval)
    return Verdict(
        transfer, gain, interval, opponent.name, _why(transfer, gain, interval, opponent, len(targets))
    )


def accuracy_of(
    predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, Interval]:
    """Accuracy and its 95 % interval (Wilson), as the trained network's are computed."""
    share = np.ones(len(targets)) if weights is None else np.asarray(weights, np.float64)
    accuracy, n = float(np.average(predicted == targets, weights=share)), effective_sample_size(share)
    return accuracy, wilson_interval(accuracy * n, n)


def no_verdict(why: str) -> Verdict:
    """Nothing was compared."""
    return Verdict(None, None, None, None, why)


def _transfer(interval: Interval) -> Transfer:
    low, high = interval
    if low > 0:
        return "helps"
    return "hurts" if high < 0 else "neutral"


def _why(transfer: Transfer, gain: float, interval: Interval, opponent: Opponent, n: int) -> str:
    low, high = (100 * bound for bound in interval)
    figures = f"{100 * gain:+.1f} points of test accuracy on {n:,} pictures (95 % interval {low:+.1f} to {high:+.1f})"
    sure = {
        "helps": "the whole interval lies above 0",
        "hurts": "the whole interval lies below 0",
        "neutral": "the interval holds 0: so few pictures cannot tell the two apart",
    }
    return f"against {opponent.words}: {figures}; {sure[transfer]}"
