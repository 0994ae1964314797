"""How far its confidence can be trusted, or how its values lie beside the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Plot, Plots, Section, Words
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
        scaled = facts(run.report, "temperature")
        plot = Plot(
            calibration_diagram(
                bins, SHOWN_TRUTH.get(run.task, "share of right answers"), *_other_temperature(scaled)
            ),
            "On the dashed line, a confidence of 0.8 is right 8 times in 10. Below it the network is too sure, above "
            "it too modest. Larger points stand for more answers.",
        )
        blocks: tuple[Block, ...] = (Plots((plot,)), *_error(test), *_temperature(scaled))
        return Section("confidence", "Can its confidence be trusted?", blocks)
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
            f"Its confidence is off by {words.distance(value)} on average (expected calibration error, 15 bins)."
        ),
    )


def _other_temperature(scaled: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str]:
    """The bins of the answers before temperature scaling where the files have it, and after it where not."""
    if scaled.get("value") in (None, 1):
        return [], ""
    when = "before" if scaled.get("folded") else "after"
    return rows(facts(facts(scaled, "test"), when), "reliability"), f"{when} temperature scaling"


def _temperature(scaled: Mapping[str, Any]) -> tuple[Words, ...]:
    """What temperature scaling does to the error, and whether the files have it."""
    value, images = number(scaled, "value"), number(scaled, "images")
    if value is None or images is None:
        return ()
    if value == 1:
        return (Words(f"Temperature scaling changes nothing: {scaled.get('why')}."),)
    before, after = (
        number(facts(facts(scaled, "test"), when), "expected_calibration_error")
        for when in ("before", "after")
    )
    if before is None or after is None:
        return ()
    use = (
        "Every file has it."
        if scaled.get("folded")
        else "The files do not have it; evaluation.temperature: fold gives it to them, and changes no answer."
    )
    return (
        Words(
            f"Logits divided by a temperature of {value:.2f}, found on {images:,.0f} validation pictures: "
            f"the error on the test pictures is {words.share(before)} before, {words.share(after)} after. {use}"
        ),
    )
