"""How it was trained: curves of all phases, rates per block, and what each phase cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Plot, Plots, Section, Words, table
from tfxfer.report.finished import FinishedRun, facts, kept_epoch, number, rows
from tfxfer.report.plots.curves import learning_rates, training_curves

COLUMNS = (
    "", "phase", "blocks that learn", "learning rates", "epochs", "kept", "weights that learn", "seconds",
    "per epoch", "features",
)  # fmt: skip


def training(run: FinishedRun) -> Section | None:
    """Every phase: what learned, for how long, at what rate."""
    phases = rows(run.report, "phases")
    if not phases:
        return None
    curves = Plot(
        training_curves(phases),
        "Validation and training figures. Dotted lines and numbers mark where a phase starts and other blocks "
        "begin to learn; a ring marks the state that was kept.",
    )
    rates = learning_rates(phases)
    plots = [curves]
    if rates is not None:
        plots.append(
            Plot(rates, "Learning rate of the head and of each block, fainter the further from the head.")
        )
    cost = table(
        "Phases", COLUMNS, [_row(order, phase) for order, phase in enumerate(phases, start=1)], text=4
    )
    why = Words("Why: " + "; ".join(_reasons(phases)) + ".") if _reasons(phases) else None
    found = (_recipe(run), Plots(tuple(plots)), cost, _moved(phases), why)
    blocks = tuple(block for block in found if block is not None)
    return Section("training", "How it was trained", blocks)


def _recipe(run: FinishedRun) -> Words | None:
    """What was chosen, and why."""
    recipe = facts(run.report, "recipe")
    if not recipe:
        return None
    return Words(f"Recipe {recipe.get('name')}: {recipe.get('why')}.")


def _moved(phases: Sequence[Mapping[str, Any]]) -> Block | None:
    """How far each phase moved each block that learned."""
    made = [
        (
            str(phase.get("name")),
            str(block.get("block")),
            words.share(number(block, "weights")),
            words.figure(number(block, "features")),
        )
        for phase in phases
        for block in rows(phase, "moved")
    ]
    columns = ("phase", "block", "change of its weights", "likeness of its features (CKA, 1: the same)")
    return table("How far each block moved", columns, made, text=2) if made else None


def _row(order: int, phase: Mapping[str, Any]) -> list[str]:
    blocks = [str(name) for name in phase.get("unfrozen_blocks") or ()]
    solved = phase.get("solver") == "lbfgs"
    best = kept_epoch(phase)
    return [
        str(order),
        str(phase.get("name")),
        words.listed(blocks, 4) or "none: the head only",
        "solved, not iterated" if solved else _rates(phase),
        words.count(number(phase, "epochs")),
        "the state before" if best == 0 else f"epoch {best}",
        words.count(number(phase, "trainable_parameters")),
        words.seconds(number(phase, "seconds")),
        words.seconds(number(phase, "seconds_per_epoch")),
        words.seconds(number(phase, "feature_seconds")) if phase.get("cached_boundary") else "not kept",
    ]


def _rates(phase: Mapping[str, Any]) -> str:
    found = facts(phase, "learning_rates")
    blocks = [rate for name, rate in found.items() if name != "head"]
    head = f"head {found['head']:.2g}" if "head" in found else ""
    if not blocks:
        return head
    span = f"{max(blocks):.2g}" if max(blocks) == min(blocks) else f"{min(blocks):.2g} to {max(blocks):.2g}"
    return f"{head}, blocks {span}" if head else f"blocks {span}"


def _reasons(phases: list[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(reason) for phase in phases for reason in phase.get("why") or ()))
