"""The figures of each task, and how they read in report.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

from tfxfer.catalogue.tasks import TaskName
from tfxfer.evaluation.intervals import Interval

CONFUSION_CLASSES = 1_000  # beyond it there is none: report.json would be gigabytes of zeros


@dataclass(frozen=True, slots=True)
class Headline:
    """The one figure that a task is judged by: a mean over images."""

    name: str  # its key in `as_dict`
    value: float
    interval: Interval  # 95 %
    rises: bool  # whether more is better


class Metrics(Protocol):
    """What a network is worth on one split, whatever its task."""

    @property
    def task(self) -> TaskName: ...

    @property
    def n(self) -> int: ...

    @property
    def headline(self) -> Headline: ...

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""


@dataclass(frozen=True, slots=True)
class DecisionMetrics:
    """What the answers of a decision rule are worth; None where the figure is undefined."""

    rule: str
    accuracy: float  # share of right answers
    accuracy_interval: Interval  # 95 %, Wilson
    mean_cost: float | None = None  # per image, under the rule `costs`
    positive: str | None = None  # the label of what follows, under the rule `threshold`
    sensitivity: float | None = None  # share of the positives that are answered positive
    sensitivity_interval: Interval | None = None
    specificity: float | None = None  # share of the others that are not
    specificity_interval: Interval | None = None
    precision: float | None = None


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
class ClassificationMetrics:
    """What a classifier is worth on one split; shares are in [0, 1]."""

    accuracy: float
    accuracy_interval: Interval  # 95 %, Wilson
    loss: float  # mean cross-entropy in nats, from logits
    macro_f1: float  # over the classes that occur in targets or predictions
    expected_calibration_error: float
    per_class: tuple[ClassMetrics, ...]
    confusion: tuple[
        tuple[float, ...], ...
    ]  # [target][predicted], counts or sums of weights; () of many classes
    n: int
    decision: DecisionMetrics | None = None  # None: the answer is the most probable class

    @property
    def task(self) -> TaskName:
        return "classification"

    @property
    def headline(self) -> Headline:
        return Headline("accuracy", self.accuracy, self.accuracy_interval, rises=True)

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        confusion = [list(row) for row in self.confusion] if self.confusion else None
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "macro_f1": self.macro_f1,
            "expected_calibration_error": self.expected_calibration_error,
            "per_class": [asdict(entry) for entry in self.per_class],
            "confusion": confusion,
            "n": self.n,
            **({} if self.decision is None else {"decision": asdict(self.decision)}),
        }


@dataclass(frozen=True, slots=True)
class LabelMetrics:
    """One label's question, yes or no; None where the figure is undefined."""

    label: str
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    support: int  # test images that the label applies to
    roc_auc: float | None
    average_precision: float | None


@dataclass(frozen=True, slots=True)
class MultiLabelMetrics:
    """What a multi-label network is worth on one split; shares are in [0, 1]."""

    mean_average_precision: float | None  # over the labels that occur; None where none does
    f1: float | None  # over all decisions together (micro)
    macro_f1: float | None  # mean over the labels that occur in targets or answers
    exact_match: float  # share of images with every label right
    exact_match_interval: Interval  # 95 %, Wilson
    label_accuracy: float  # share of right decisions
    loss: float  # mean binary cross-entropy in nats, from logits
    per_label: tuple[LabelMetrics, ...]
    n: int

    @property
    def task(self) -> TaskName:
        return "multi_label"

    @property
    def headline(self) -> Headline:
        return Headline("exact_match", self.exact_match, self.exact_match_interval, rises=True)

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        return {
            **asdict(self),
            "exact_match_interval": list(self.exact_match_interval),
            "per_label": [asdict(entry) for entry in self.per_label],
        }


@dataclass(frozen=True, slots=True)
class ValueMetrics:
    """One output of a regression, in the unit of its targets."""

    label: str
    mean_absolute_error: float
    root_mean_squared_error: float
    r2: float | None  # None where all targets are equal
    mean_error: float  # predicted minus true


@dataclass(frozen=True, slots=True)
class RegressionMetrics:
    """What a regression is worth on one split; over all outputs together, and each by itself."""

    mean_absolute_error: float
    mean_absolute_error_interval: Interval  # 95 %, of a mean by the central limit theorem
    root_mean_squared_error: float
    r2: float | None  # mean over outputs
    per_value: tuple[ValueMetrics, ...]
    n: int

    @property
    def task(self) -> TaskName:
        return "regression"

    @property
    def headline(self) -> Headline:
        return Headline(
            "mean_absolute_error", self.mean_absolute_error, self.mean_absolute_error_interval, rises=False
        )

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        return {
            **asdict(self),
            "mean_absolute_error_interval": list(self.mean_absolute_error_interval),
            "per_value": [asdict(entry) for entry in self.per_value],
        }
