"""Symptoms that the course of training shows: forgetting, overfitting, a phase for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Advice
from tfxfer.report.finished import FinishedRun, facts, kept_epoch, number, numbers, rows

FORGOTTEN = 0.05  # of validation accuracy below the state before a phase
RISE = 1.2  # of a validation loss, where there is no accuracy
OVERFIT = 0.1  # of training accuracy above validation accuracy
OVERFIT_LOSS = 1.5  # validation loss over its own best


def forgetting(run: FinishedRun) -> Iterator[Advice]:
    """A phase that unfroze pretrained blocks made validation worse than it found it."""
    for index, phase in enumerate(rows(run.report, "phases")):
        fall = _fall(phase)
        if fall is None or not phase.get("unfrozen_blocks"):
            continue
        name, before, worst = fall
        kept = kept_epoch(phase)
        end = (
            "and never came back: the state before it was kept" if kept == 0 else f"and epoch {kept} was kept"
        )
        yield Advice(
            symptom=f"Phase “{phase.get('name')}” forgot: {_called(name)} went from "
            f"{_figure(name, before)} to {_figure(name, worst)} {end}.",
            cause="The steps were too large for pretrained weights, or the head was not ready when they began to move.",
            remedy="Divide the phase's learning_rate by 10, let rates fall by block (learning_rate_decay: 0.7), "
            f"add warmup_steps, or unfreeze fewer blocks; training: lpft or gradual does this.{_spared(phase, kept)}",
            figure=f"phases[{index}].history.{name} beside phases[{index}].before.{name}",
        )


def _spared(phase: Mapping[str, Any], kept: int) -> str:
    """What leaving a phase out costs nothing but saves."""
    spent = words.seconds(number(phase, "seconds"))
    return (
        f" Or leave the phase out, which saves {spent}: nothing of it is in the network." if kept == 0 else ""
    )


def _called(name: str) -> str:
    return name.replace("val_", "validation ").replace("_", " ")


def _figure(name: str, value: float) -> str:
    """Shares as shares; a loss has no unit."""
    return words.figure(value, 3) if name.endswith("loss") else words.share(value)


def _fall(phase: Mapping[str, Any]) -> tuple[str, float, float] | None:
    """(figure, before, worst after) where a phase fell far below the state that it found."""
    history, found = facts(phase, "history"), facts(phase, "before")
    for name in ("val_accuracy", "val_mean_average_precision", "val_f1"):
        before, after = number(found, name), numbers(history, name)
        if before is not None and after:
            return (name, before, min(after)) if min(after) < before - FORGOTTEN else None
    before, after = number(found, "val_loss"), numbers(history, "val_loss")
    if before is not None and after and max(after) > RISE * before:
        return "val_loss", before, max(after)
    return None


def overfitting(run: FinishedRun) -> Iterator[Advice]:
    """Training figures far better than validation's, in the phase that made the network."""
    index = _last_kept(run)
    if index is None:
        return
    phase = rows(run.report, "phases")[index]
    found = _gap(phase)
    if found is None:
        return
    seen, held, name = found
    yield Advice(
        symptom=f"Overfitting: in phase “{phase.get('name')}” training {name.replace('_', ' ')} is "
        f"{_figure(name, seen)}, validation's {_figure(name, held)}.",
        cause="The network has learned its training pictures by heart: they are few for the weights that learn.",
        remedy="More pictures, augmentation, fewer unfrozen blocks, weight_decay or head.dropout; "
        "early_stopping_patience ends a phase that no longer gains.",
        figure=f"phases[{index}].history.{name} beside phases[{index}].history.val_{name}",
        grave=True,
    )


def _last_kept(run: FinishedRun) -> int | None:
    """The last phase that left a new state."""
    kept = [i for i, phase in enumerate(rows(run.report, "phases")) if kept_epoch(phase) > 0]
    return kept[-1] if kept else None


def _gap(phase: Mapping[str, Any]) -> tuple[float, float, str] | None:
    """(training, validation, figure) of the kept epoch where the two are far apart."""
    history, at = facts(phase, "history"), kept_epoch(phase) - 1
    seen, held = numbers(history, "accuracy"), numbers(history, "val_accuracy")
    if len(seen) > at and len(held) > at:
        return (seen[at], held[at], "accuracy") if seen[at] - held[at] > OVERFIT else None
    seen, held = numbers(history, "loss"), numbers(history, "val_loss")
    if held and len(seen) == len(held) and held[-1] > OVERFIT_LOSS * min(held) and seen[-1] < seen[0]:
        return seen[-1], held[-1], "loss"
    return None


def idle_phases(run: FinishedRun) -> Iterator[Advice]:
    """Phases whose epochs gained nothing, without having done harm."""
    phases = rows(run.report, "phases")
    idle = [index for index, phase in enumerate(phases) if _is_idle(phase)]
    if not idle:
        return
    names = ", ".join(f"“{phases[index].get('name')}”" for index in idle)
    spent = sum(number(phases[index], "seconds") or 0.0 for index in idle)
    yield Advice(
        symptom=f"Gained nothing: {words.named(len(idle), 'phase')} ({names}). The state before was kept.",
        cause="That state was as good as validation can tell, or the epochs were too few to overtake it.",
        remedy=f"Leave them out and save {words.seconds(spent)}, or give them more epochs.",
        figure=", ".join(f"phases[{index}].best_epoch" for index in idle),
    )


def _is_idle(phase: Mapping[str, Any]) -> bool:
    return bool(phase.get("best_epoch") == 0 and phase.get("unfrozen_blocks") and _fall(phase) is None)
