"""The decision: how probabilities become an answer, chosen on validation data and written into the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from tfxfer.errors import UsageError

Rule = Literal["threshold", "thresholds", "costs"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One rule for every predictor of a network; without one, the answer is the most probable label.

    - `threshold` (classification): `positive` where its probability reaches the threshold, else the most
      probable of the other labels.
    - `thresholds` (multi-label): every label whose probability reaches its own threshold.
    - `costs` (classification): the label whose expected cost is the lowest (Elkan 2001, "The foundations of
      cost-sensitive learning", IJCAI).

    Raises:
        UsageError: values that do not fit the rule or the labels.
    """

    rule: Rule
    labels: tuple[str, ...]
    thresholds: tuple[float, ...] = ()  # one for `threshold`, one per label for `thresholds`; in [0, 1]
    positive: str | None = None
    costs: tuple[tuple[float, ...], ...] = ()  # [true label][answer], 0 or more
    why: str = ""  # how it was chosen, a sentence

    def __post_init__(self) -> None:
        wanted = {"threshold": 1, "thresholds": len(self.labels), "costs": 0}
        if self.rule not in wanted:
            raise UsageError(
                f"a decision's rule must be one of {', '.join(get_args(Rule))}. Received: {self.rule!r}."
            )
        fits = len(self.thresholds) == wanted[self.rule] and all(0 <= t <= 1 for t in self.thresholds)
        if not fits:
            raise UsageError(
                f"the rule '{self.rule}' needs {wanted[self.rule]} thresholds from 0 to 1. "
                f"Received: {list(self.thresholds)}."
            )
        if self.rule == "threshold" and self.positive not in self.labels:
            raise UsageError(
                f"the positive label must be one of {', '.join(self.labels)}. Received: {self.positive!r}."
            )
        if self.rule == "costs":
            _check_costs(self.costs, self.labels)

    def answers(self, probabilities: np.ndarray) -> np.ndarray:
        """(N,) int64 label numbers of a classifier's probabilities (N, labels)."""
        if self.rule == "costs":
            return np.asarray((probabilities.astype(np.float64) @ np.array(self.costs)).argmin(axis=1))
        assert self.rule == "threshold"
        assert self.positive is not None
        positive = self.labels.index(self.positive)
        others = probabilities.copy()
        others[:, positive] = -1.0
        said = probabilities[:, positive] >= self.thresholds[0]
        return np.where(said, positive, others.argmax(axis=1))

    def applies(self, probabilities: np.ndarray) -> np.ndarray:
        """(N, labels) bool: which labels a multi-label network gives each image."""
        assert self.rule == "thresholds"
        return np.asarray(probabilities >= np.array(self.thresholds))

    def as_dict(self) -> dict[str, Any]:
        """JSON values, as in contract.json under `threshold`."""
        if self.rule == "threshold":
            facts: dict[str, Any] = {"positive": self.positive, "threshold": self.thresholds[0]}
        elif self.rule == "thresholds":
            facts = {"thresholds": dict(zip(self.labels, self.thresholds, strict=True))}
        else:
            facts = {"costs": {label: list(row) for label, row in zip(self.labels, self.costs, strict=True)}}
        return {"rule": self.rule, **facts, "why": self.why}


def read_decision(document: Mapping[str, Any], labels: Sequence[str]) -> Decision:
    """The decision that `as_dict` wrote, for a network with these labels.

    Raises:
        UsageError: it is none, or one for other labels.
    """
    try:
        rule = document["rule"]
        by_label = {"thresholds": document.get("thresholds", {}), "costs": document.get("costs", {})}
        if rule in by_label and set(by_label[rule]) != set(labels):
            raise UsageError(
                f"a decision by {rule} must name the labels {', '.join(labels)}. "
                f"Received: {', '.join(by_label[rule])}."
            )
        thresholds: list[object] = [document["threshold"]] if rule == "threshold" else []
        if rule == "thresholds":
            thresholds = [by_label["thresholds"][label] for label in labels]
        costs = [by_label["costs"][label] for label in labels] if rule == "costs" else []
        return Decision(
            rule,
            tuple(labels),
            tuple(float(str(threshold)) for threshold in thresholds),
            document.get("positive"),
            tuple(tuple(float(cost) for cost in row) for row in costs),
            str(document.get("why", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"a decision must have a rule and its numbers. Received: {type(error).__name__}: {error}."
        ) from error


def _check_costs(costs: tuple[tuple[float, ...], ...], labels: tuple[str, ...]) -> None:
    square = len(costs) == len(labels) and all(len(row) == len(labels) for row in costs)
    if not square or not all(0 <= cost < float("inf") for row in costs for cost in row):
        raise UsageError(
            f"costs must have one row for each of {len(labels)} true labels with one cost of 0 or more for each "
            f"answer. Received: {[list(row) for row in costs]}."
        )
