"""What learns and what does not, and how deep nothing does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tfxfer.backbones.blocks import Block, cut_positions, find_blocks
from tfxfer.backbones.features import features_tensor
from tfxfer.backbones.graph import Step, flat_model, steps_between
from tfxfer.backbones.layer_kinds import PADS, has_kernel, is_augmentation, is_random
from tfxfer.backbones.saved_model_layer import SavedModelNorm
from tfxfer.backbones.units import units
from tfxfer.errors import BlockError
from tfxfer.network.network import Network
from tfxfer.network.policy import FreezePolicy, learning_blocks


@dataclass(frozen=True, slots=True, eq=False)
class FrozenBoundary:
    """The deepest tensor under which nothing learns, and what learns above it."""

    name: str  # the operation the tensor comes out of; "input" where nothing is frozen
    tensor: Any  # KerasTensor of `flat_model(model)`; None: there is nothing to compute once
    shape: tuple[int | None, ...]
    trainable_parameters: int  # of the whole network, head included
    frozen_parameters: int  # statistics included
    unfrozen_blocks: tuple[str, ...]
    backbone_trainable: int  # of the backbone's weights
    backbone_weights: int  # of the backbone, statistics (moving mean and variance) left out
    augmentation: tuple[
        str, ...
    ] = ()  # layers that change images at random; they forbid computing features once

    def __str__(self) -> str:
        count = len(self.unfrozen_blocks)
        where = "head only" if count == 0 else "last block" if count == 1 else f"last {count} blocks"
        return f"{where}: {self.backbone_trainable:,} of {self.backbone_weights:,} backbone weights learn"


def freeze(model: Network | keras.Model, policy: FreezePolicy | None = None) -> FrozenBoundary:
    """Set what learns, layer by layer: the head, the policy's blocks, BatchNorm only where it says so.

    A plain model's head is what comes after its last spatial reduction, or else its last layer with a kernel.
    Frozen BatchNormalization keeps its statistics also under training=True.

    Raises:
        BlockError: the model has no graph, or no such block.
    """
    policy = FreezePolicy() if policy is None else policy
    whole = model.model if isinstance(model, Network) else model
    flat = flat_model(whole)
    output = model.backbone_output if isinstance(model, Network) else features_tensor(flat)
    blocks = find_blocks(flat.inputs, output)
    learning = chosen_blocks(blocks, policy)
    _set_trainable(whole, flat, blocks, learning, policy)
    return _boundary(flat, blocks, learning)


def chosen_blocks(blocks: Sequence[Block], policy: FreezePolicy) -> Sequence[Block]:
    """Those of a backbone's blocks, input to output, that a policy lets learn.

    Raises:
        BlockError: there is no such block, or one that would learn is opaque.
    """
    count = learning_blocks(policy, [block.name for block in blocks], [block.parameters for block in blocks])
    learning = blocks[len(blocks) - count :]
    for block in learning:
        if block.frozen_because:
            raise BlockError(
                "unfreeze must be 'none' for a backbone that is opaque and can only be frozen. "
                f"Received: a policy by which block {block.name!r} learns ({block.frozen_because})."
            )
        if block.module is not None:
            block.module.check_learns()
    _refuse_partial_norms(blocks, learning, policy)
    return learning


def _refuse_partial_norms(blocks: Sequence[Block], learning: Sequence[Block], policy: FreezePolicy) -> None:
    """A SavedModel has one switch for training mode, so BatchNorm learns in all of it or in none of it."""
    modules = {id(block.module) for block in learning if block.module is not None}
    still = [block.name for block in blocks if id(block.module) in modules and block not in learning]
    if policy.batch_norm == "learn" and still:
        raise BlockError(
            "batch_norm 'learn' in a SavedModel needs all of it unfrozen: its BatchNorm layers share one switch. "
            f"Received: {len(still)} blocks of it that stay frozen, from {still[0]!r}. "
            "Set batch_norm to 'frozen', or unfreeze to 'all'."
        )


def _set_trainable(
    whole: keras.Model,
    flat: keras.Model,
    blocks: Sequence[Block],
    learning: Sequence[Block],
    policy: FreezePolicy,
) -> None:
    whole.trainable = True  # of every model inside it too: a frozen container would hide what learns in it
    flat.trainable = True
    in_backbone = {name for block in blocks for name in block.layers}
    learns = {name for block in learning for name in block.layers}
    for name, layer in units(flat.layers).items():
        # Of every part: setting True where it is True already stops there in Keras 3 on TensorFlow.
        for part in _parts(layer):
            part.trainable = name not in in_backbone or name in learns
        if policy.batch_norm == "frozen":
            for part in _parts(layer):
                if isinstance(part, (keras.layers.BatchNormalization, SavedModelNorm)):
                    part.trainable = False


def _parts(layer: Any) -> Iterator[Any]:
    """The layer and those inside it (a Bidirectional, a block written as one layer)."""
    return iter(layer._flatten_layers())


def _boundary(flat: keras.Model, blocks: Sequence[Block], learning: Sequence[Block]) -> FrozenBoundary:
    steps = steps_between(flat.inputs, flat.outputs)
    frozen = _frozen_prefix(steps, {name for block in blocks for name in block.layers})
    augmentation = tuple(step.name for step in frozen if is_augmentation(step.operation))
    step = None if augmentation else _deepest_cut(steps, flat, len(frozen))
    names = {name for block in blocks for name in block.layers}
    backbone = [layer for name, layer in units(flat.layers).items() if name in names]
    trainable = _count(flat.trainable_weights)
    return FrozenBoundary(
        name="input" if step is None else step.name,
        tensor=None if step is None else step.outputs[0],
        shape=tuple(flat.inputs[0].shape if step is None else step.outputs[0].shape),
        trainable_parameters=trainable,
        frozen_parameters=_count(flat.weights) - trainable,
        unfrozen_blocks=tuple(block.name for block in learning),
        backbone_trainable=_count(w for layer in backbone for w in layer.trainable_weights),
        backbone_weights=_count(w for layer in backbone for w in layer.weights if not _is_statistic(w)),
        augmentation=augmentation,
    )


def _frozen_prefix(steps: Sequence[Step], in_backbone: set[str]) -> list[Step]:
    """The steps before the first that learns, or is random in the head; dropout in a frozen block is off."""
    prefix: list[Step] = []
    for step in steps:
        operation = step.operation
        if isinstance(operation, keras.Layer) and operation.trainable_weights:
            break
        if is_random(operation) and not is_augmentation(operation) and step.name not in in_backbone:
            break
        prefix.append(step)
    return prefix


def _deepest_cut(steps: Sequence[Step], flat: keras.Model, count: int) -> Step | None:
    """The last cut among the first `count` steps, provided that anything with weights lies under it."""
    cuts = [
        position
        for position in cut_positions(steps, flat.inputs, flat.outputs)
        if position < count and not isinstance(steps[position].operation, PADS)  # larger, and worth nothing
    ]
    if not cuts or not any(has_kernel(step.operation) for step in steps[: cuts[-1] + 1]):
        return None
    return steps[cuts[-1]]


def _is_statistic(weight: Any) -> bool:
    """Moving statistics and the like never learn, whatever is unfrozen."""
    return re.split(r"[/.]", weight.path)[-1] in (
        "moving_mean",
        "moving_variance",
        "mean",
        "variance",
        "count",
    )


def _count(weights: Iterable[Any]) -> int:
    total = 0
    for weight in {id(weight): weight for weight in weights}.values():
        size = 1
        for side in weight.shape:
            size *= int(side)
        total += size
    return total
