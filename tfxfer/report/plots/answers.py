"""Plots of the answers on the test split: calibration, values, and the confusion of many classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tfxfer.report.plots.canvas import MUTED, SERIES, draw, legend_below

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Bin = Mapping[str, Any]  # a bin of report.json's `reliability`


def calibration_diagram(bins: Sequence[Bin], truth: str, other: Sequence[Bin] = (), name: str = "") -> Markup:
    """Confidence against how often it is right; the size of a point is the number of answers.

    `other` is drawn beside it, under its `name`: the same answers at another temperature.
    """
    most = max(entry["n"] for entry in bins)

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1)
        xs, ys = [entry["confidence"] for entry in bins], [entry["accuracy"] for entry in bins]
        axis.plot(xs, ys, "-", color=SERIES[0], linewidth=1, alpha=0.5)
        axis.vlines(xs, xs, ys, color=SERIES[1], linewidth=2)
        sizes = [20 + 120 * entry["n"] / most for entry in bins]
        axis.scatter(xs, ys, s=sizes, color=SERIES[0], zorder=3, label="as it is")
        axis.set(xlim=(0, 1.03), ylim=(-0.03, 1.06), xlabel="confidence", ylabel=truth)
        if other:
            xs, ys = [entry["confidence"] for entry in other], [entry["accuracy"] for entry in other]
            axis.plot(xs, ys, "--", color=SERIES[2], linewidth=1, alpha=0.5)
            sizes = [10 + 60 * entry["n"] / most for entry in other]
            axis.scatter(xs, ys, s=sizes, marker="s", color=SERIES[2], zorder=4, label=name)
            legend_below(figure, axis)

    return draw("calibration", f"calibration diagram: confidence against {truth}", drawing)


def value_scatter(points: Sequence[Sequence[float]], label: str) -> Markup:
    """Predicted against true values."""
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    ends = [min(*xs, *ys), max(*xs, *ys)]

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        axis.plot(ends, ends, "--", color=MUTED, linewidth=1)
        axis.scatter(xs, ys, s=12, color=SERIES[0], alpha=0.6, linewidths=0)
        axis.set(xlabel=f"true {label}", ylabel=f"predicted {label}")

    return draw("values", f"predicted against true {label} of {len(points)} test pictures", drawing)


def confusion_image(confusion: Sequence[Sequence[float]]) -> Markup:
    """The confusion of so many classes that a table would be no help, as shares of each row."""
    shares = [[value / (sum(row) or 1) for value in row] for row in confusion]

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        axis.grid(visible=False)
        picture = axis.imshow(shares, cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        axis.set(xlabel="answer, number of the class", ylabel="truth")
        figure.colorbar(picture, ax=axis, label="share of the row")

    return draw("confusion", f"confusion matrix of {len(confusion)} classes", drawing, height=3.4)
