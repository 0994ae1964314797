"""Matplotlib figures as SVG text that takes its colours from the page's style, dark or light."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Colours that stand for the style's: no other part of an SVG holds them.
INK, MUTED, GRID, GOOD, BAD = "#a000f0", "#a000f1", "#a000f2", "#a000f3", "#a000f4"
SERIES = ("#a00001", "#a00002", "#a00003", "#a00004", "#a00005", "#a00006")
VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--line)",
    GOOD: "var(--good)",
    BAD: "var(--bad)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, start=1)},
}
STYLE: Any = {  # the names that matplotlib knows depend on its version
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud, and takes the page's font
    "text.parse_math": False,  # a class may be called $x$
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.constrained_layout.use": True,
}
HANDLE, LETTER = 0.5, 0.065  # inches of a legend's sign with its room, and of a letter
WIDTH = 4.0  # inches: 9 points are 10 pixels on a phone; at 10 inches they would be 4
Draw = Callable[["Figure"], None]


def draw(name: str, title: str, drawing: Draw, *, height: float = 2.9) -> Markup:
    """One figure as an <svg> element called `title`; `name` is its own on the page, so that ids do not meet.

    The same values give the same text: no clock, no random ids.
    """
    import matplotlib
    from matplotlib.figure import Figure

    stream = io.StringIO()
    logger = logging.getLogger("matplotlib")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)  # "building the font cache", at the first use on a machine
        with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
            # Measured with a font that lacks the letter; the browser writes it with one that has it.
            warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from")
            figure = Figure(figsize=(WIDTH, height))
            drawing(figure)
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    finally:
        logger.setLevel(level)
    return Markup(_inlined(stream.getvalue(), name, title))


def legend_columns(labels: Sequence[str]) -> int:
    """How many of these names fit beside each other."""
    longest = max(map(len, labels), default=0)
    return max(1, min(3, int(WIDTH / (HANDLE + LETTER * longest))))


def legend_below(figure: Figure, axes: Axes) -> None:
    """The legend of `axes` under all plots of the figure, where it hides nothing, in as many columns as fit."""
    handles, labels = axes.get_legend_handles_labels()
    columns = legend_columns(labels)
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, borderaxespad=0)


def logarithmic(axis: Axis, scale: Callable[[str], None]) -> None:
    """A logarithmic axis with plain numbers: powers would need typesetting."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    scale("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _inlined(svg: str, name: str, title: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    head = f'<svg viewBox="0 0 {size[1]} {size[2]}" role="img" aria-label="{escape(title)}">'
    return re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1)
