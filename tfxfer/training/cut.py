"""Where a phase cuts the model: what is frozen and computed once, what learns, and in which blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tfxfer.backbones.blocks import Block, find_blocks
from tfxfer.backbones.features import features_tensor
from tfxfer.backbones.graph import flat_model, steps_between
from tfxfer.backbones.units import units
from tfxfer.errors import TrainingError
from tfxfer.network.freeze import FrozenBoundary, freeze
from tfxfer.network.head import Head
from tfxfer.network.network import Network
from tfxfer.network.split import split_model
from tfxfer.training.learner import Learner
from tfxfer.training.phase import Phase


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A model, frozen as a phase asks, and cut at the boundary."""

    model: keras.Model  # the caller's, which callbacks see
    boundary: FrozenBoundary
    learner: Learner
    layers: Mapping[str, keras.layers.Layer]  # of the flat graph; of a SavedModel, its parts
    blocks: Mapping[str, Sequence[str]]  # name -> its layers' names, input to output
    head: Head | None  # of a Network, whose outputs are logits; None for a plain model


def cut(model: Network | keras.Model, phase: Phase) -> Cut:
    """Freeze `model` as the phase asks, and cut it under the first weight that learns.

    Raises:
        BlockError: the model has no graph, or no such block.
        TrainingError: the phase keeps what is frozen now, and that is no row of blocks from the head.
    """
    whole = model.model if isinstance(model, Network) else model
    flat = flat_model(whole)
    found = backbone_blocks(model)
    layers = units(flat.layers)
    boundary = freeze(model, phase.policy(_unfreeze(phase, found, layers)))
    parts = (None, whole) if boundary.tensor is None else split_model(whole, boundary.tensor)
    blocks = {block.name: block.layers for block in found}
    head = model.head if isinstance(model, Network) else None
    return Cut(whole, boundary, Learner(*parts), layers, blocks, head)


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """A phase that comes later, and what will be frozen in it, which no phase before it changes."""

    phase: Phase
    prefix: keras.Model  # of the same graph as the prefix of the phase that is next


def cut_with_later(
    model: Network | keras.Model, phase: Phase, phases: Sequence[Phase]
) -> tuple[Cut, tuple[Later, ...]]:
    """`cut` for a phase, and the lower prefixes at which later ones will cut, as far as that is known now."""
    made = cut(model, phase)
    if (
        phase.unfreeze is None or made.learner.prefix is None
    ):  # which would ask what the later ones have frozen
        return made, ()
    found, lowest = [], made.learner.prefix
    for later in phases:
        known = later.unfreeze is not None and later.batch_norm != "reestimate"
        prefix = cut(model, later).learner.prefix if known else None
        if prefix is None:
            break
        if prefix.outputs[0] is not lowest.outputs[0]:
            if not _holds(lowest, prefix.outputs[0]):
                continue  # blocks that learn before then lie in it
            lowest = prefix
        if lowest is not made.learner.prefix:
            found.append(Later(later, lowest))
    return cut(model, phase) if phases else made, tuple(found)


def lower_prefixes(later: Iterable[Later]) -> list[keras.Model]:
    """Each of their prefixes once."""
    return list({id(one.prefix): one.prefix for one in later}.values())


def _holds(prefix: keras.Model, tensor: Any) -> bool:
    steps = steps_between(prefix.inputs, prefix.outputs)
    return any(tensor is known for step in steps for known in step.outputs)


def backbone_blocks(model: Network | keras.Model) -> tuple[Block, ...]:
    """The blocks before the head, input to output."""
    if isinstance(model, Network):
        return model.blocks
    flat = flat_model(model)
    return find_blocks(flat.inputs, features_tensor(flat))


def _unfreeze(phase: Phase, blocks: Sequence[Block], layers: Mapping[str, keras.layers.Layer]) -> str:
    """What the phase says; where it says nothing, what is so now, and for a model untouched so far the head only."""
    if phase.unfreeze is not None:
        if not isinstance(phase.unfreeze, str):
            raise TrainingError(
                f"fit trains one part of a phase at a time. Received: phase '{phase.name}' with a schedule of "
                "unfreezings. Use fine_tune(network, train, validation, [phase])."
            )
        return phase.unfreeze
    members = [[layers[name] for name in block.layers if name in layers] for block in blocks]
    if all(layer.trainable for block in members for layer in block if layer.weights):
        return "none"
    learning = [any(layer.trainable_weights for layer in block) for block in members]
    first = learning.index(True) if any(learning) else len(learning)
    if not all(
        learns or not any(layer.weights for layer in block)
        for learns, block in zip(learning[first:], members[first:], strict=True)
    ):
        raise TrainingError(
            f"phase '{phase.name}' must say what learns. Received: unfreeze=None, and a model whose learning "
            "blocks are not the last ones in a row. Set unfreeze, for example '3 blocks'."
        )
    return f"{len(learning) - first} blocks"
