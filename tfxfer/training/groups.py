"""Rate groups: which weights learn at which rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import keras

from tfxfer.errors import TrainingError
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


def rate_groups(
    model: keras.Model, blocks: Mapping[str, Sequence[str]], phase: Phase, unfrozen: Sequence[str]
) -> tuple[RateGroup, ...]:
    """Every trainable weight of `model` in exactly one group, the head first, then block by block from it.

    Args:
        blocks: name of each block -> names of its layers, input to output.
        unfrozen: names of the blocks that learn.

    Raises:
        TrainingError: nothing learns.
    """
    if not model.trainable_variables:
        raise TrainingError(
            f"phase '{phase.name}' must have weights that learn. Received: a model whose every weight is frozen. "
            "Give it a head with weights, or unfreeze a block."
        )
    owners = _owners(model, {name: blocks[name] for name in blocks if name in set(unfrozen)})
    members: dict[str, list[keras.Variable]] = {HEAD: []}
    for variable in model.trainable_variables:
        members.setdefault(owners.get(id(variable), HEAD), []).append(variable)
    rates = _rates(phase, [name for name in reversed(list(blocks)) if name in members])
    return tuple(RateGroup(name, tuple(members[name]), rate) for name, rate in rates if members[name])


def _rates(phase: Phase, from_head: Sequence[str]) -> Iterator[tuple[str, float]]:
    yield HEAD, head_rate(phase)
    for distance, name in enumerate(from_head):
        yield name, phase.learning_rate * phase.learning_rate_decay**distance


def _owners(model: keras.Model, blocks: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """id of a variable -> the block it belongs to."""
    layers = {layer.name: layer for layer in leaves(model)}
    return {
        id(variable): name
        for name, members in blocks.items()
        for member in members
        for variable in (layers[member].trainable_variables if member in layers else ())
    }


def leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Every layer below a model, models inside models and wrappers opened too."""
    inner = layer.layers if isinstance(layer, keras.Model) else ()
    for part in inner:
        yield part
        yield from leaves(part)
