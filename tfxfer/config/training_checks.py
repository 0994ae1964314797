"""What the schema cannot say about training: keys that exclude each other, and what a phase makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tfxfer.catalogue.schedules import schedule_problem
from tfxfer.config.augment_schema import check_augment
from tfxfer.config.document import Problem
from tfxfer.config.training_schema import PhaseConfig, TrainingConfig


def check_training(training: TrainingConfig) -> Iterator[Problem]:
    """A recipe or phases, not both; phase names are unique; each phase makes sense."""
    if training.recipe is not None and training.phases:
        yield Problem(
            ("training", "recipe"),
            f"training takes a recipe or phases, not both. Received: recipe '{training.recipe}' "
            f"and {len(training.phases)} phases. Remove one of them.",
        )
    if training.recipe is None and not training.phases:
        yield Problem(
            ("training", "phases"), "training.phases must hold at least one phase. Add one, or name a recipe."
        )
    yield from check_augment(training.augment, ("training", "augment"))
    names = Counter(phase.name for phase in training.phases if phase.name is not None)
    for index, phase in enumerate(training.phases):
        if phase.name is not None and names[phase.name] > 1:
            yield Problem(
                ("training", "phases", index, "name"),
                f"phases must have different names. Received: '{phase.name}' twice.",
            )
        yield from _check_phase(phase, index)
        yield from check_augment(phase.augment, ("training", "phases", index, "augment"))


def _check_phase(phase: PhaseConfig, index: int) -> Iterator[Problem]:
    place = ("training", "phases", index)
    where = f"training.phases[{index}]"
    learns = phase.learns
    if learns and "learning_rate" not in phase.model_fields_set and "*" not in phase.learning_rates:
        yield Problem(
            place,
            f"{where}.learning_rate must be given where the backbone learns (unfreeze: {_unfreeze(phase)}). "
            "1e-5 to 1e-4 is usual.",
        )
    yield from _check_unfreezings(phase, index)
    yield from _check_rates(phase, index)
    if phase.batch_norm == "learn" and not learns:
        yield Problem(
            (*place, "batch_norm"),
            f"{where}.batch_norm: learn needs blocks that learn. Received: unfreeze none. Set unfreeze.",
        )
    if phase.solver == "lbfgs" and (learns or phase.label_smoothing > 0):
        yield Problem(
            (*place, "solver"),
            f"{where}.solver: lbfgs solves a head on frozen features without label smoothing. Received: "
            f"unfreeze {_unfreeze(phase)}, label_smoothing {phase.label_smoothing:g}. Use solver: gradient.",
        )


def _unfreeze(phase: PhaseConfig) -> str:
    return phase.unfreeze if isinstance(phase.unfreeze, str) else "a list"


def _check_unfreezings(phase: PhaseConfig, index: int) -> Iterator[Problem]:
    if isinstance(phase.unfreeze, str):
        return
    epochs = [line.epoch for line in phase.unfreeze]
    if epochs[0] != 0 or sorted(set(epochs)) != epochs or epochs[-1] >= phase.epochs:
        yield Problem(
            ("training", "phases", index, "unfreeze"),
            f"training.phases[{index}].unfreeze must begin at epoch 0, and each epoch be later than the last and below "
            f"the phase's {phase.epochs} epochs. Received: epochs {', '.join(map(str, epochs))}.",
        )


def _check_rates(phase: PhaseConfig, index: int) -> Iterator[Problem]:
    place, where = ("training", "phases", index), f"training.phases[{index}]"
    if phase.learning_rates and phase.learning_rate_decay != 1.0:
        yield Problem(
            (*place, "learning_rate_decay"),
            f"{where} takes learning_rates or learning_rate_decay, not both. Remove one of them.",
        )
    if "head" in phase.learning_rates and phase.head_learning_rate is not None:
        yield Problem(
            (*place, "head_learning_rate"),
            f"{where} gives the head's rate twice: head_learning_rate, and 'head' in learning_rates. Remove one.",
        )
    problem = schedule_problem(phase.schedule, phase.schedule_options, phase.warmup_steps)
    if problem is not None:
        key, expected = problem
        received = phase.warmup_steps if key == "warmup_steps" else dict(phase.schedule_options)
        yield Problem((*place, key), f"{where}.{key} must be {expected}. Received: {received}.")
