"""Several runs in one plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tfxfer.report.plots.canvas import SERIES, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def score_intervals(found: Sequence[Mapping[str, Any]], score: str) -> Markup:
    """Each run's headline figure with its interval, best at the top."""

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        for place, row in enumerate(found):
            if len(row["interval"]) == 2:
                axis.plot(row["interval"], [place, place], "-", color=SERIES[0], linewidth=3, alpha=0.5)
            axis.plot([row[score]], [place], "o", color=SERIES[0], markersize=7)
        names = [str(row["run"]) for row in found]
        axis.set_yticks(range(len(names)), [name if len(name) <= 24 else f"…{name[-23:]}" for name in names])
        axis.invert_yaxis()
        axis.margins(y=0.3)
        axis.set_xlabel(score.replace("_", " "))

    title = f"{score.replace('_', ' ')} of {len(found)} runs with 95 % intervals"
    return draw("runs", title, drawing, height=1.0 + 0.35 * len(found))
