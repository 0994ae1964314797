"""One figure for each block of the backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tfxfer.report.plots.canvas import SERIES, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gap_of_blocks(entries: Sequence[Mapping[str, Any]]) -> Markup:
    """The domain gap of each block as a bar, input at the top."""
    names = [str(entry["block"]) for entry in entries]

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        axis.barh(range(len(names)), [entry["distance"] for entry in entries], color=SERIES[0])
        axis.set_yticks(range(len(names)), [_short(name) for name in names])
        axis.invert_yaxis()
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("distance in the source's standard deviations")

    return draw(
        "gap", f"domain gap of {len(names)} blocks", drawing, height=min(1.0 + 0.17 * len(names), 6.0)
    )


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}…"
