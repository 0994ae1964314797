"""Every symptom that is looked for, gravest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfxfer.report.blocks import Advice
from tfxfer.report.finished import FinishedRun
from tfxfer.report.symptoms.answers import collapse, false_confidence, few_test_pictures, weak_classes
from tfxfer.report.symptoms.artifacts import failed_precision, missed_budget, slower_than_float
from tfxfer.report.symptoms.training import forgetting, idle_phases, overfitting
from tfxfer.report.symptoms.transfer import (
    amplified_shift,
    forgotten_source,
    negative_transfer,
    preprocessing_mismatch,
)

Symptom = Callable[[FinishedRun], Iterator[Advice]]
SYMPTOMS: tuple[Symptom, ...] = (
    collapse,
    preprocessing_mismatch,
    negative_transfer,
    amplified_shift,
    forgetting,
    forgotten_source,
    overfitting,
    failed_precision,
    missed_budget,
    weak_classes,
    false_confidence,
    slower_than_float,
    few_test_pictures,
    idle_phases,
)


def suggestions(run: FinishedRun) -> tuple[Advice, ...]:
    """What follows from the figures of a run; each names the figure that it follows from."""
    return tuple(advice for symptom in SYMPTOMS for advice in symptom(run))
