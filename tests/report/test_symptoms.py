"""Each symptom is found where it was planted, names its figure, and is silent about a good run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.report.making import (
    artifact,
    baseline,
    class_row,
    finished,
    gap_row,
    gate,
    multi_label,
    regression,
    report,
)
from tfxfer.report.blocks import Advice
from tfxfer.report.symptoms.all import suggestions
from tfxfer.report.symptoms.answers import false_confidence

Report = dict[str, Any]


def found(value: Report) -> tuple[Advice, ...]:
    return suggestions(finished(value))


@pytest.mark.parametrize("task", [report, multi_label, regression])
def test_a_good_run_gets_no_advice(task: Callable[[], Report]) -> None:
    assert found(task()) == ()


def collapsed(value: Report) -> None:
    value["test"]["confusion"] = [[100, 0, 0], [98, 2, 0], [97, 0, 3]]


def negative(value: Report) -> None:
    value["verdict"] |= {"transfer": "hurts", "gain": -0.1, "interval": [-0.2, -0.02]}


def forgotten(value: Report) -> None:
    value["phases"][1] |= {"best_epoch": 0}
    value["phases"][1]["history"]["val_accuracy"] = [0.4, 0.5, 0.6]


def forgotten_source(value: Report) -> None:
    value["forgetting"] = {"before": 0.9, "after": 0.7, "lost": 0.2, "interval": [0.1, 0.3]}


def overfitted(value: Report) -> None:
    value["phases"][1]["history"]["accuracy"] = [0.9, 0.99, 1.0]
    value["phases"][1]["history"]["val_accuracy"] = [0.82, 0.83, 0.85]


def wrong_range(value: Report) -> None:
    value["domain_gap"][0]["distance"] = 100.0


def scaled_to_unit(value: Report) -> None:
    value["domain_gap"][0]["distance"] = 0.52


def worthless_features(value: Report) -> None:
    value["domain_gap"] = []
    value["baselines"]["details"][2] = baseline("linear_probe", 0.4)


def shifted(value: Report) -> None:
    value["domain_gap"] = [gap_row(f"block_{number}", 0.3 + 0.15 * number) for number in range(6)]


def destroyed_by_int8(value: Report) -> None:
    value["artifacts"][2] |= {"status": "failed", "why": "max_accuracy_drop 0.02: 0.3"}
    value["gates"] = [gate("max_accuracy_drop", "litert:int8", passed=False)]


def too_large(value: Report) -> None:
    value["artifacts"][1] |= {"status": "failed", "why": "max_size_bytes"}
    value["gates"] = [gate("max_size_bytes", "litert:float32", passed=False)]


def weak_class(value: Report) -> None:
    value["test"]["per_class"][0] = class_row("daisy", recall=0.3)


def too_sure(value: Report) -> None:
    value["test"]["expected_calibration_error"] = 0.2


def few_pictures(value: Report) -> None:
    value["test"]["accuracy_interval"] = [0.7, 0.98]


def idle(value: Report) -> None:
    value["phases"][1] |= {"best_epoch": 0}


def slow_int8(value: Report) -> None:
    value["artifacts"][2]["latency_ms_p50"] = 4.0


PLANTED = [
    (collapsed, "Collapse: 97.5 % of the test pictures of all other classes are answered “daisy”", "test.confusion"),
    (negative, "Negative transfer: -10.0 points", "verdict.gain"),
    (forgotten, "Phase “last blocks” forgot", "phases[1].before.val_accuracy"),
    (forgotten_source, "forgot its source: a head of its own reaches 70.0 %", "forgetting.lost"),
    (overfitted, "Overfitting: in phase “last blocks”", "phases[1].history.accuracy"),
    (wrong_range, "Preprocessing mismatch: the first block is 100", "domain_gap[0].distance"),
    (scaled_to_unit, "Preprocessing mismatch", "domain_gap[0].distance"),
    (worthless_features, "Preprocessing mismatch: a linear probe", "baselines.linear_probe"),
    (shifted, "Amplified shift", "domain_gap[].distance"),
    (destroyed_by_int8, "litert:int8 answers worse", "artifacts[2].accuracy_drop"),
    (too_large, "litert:float32 is over its budget", "artifacts[1].size_bytes"),
    (weak_class, "Missed more often than found: daisy", "test.per_class[].recall"),
    (too_sure, "Too sure: its confidence is off by 20.0 points", "test.expected_calibration_error"),
    (few_pictures, "known to 14.0 points either way", "test.accuracy_interval"),
    (idle, "Gained nothing: 1 phase", "phases[1].best_epoch"),
    (slow_int8, "litert:int8 takes 4.00 ms", "artifacts[2].latency_ms_p50"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "symptom", "figure"), PLANTED, ids=[row[0].__name__ for row in PLANTED])
def test_a_planted_symptom_is_told_with_cause_remedy_and_figure(
    plant: Callable[[Report], None], symptom: str, figure: str
) -> None:
    value = report()
    plant(value)
    (advice,) = found(value)
    assert symptom in advice.symptom
    assert figure in advice.figure
    assert advice.cause
    assert advice.remedy


def test_silent_labels_and_the_mean_value_are_collapses_too() -> None:
    silent, mean = multi_label(), regression()
    for row in silent["test"]["per_label"]:
        row["recall"] = 0.0
    mean["test"]["r2"] = 0.01
    assert found(silent)[0].symptom == "Collapse: 3 of 3 labels are never found."
    assert found(mean)[0].figure == "test.r2"


def test_the_remedy_for_int8_is_the_smallest_file_that_passed() -> None:
    value = report()
    destroyed_by_int8(value)
    value["artifacts"].append(artifact("litert", "float16", size_bytes=500_000))
    assert "litert:float16 (500.0 kB)" in found(value)[0].remedy


def test_modest_confidence_is_not_made_more_modest() -> None:
    value = report()
    value["test"]["expected_calibration_error"] = 0.2
    value["test"]["reliability"] = [{"n": 300, "confidence": 0.7, "accuracy": 0.9}]
    value["temperature"]["test"]["after"]["expected_calibration_error"] = 0.19
    (advice,) = false_confidence(finished(value))
    assert advice.symptom.startswith("Too modest")
    assert "label_smoothing: 0.1" not in advice.remedy
    value["temperature"]["test"]["after"]["expected_calibration_error"] = 0.12
    (advice,) = false_confidence(finished(value))
    assert "fold, which brings it to 12.0 points" in advice.remedy


def test_false_confidence_is_cured_by_the_temperature_that_was_found() -> None:
    value = report()
    value["test"]["expected_calibration_error"] = 0.2
    found = value["temperature"]
    for words, folded, after in (
        ("fold", False, 0.01),
        ("label_smoothing", False, 0.19),
        ("label_", True, 0.01),
    ):
        found["folded"], found["test"]["after"]["expected_calibration_error"] = folded, after
        (advice,) = false_confidence(finished(value))
        assert words in advice.remedy
