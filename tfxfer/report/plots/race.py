"""Accuracy of every way to train over the size of its training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tfxfer.report.finished import numbers
from tfxfer.report.plots.canvas import SERIES, draw, legend_below, logarithmic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLES = ("-", "--", "-.", ":")
WIDE = 5  # a ratio of largest to smallest beyond which the axis is logarithmic


def accuracy_by_size(entries: Sequence[Mapping[str, Any]]) -> Markup:
    """One line for each way, with its 95 % intervals."""
    arms = list(dict.fromkeys(str(entry["arm"]) for entry in entries))

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        for order, arm in enumerate(arms):
            own = sorted((e for e in entries if e["arm"] == arm), key=lambda entry: entry["images"])
            xs, ys = [entry["images"] for entry in own], [entry["accuracy"] for entry in own]
            colour = SERIES[order % len(SERIES)]
            axis.plot(xs, ys, STYLES[order % len(STYLES)], marker="o", color=colour, label=arm)
            for x, entry in zip(xs, own, strict=True):
                axis.plot([x, x], numbers(entry, "accuracy_interval"), "-", color=colour, alpha=0.4)
        images = [entry["images"] for entry in entries]
        if max(images) > WIDE * min(images):
            logarithmic(axis.xaxis, axis.set_xscale)
        axis.set(xlabel="training pictures", ylabel="test accuracy")
        legend_below(figure, axis)

    return draw("overview", f"test accuracy of {', '.join(arms)} over training pictures", drawing)
