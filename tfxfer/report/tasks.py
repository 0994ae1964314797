"""What each task is judged by, in words and in the keys of report.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfxfer.report import words
from tfxfer.report.finished import FinishedRun, facts, number, numbers


@dataclass(frozen=True, slots=True)
class TaskWords:
    """One task's headline figure, and those that stand beside it."""

    score: str  # key of `test` and of each artifact
    change: str  # key of each artifact: how much worse than the network
    is_share: bool  # in [0, 1], and more is better
    sentence: str  # with {score}, {n}, {interval}
    details: tuple[tuple[str, str, bool], ...]  # (key of `test`, words, whether it is a share)


TASK_WORDS: Mapping[str, TaskWords] = {
    "classification": TaskWords(
        "accuracy",
        "accuracy_drop",
        True,
        "The network gives the right class to {score} of {n} test pictures (95 % interval {interval}).",
        (
            ("macro_f1", "F1, mean over the classes", True),
            ("loss", "loss (cross-entropy, nats)", False),
            ("expected_calibration_error", "expected calibration error", True),
        ),
    ),
    "multi_label": TaskWords(
        "exact_match",
        "mean_average_precision_drop",
        True,
        "The network gets every label right for {score} of {n} test pictures (95 % interval {interval}).",
        (
            ("mean_average_precision", "mean average precision over the labels", True),
            ("f1", "F1 over all decisions", True),
            ("macro_f1", "F1, mean over the labels", True),
            ("label_accuracy", "right decisions", True),
            ("loss", "loss (binary cross-entropy, nats)", False),
        ),
    ),
    "regression": TaskWords(
        "mean_absolute_error",
        "mean_absolute_error_rise",
        False,
        "The network is off by {score} on average, on {n} test pictures (95 % interval {interval}).",
        (
            ("root_mean_squared_error", "root mean squared error", False),
            ("r2", "R²: share of the variance that is explained", False),
        ),
    ),
}


def task_words(run: FinishedRun) -> TaskWords:
    """The words of a run's task."""
    return TASK_WORDS.get(run.task, TASK_WORDS["classification"])


def score_text(run: FinishedRun, value: float | None) -> str:
    """The headline figure of a task: a share, or a number in the target's unit."""
    return words.share(value) if task_words(run).is_share else words.figure(value)


def score_sentence(run: FinishedRun) -> str | None:
    """The headline figure with its interval, in one sentence; None where nothing was measured."""
    test, own = facts(run.report, "test"), task_words(run)
    value = number(test, own.score)
    if value is None:
        return None
    bounds = words.interval(numbers(test, f"{own.score}_interval"), shares=own.is_share)
    return own.sentence.format(
        score=score_text(run, value), n=words.count(number(test, "n")), interval=bounds
    )


def artifact_name(entry: Mapping[str, Any]) -> str:
    """litert:int8."""
    return f"{entry.get('format')}:{entry.get('precision')}"


def agreement(entry: Mapping[str, Any]) -> float | None:
    """The share of the network's answers that a file gives; None of a regression."""
    found = number(entry, "decision_agreement")
    return number(entry, "top1_agreement") if found is None else found
