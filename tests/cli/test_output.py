"""Pages for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfxfer.cli.output import print_json, print_page, print_table, shown
from tfxfer.cli.report_page import print_report

REPORT = {
    "data": {"train": 700, "validation": 150, "test": 150, "classes": 5, "labels": ["a"]},
    "phases": [{"name": "head", "epochs": 8, "seconds": 4.125, "unfrozen_blocks": ["x", "y"]}],
    "artifacts": [
        {
            "format": "onnx",
            "precision": "float32",
            "status": "failed",
            "size_bytes": 8_900_000,
            "accuracy": None,
        }
    ],
    "test": {"accuracy": 0.912, "accuracy_interval": [0.88, 0.94]},
    "gates": [{"name": "max_abs_logit_error", "limit": 0.001, "value": 0.5, "passed": False}],
}


def test_json_is_one_document_without_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "path": Path("x/y"), "label": "naïve"})
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": [None, 1.5],
        "path": "x/y",
        "label": "naïve",
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        (True, "yes"),
        (1_194_880, "1,194,880"),
        (0.91234567, "0.9123"),
        (1e-7, "1e-07"),
        (123456.7, "123,457"),
        ([1, "a"], "1, a"),
        ({"a": 1}, "a 1"),
    ],
)
def test_values_read_well(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_page_shows_facts_tables_and_lines(capsys: pytest.CaptureFixture[str]) -> None:
    print_page(
        {
            "data": {"train": 700, "why": "as given"},
            "phases": [{"name": "head", "epochs": 8}, {"name": "tail"}],
            "warnings": ["few pictures", "grey"],
            "empty": [],
            "name": "flowers",
        }
    )
    out = capsys.readouterr().out
    for words in (
        "train: 700",
        "why:   as given",
        "name  epochs",
        "head       8",
        "  few pictures",
        "name: flowers",
    ):
        assert words in out
    assert "empty" not in out


def test_a_wide_table_is_not_cut_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{f"column {index}": "x" * 10 for index in range(8)}])
    assert all("x" * 10 in line or "column" in line for line in capsys.readouterr().out.splitlines())


def test_a_report_says_what_passed_and_what_did_not(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORT, Path("runs/first"))
    out = capsys.readouterr().out
    for words in (
        "onnx:float32  failed",
        "8,900,000",
        "test accuracy: 0.912 (95 % interval 0.88 to 0.94)",
        "gate max_abs_logit_error does not hold: 0.5, limit 0.001",
        "report: runs/first/report.json",
    ):
        assert words in out


def test_a_report_of_another_shape_is_no_reason_to_fail(capsys: pytest.CaptureFixture[str]) -> None:
    print_report({"data": None, "phases": {}, "artifacts": [3], "test": {"accuracy": None}}, Path("x"))
    assert "report: x/report.json" in capsys.readouterr().out
