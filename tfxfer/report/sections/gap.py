"""How far the pictures are from those that the backbone has learned from, block by block."""

from __future__ import annotations

from tfxfer.report import words
from tfxfer.report.blocks import Block, Plot, Plots, Section, Words, table
from tfxfer.report.finished import FinishedRun, facts, number, rows
from tfxfer.report.plots.blocks import gap_of_blocks


def gap(run: FinishedRun) -> Section | None:
    """The domain gap of each block, where the run has measured it; else why not."""
    entries, summary = rows(run.report, "domain_gap"), facts(run.report, "domain_gap_summary")
    if not entries:
        why = summary.get("why")
        return None if why is None else Section("gap", "Domain gap", (Words(f"Not measured: {why}."),))
    whole = _distance(number(summary, "distance"))
    explanation = (
        f"{whole} on average, measured on {words.count(number(summary, 'images'))} training pictures before training: "
        "0 is what the backbone was trained on, 1 a shift or a stretch by one of its standard deviations in every "
        "channel."
    )
    plot = Plot(
        gap_of_blocks(entries), "Distance of each block's activations from the source, input to output."
    )
    made = [
        (
            str(entry.get("block")),
            *(_distance(number(entry, key)) for key in ("distance", "mean_shift", "spread_ratio")),
            words.count(number(entry, "layers")),
        )
        for entry in entries
    ]
    columns = ("block", "distance", "shift of the mean", "spread (1: the source's)", "BatchNorm layers")
    blocks: tuple[Block, ...] = (Words(explanation), Plots((plot,)), table("Each block", columns, made))
    return Section("gap", "Domain gap", blocks)


def _distance(value: float | None) -> str:
    """Hundredths: the sample tells no more."""
    return words.DASH if value is None else f"{value:,.2f}"
