"""Rate groups: which weights learn at which rate."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import keras

from tfxfer.errors import TrainingError, UsageError
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
    if HEAD in phase.learning_rates:
        return phase.learning_rates[HEAD]
    return phase.learning_rate if phase.head_learning_rate is None else phase.head_learning_rate


def matched_keys(rates: Mapping[str, float], blocks: Sequence[str]) -> dict[str, str]:
    """block -> the first key of `rates` that is its name or a pattern of it, for those that have one."""
    keys = [key for key in rates if key != HEAD]
    found = {name: next((key for key in keys if fnmatchcase(name, key)), None) for name in blocks}
    return {name: key for name, key in found.items() if key is not None}


def check_learning_rates(phase: Phase, learning: Sequence[str]) -> None:
    """Refuse a rate that would be for nothing, or that another one hides.

    Raises:
        UsageError: a key of `learning_rates` is no block that learns in the phase, and matches none.
    """
    used = {HEAD, *matched_keys(phase.learning_rates, learning).values()}
    for key in phase.learning_rates:
        if key not in used:
            near = difflib.get_close_matches(key, [HEAD, *learning], n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "Remove it, or unfreeze more."
            raise UsageError(
                f"every key of learning_rates in phase '{phase.name}' must be '{HEAD}', a block that learns, or a "
                f"pattern of some that no earlier key matches: {', '.join(learning) or 'none learns'}. "
                f"Received: '{key}'. {hint}"
            )


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
    matched = matched_keys(phase.learning_rates, from_head)
    for distance, name in enumerate(from_head):
        if name in matched:
            yield name, phase.learning_rates[matched[name]]
        else:
            yield name, phase.learning_rate * phase.learning_rate_decay**distance


def _owners(cut: Cut) -> dict[int, str]:
    """id of a variable -> the block it belongs to."""
    return {
        id(variable): name
        for name, members in cut.blocks.items()
        for member in members
        for variable in (cut.layers[member].trainable_variables if member in cut.layers else ())
    }
