"""The figures of a classifier, and how they read in report.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tfxfer.evaluation.intervals import Interval


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """One class against all others; None where the figure is undefined (nothing predicted, no test image)."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int  # test images of this class
    roc_auc: float | None
    average_precision: float | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a classifier is worth on one split; shares are in [0, 1]."""

    accuracy: float
    accuracy_interval: Interval  # 95 %, Wilson
    loss: float  # mean cross-entropy in nats, from logits
    macro_f1: float  # over the classes that occur in targets or predictions
    expected_calibration_error: float
    per_class: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[float, ...], ...]  # [target][predicted], counts or sums of weights
    n: int

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "macro_f1": self.macro_f1,
            "expected_calibration_error": self.expected_calibration_error,
            "per_class": [asdict(entry) for entry in self.per_class],
            "confusion": [list(row) for row in self.confusion],
            "n": self.n,
        }
