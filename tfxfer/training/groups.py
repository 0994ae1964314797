"""Rate groups: which weights learn at which rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras

from tfxfer.errors import TrainingError
from tfxfer.training.cut import Cut
from tfxfer.training.phase import Phase

HEAD = "head"


@dataclass(frozen=True, slots=True, eq=False)
class RateGroup:
    """Weights that share a rate."""

    name: str
    variables: tuple[keras.Variable, ...]
    learning_rate: float


def head_rate(phase: Phase) -> float:
    """The head's rate, which callbacks see as `model.optimizer.learning_rate`."""
    return phase.learning_rate if phase.head_learning_rate is None else phase.head_learning_rate


def rate_groups(cut: Cut, phase: Phase) -> tuple[RateGroup, ...]:
    """Every weight that learns in exactly one group, the head first, then block by block from it.

    Raises:
        TrainingError: nothing learns.
    """
    learning = cut.learner.suffix.trainable_variables
    if not learning:
        raise TrainingError(
            f"phase '{phase.name}' must have weights that learn. Received: a model whose every weight is frozen. "
            "Give it a head with weights, or unfreeze a block."
        )
    owners = _owners(cut)
    members: dict[str, list[keras.Variable]] = {HEAD: []}
    for variable in learning:
        members.setdefault(owners.get(id(variable), HEAD), []).append(variable)
    rates = _rates(phase, [name for name in reversed(list(cut.blocks)) if name in members])
    return tuple(RateGroup(name, tuple(members[name]), rate) for name, rate in rates if members[name])


def _rates(phase: Phase, from_head: Sequence[str]) -> Iterator[tuple[str, float]]:
    yield HEAD, head_rate(phase)
    for distance, name in enumerate(from_head):
        yield name, phase.learning_rate * phase.learning_rate_decay**distance


def _owners(cut: Cut) -> dict[int, str]:
    """id of a variable -> the block it belongs to."""
    return {
        id(variable): name
        for name, members in cut.blocks.items()
        for member in members
        for variable in (cut.layers[member].trainable_variables if member in cut.layers else ())
    }
