"""What the task allows: data, gates and decision rules that it does not know are refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.config.decision_schema import DecisionConfig
from tfxfer.config.document import Place, Problem, spell
from tfxfer.config.paths import EMBEDDED
from tfxfer.config.schema import Config

TASKS_OF_GATE: Mapping[str, tuple[TaskName, ...]] = {
    "min_accuracy": ("classification",),
    "max_accuracy_drop": ("classification",),
    "min_top1_agreement": ("classification",),
    "min_slice_accuracy": ("classification",),
    "min_sensitivity": ("classification",),
    "min_specificity": ("classification",),
    "min_decision_agreement": ("classification", "multi_label"),
    "min_mean_average_precision": ("multi_label",),
    "max_mean_average_precision_drop": ("multi_label",),
    "max_mean_absolute_error": ("regression",),
    "max_mean_absolute_error_rise": ("regression",),
}
SLICE_GATES = ("min_slice_accuracy", "max_slice_drop")
POSITIVE_GATES = ("min_sensitivity", "min_specificity")


def check_task(config: Config) -> Iterator[Problem]:
    """Data, gates and decision rule suit the task, and each gate has what it is measured on."""
    yield from _check_source(config)
    yield from _check_decision(config)
    yield from _check_temperature(config)
    places: list[Place] = [("gates",), *(("exports", index, "gates") for index in range(len(config.exports)))]
    for place, gates in zip(places, [config.gates, *(entry.gates for entry in config.exports)], strict=True):
        for name in gates.model_dump(exclude_none=True):
            yield from _check_gate(config, (*place, name), name)


def _check_source(config: Config) -> Iterator[Problem]:
    task, path = config.head.task, config.data.path
    if task == "classification":
        return
    if path.startswith(EMBEDDED) or Path(path).is_dir():
        column = TASKS[task].manifest_column
        yield Problem(
            ("data", "path"),
            f"data.path must be a manifest with the columns path and {column} for the task {task}. "
            f"Received: '{path}', which has one label per image. Write a .csv file.",
        )


def _check_gate(config: Config, place: Place, name: str) -> Iterator[Problem]:
    tasks, task, decision = TASKS_OF_GATE.get(name), config.head.task, config.evaluation.decision
    if tasks is not None and task not in tasks:
        yield Problem(
            place, f"{spell(place)} is for {' and '.join(tasks)}. Received: task {task}. Remove it."
        )
    elif name in SLICE_GATES and not config.evaluation.slices:
        yield Problem(place, f"{spell(place)} needs evaluation.slices. Received: none. Name some.")
    elif name in POSITIVE_GATES and (decision is None or decision.positive is None):
        yield Problem(
            place,
            f"{spell(place)} needs evaluation.decision.positive. Received: none. Name the positive label.",
        )
    elif name == "min_decision_agreement" and task == "classification" and decision is None:
        yield Problem(
            place,
            f"{spell(place)} needs evaluation.decision. Received: none. Set it, or use min_top1_agreement.",
        )


def _check_decision(config: Config) -> Iterator[Problem]:
    place: Place = ("evaluation", "decision")
    asked, task = config.evaluation.decision, config.head.task
    if asked is None:
        return
    if task == "regression":
        yield Problem(
            place, "evaluation.decision is for labels. Received: task regression, which has none. Remove it."
        )
    elif task == "multi_label" and (asked.thresholds is None or _given(asked) != ["thresholds"]):
        yield Problem(
            place,
            "evaluation.decision of a multi_label task has the key thresholds only. "
            f"Received: {', '.join(_given(asked)) or 'nothing'}. Set thresholds: best_f1 or even.",
        )
    elif task == "classification" and _given(asked) not in (
        ["positive", "specificity"],
        ["positive", "sensitivity"],
        ["costs"],
    ):
        yield Problem(
            place,
            "evaluation.decision must have positive with one of specificity and sensitivity, or costs alone. "
            f"Received: {', '.join(_given(asked)) or 'nothing'}. Keep one rule.",
        )


def _check_temperature(config: Config) -> Iterator[Problem]:
    if config.evaluation.temperature == "fold" and config.head.task != "classification":
        yield Problem(
            ("evaluation", "temperature"),
            "evaluation.temperature: fold is for classification. "
            f"Received: task {config.head.task}. Remove it.",
        )


def _given(asked: DecisionConfig) -> list[str]:
    return list(asked.model_dump(exclude_none=True))
