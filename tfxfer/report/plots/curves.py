"""Training as it went: every phase on one axis of epochs, unfreezings marked, the rate of every block below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tfxfer.report.finished import facts, kept_epoch, number, numbers
from tfxfer.report.plots.canvas import GOOD, MUTED, SERIES, draw, legend_below, logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Bounds = Mapping[str, tuple[float, float]]  # metric -> its axis

RATE = "learning_rate"
MARGIN = 0.05  # of an axis, above and below its curves
HEAD = "head"


@dataclass(frozen=True, slots=True)
class Span:
    """One phase and the epoch at which it starts."""

    phase: Mapping[str, Any]
    start: int

    @property
    def epochs(self) -> int:
        return len(numbers(facts(self.phase, "history"), "val_loss")) or int(self.phase.get("epochs") or 0)


def training_curves(
    phases: Sequence[Mapping[str, Any]], name: str = "curves", bounds: Bounds = MappingProxyType({})
) -> Markup:
    """Validation and training figures over the epochs of all phases; `name` is the plot's own on its page.

    Plots that stand beside each other are given the same `bounds`.
    """
    spans, panels = _spans(phases), _panels(phases)

    def drawing(figure: Figure) -> None:
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axis, metric in zip(axes, panels, strict=True):
            _draw_metric(axis, spans, metric)
            _draw_starts(axis, spans)
            axis.set_ylim(bounds.get(metric))
        axes[-1].set_xlabel("epochs of all phases")
        axes[-1].set_xlim(left=-0.2)
        axes[-1].xaxis.get_major_locator().set_params(integer=True)
        legend_below(figure, axes[-1])

    title = (
        f"{' and '.join(panel.replace('_', ' ') for panel in panels)} over the epochs of {len(spans)} phases"
    )
    return draw(name, title, drawing, height=1.9 * len(panels) + 0.4)


def common_bounds(phases: Sequence[Mapping[str, Any]]) -> Bounds:
    """Of every metric, the axis that holds all its curves."""
    found = {}
    for metric in _panels(phases):
        values = [
            value
            for phase in phases
            for name in (metric, f"val_{metric}")
            for value in (number(facts(phase, "before"), name), *numbers(facts(phase, "history"), name))
            if value is not None
        ]
        if values:
            room = MARGIN * (max(values) - min(values))
            found[metric] = (min(values) - room, max(values) + room)
    return found


def learning_rates(phases: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The rate of every block over the epochs; None where nothing was iterated."""
    spans = [span for span in _spans(phases) if facts(span.phase, "learning_rates")]
    if not spans:
        return None
    from matplotlib.ticker import MaxNLocator

    names = list(dict.fromkeys(name for span in spans for name in facts(span.phase, "learning_rates")))

    def drawing(figure: Figure) -> None:
        axis = figure.subplots()
        for order, name in enumerate(names):
            for span in spans:
                xs, ys = _rates(span, name)
                axis.plot(
                    xs, ys, **_look(order, len(names)), label=name if span is _first(spans, name) else None
                )
        _draw_starts(axis, _spans(phases))
        logarithmic(axis.yaxis, axis.set_yscale)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("epochs of all phases")
        axis.set_ylabel("learning rate")
        if len(names) <= 9:
            legend_below(figure, axis)

    return draw("rates", f"learning rate of {', '.join(names[:12])}", drawing, height=2.7)


def _spans(phases: Sequence[Mapping[str, Any]]) -> list[Span]:
    spans, start = [], 0
    for phase in phases:
        span = Span(phase, start)
        spans.append(span)
        start += span.epochs
    return spans


def _panels(phases: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figure that decides which epoch is kept, then the loss."""
    monitored = [str(phase.get("monitor", "val_loss")).removeprefix("val_") for phase in phases]
    known = [
        name.removeprefix("val_")
        for phase in phases
        for name in facts(phase, "history")
        if name.startswith("val_") and name != "val_loss"
    ]
    return list(dict.fromkeys([*monitored, *known[:1], "loss"]))[:3]


def _draw_metric(axis: Axes, spans: Sequence[Span], metric: str) -> None:
    for span in spans:
        history = facts(span.phase, "history")
        first = span is spans[0]
        before = number(facts(span.phase, "before"), f"val_{metric}")
        seen = numbers(history, metric)
        held = numbers(history, f"val_{metric}")
        if seen:
            xs = [span.start + epoch for epoch in range(1, len(seen) + 1)]
            axis.plot(
                xs,
                seen,
                "--",
                marker="." if len(seen) == 1 else None,
                color=SERIES[1],
                label=_once("training", first),
            )
        shown = held if before is None or (first and span.phase.get("solver") == "lbfgs") else [before, *held]
        offset = span.start + len(held) - len(shown) + 1
        if shown:
            xs = [offset + step for step in range(len(shown))]
            axis.plot(xs, shown, "-", marker=".", color=SERIES[0], label=_once("validation", first))
            _draw_kept(axis, span, [before, *held], first)
    axis.set_ylabel(metric.replace("_", " "))


def _draw_kept(axis: Axes, span: Span, values: Sequence[float | None], first: bool) -> None:
    """The state that the phase left behind; epoch 0 is the one that it found."""
    best = kept_epoch(span.phase)
    value = values[best] if best < len(values) else None
    if value is not None:
        xs = [span.start + best]
        axis.plot(xs, [value], "o", markersize=8, fillstyle="none", color=GOOD, label=_once("kept", first))


def _draw_starts(axis: Axes, spans: Sequence[Span]) -> None:
    for order, span in enumerate(spans, start=1):
        axis.axvline(span.start, linestyle=":", color=MUTED, linewidth=1)
        axis.annotate(
            str(order), (span.start, 1), xycoords=("data", "axes fraction"), xytext=(2, -1),
            textcoords="offset points", va="top", color=MUTED, fontsize=8,
        )  # fmt: skip


def _once(label: str, first: bool) -> str | None:
    return label if first else None


def _rates(span: Span, name: str) -> tuple[list[int], list[float]]:
    """The rate of one group in each epoch: its own, moved as the schedule moved the head's."""
    base = facts(span.phase, "learning_rates")
    own, lead = number(base, name), number(base, HEAD)
    course = numbers(facts(span.phase, "history"), RATE)
    if own is None:
        return [], []
    factors = [rate / lead for rate in course] if course and lead else [1.0] * span.epochs
    # A schedule that ends at 0 leaves no place for its last point on a logarithmic axis.
    shown = [
        (span.start + epoch, own * factor) for epoch, factor in enumerate(factors, start=1) if factor > 0
    ]
    return [epoch for epoch, _ in shown], [rate for _, rate in shown]


def _first(spans: Sequence[Span], name: str) -> Span:
    return next(span for span in spans if name in facts(span.phase, "learning_rates"))


def _look(order: int, total: int) -> dict[str, Any]:
    """The head in one colour; the blocks in another, fainter the further from the head."""
    if order == 0:
        return {"color": SERIES[1], "marker": ".", "zorder": 3}
    return {"color": SERIES[0], "marker": ".", "alpha": 1 - 0.75 * (order - 1) / max(total - 1, 1)}
