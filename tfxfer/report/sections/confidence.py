"""How far its confidence can be trusted, or how its values lie beside the true ones."""

from __future__ import annotations

from tfxfer.report import words
from tfxfer.report.blocks import Plot, Plots, Section, Words
from tfxfer.report.finished import FinishedRun, facts, number, rows
from tfxfer.report.plots.answers import calibration_diagram, value_scatter

SHOWN_TRUTH = {
    "classification": "share of right answers",
    "multi_label": "share of pictures that the label applies to",
}


def confidence(run: FinishedRun) -> Section | None:
    """The calibration diagram; of a regression, predicted against true values."""
    test = facts(run.report, "test")
    bins, points = rows(test, "reliability"), test.get("points")
    if bins:
        plot = Plot(
            calibration_diagram(bins, SHOWN_TRUTH.get(run.task, "share of right answers")),
            "On the dashed line, a confidence of 0.8 is right 8 times in 10. Below it the network is too sure. "
            "Larger points stand for more answers.",
        )
        return Section("confidence", "Can its confidence be trusted?", (Plots((plot,)), *_error(test)))
    if isinstance(points, list) and points:
        label = next((str(entry.get("label")) for entry in rows(test, "per_value")), "value")
        plot = Plot(value_scatter(points, label), "On the dashed line the prediction is right.")
        return Section("confidence", "Predicted and true values", (Plots((plot,)),))
    return None


def _error(test: object) -> tuple[Words, ...]:
    value = number(test, "expected_calibration_error") if isinstance(test, dict) else None
    if value is None:
        return ()
    return (
        Words(
            f"Its confidence is off by {words.share(value)} on average (expected calibration error, 15 bins)."
        ),
    )
