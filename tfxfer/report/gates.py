"""A gate that does not hold, in words and units: for readers who have not set it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.finished import number, rows

BOUNDS = {"max": "at most", "min": "at least"}


def missed_gates(report: Mapping[str, Any], artifact: str | None) -> list[Mapping[str, Any]]:
    """The gates that a file does not hold, or, with None, the trained network."""
    return [
        gate
        for gate in rows(report, "gates")
        if gate.get("passed") is False and gate.get("artifact") == artifact
    ]


def gate_sentence(gate: Mapping[str, Any]) -> str:
    """ "accuracy drop is 5.3 points, must be at most 2.0 points (max_accuracy_drop)"."""
    name = str(gate.get("name"))
    bound, _, what = name.partition("_")
    value, limit = (_figure(what, number(gate, key)) for key in ("value", "limit"))
    noun = what.replace("_", " ").removesuffix(" bytes").replace(" ms", "").replace("top1 ", "")
    return f"{noun} is {value}, must be {BOUNDS.get(bound, 'as')} {limit} ({name})"


def _figure(what: str, value: float | None) -> str:
    if what.endswith("bytes"):
        return words.size(value)
    if "_ms" in what:
        return words.milliseconds(value)
    if what.endswith("drop"):
        return words.distance(value)
    if what.endswith(("accuracy", "agreement", "sensitivity", "specificity", "precision", "match", "f1")):
        return words.share(value)
    return words.figure(value, 3)
