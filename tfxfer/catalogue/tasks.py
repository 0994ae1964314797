"""The tasks a network can have: what its logits mean, and what an artifact's first output is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

TaskName = Literal["classification", "multi_label", "regression"]
TASK_NAMES: tuple[TaskName, ...] = get_args(TaskName)

PROBABILITIES = "probabilities"
VALUES = "values"
LOGITS = "logits"


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One task: how its logits, one for each label, are decoded."""

    name: TaskName
    output: str  # of every artifact, before `logits`
    fewest_labels: int
    manifest_column: str  # that holds an example's target
    meaning: str  # of the first output
    logits: str  # what the second output holds
    summary: str  # a few words for the configuration


TASKS: Mapping[TaskName, TaskFacts] = {
    "classification": TaskFacts(
        "classification",
        PROBABILITIES,
        2,
        "label",
        "one number in [0, 1] per label, adding up to 1: the softmax of the logits",
        "one unbounded number per label, before the softmax",
        "one label per image",
    ),
    "multi_label": TaskFacts(
        "multi_label",
        PROBABILITIES,
        1,
        "labels",
        "one number in [0, 1] per label, each by itself: the sigmoid of the logits",
        "one unbounded number per label, before the sigmoid",
        "any number of labels per image",
    ),
    "regression": TaskFacts(
        "regression",
        VALUES,
        1,
        "value",
        "one number per label, in the unit of the training targets: logits * scale + offset",
        "the same in standard deviations of the training targets, 0 for their mean",
        "a number per image",
    ),
}


def output_names(task: TaskName) -> tuple[str, str]:
    """The outputs of an artifact in the order that a file states them."""
    return TASKS[task].output, LOGITS
