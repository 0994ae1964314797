"""The picture of a learning-rate range test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUGGESTED = {"valley": "tab:green", "steepest": "tab:orange", "tenth_of_divergence": "tab:purple"}


def plot_rate_curve(curve: Mapping[str, Any], to: Path) -> None:
    """Write a PNG of a curve (JSON values of a RateCurve, with the `planned` rate): losses, average, suggestions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(curve["rates"], curve["losses"], ".", color="0.75", markersize=4, label="each batch")
    axes.plot(curve["rates"], curve["smoothed"], color="tab:blue", label="moving average")
    for name, colour in SUGGESTED.items():
        rate = curve["suggestions"][name]
        if rate is not None:
            axes.axvline(rate, color=colour, linestyle="--", label=f"{name.replace('_', ' ')}: {rate:.2g}")
    axes.axvline(curve["planned"], color="black", linestyle=":", label=f"planned: {curve['planned']:.2g}")
    if curve["diverged_at"] is not None:
        axes.axvline(curve["diverged_at"], color="tab:red", label=f"diverged: {curve['diverged_at']:.2g}")
    axes.set_xscale("log")
    lowest, highest = min(curve["smoothed"]), max(curve["smoothed"][0], 2 * min(curve["smoothed"]))
    axes.set_ylim(max(0.0, lowest - 0.2 * (highest - lowest)), highest + 0.6 * (highest - lowest))
    axes.set_xlabel(f"learning rate of phase '{curve['phase']}'")
    axes.set_ylabel("training loss")
    axes.legend(fontsize="small")
    FigureCanvasAgg(figure).print_figure(str(to), format="png", dpi=120, metadata={"Software": None})
