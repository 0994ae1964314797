"""Size and latency of every file against what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from tfxfer.report.plots.canvas import BAD, MUTED, SERIES, draw, legend_below, legend_columns, logarithmic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
WIDE = 5  # a ratio of largest to smallest beyond which the axis is logarithmic


@dataclass(frozen=True, slots=True)
class FilePoint:
    """One artifact in a plot."""

    name: str
    x: float
    y: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Axes:
    """What a plot of files shows; `network` is the trained network's own y."""

    name: str
    x: str
    y: str
    network: float | None


def file_scatter(points: Sequence[FilePoint], axes: Axes) -> Markup:
    """Files as points: a marker each, filled where the file passed, crossed out in red where it failed."""
    formats = list(dict.fromkeys(point.name.partition(":")[0] for point in points))

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        if axes.network is not None:
            axis.axhline(axes.network, linestyle="--", color=MUTED, linewidth=1, label="trained network")
        for order, point in enumerate(points):
            colour = SERIES[formats.index(point.name.partition(":")[0]) % len(SERIES)]
            marker = MARKERS[order % len(MARKERS)]
            axis.plot([point.x], [point.y], marker, color=colour, markersize=7, label=_label(point))
            if not point.passed:
                axis.plot([point.x], [point.y], "x", color=BAD, markersize=13, markeredgewidth=1.5)
        if max(point.x for point in points) > WIDE * min(point.x for point in points) > 0:
            logarithmic(axis.xaxis, axis.set_xscale)
        axis.margins(0.15)
        axis.set(xlabel=axes.x, ylabel=axes.y)
        legend_below(figure, axis)

    title = f"{axes.x} against {axes.y} of {len(points)} files"
    return draw(
        axes.name,
        title,
        drawing,
        height=2.7 + 0.18 * len(points) / legend_columns([_label(point) for point in points]),
    )


def _label(point: FilePoint) -> str:
    return point.name if point.passed else f"{point.name} (failed)"
