"""What can be known of all phases before the first of them starts."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfxfer.backbones.blocks import Block
from tfxfer.backbones.graph import flat_model
from tfxfer.backbones.units import units
from tfxfer.errors import BlockError, UsageError
from tfxfer.network.freeze import chosen_blocks
from tfxfer.network.network import Network
from tfxfer.training.cut import backbone_blocks
from tfxfer.training.groups import check_learning_rates
from tfxfer.training.imbalance import check_class_weights
from tfxfer.training.linear import asks_for_steps, too_much_to_solve
from tfxfer.training.phase import Phase
from tfxfer.training.reestimate import NONE_TO_REESTIMATE, batch_norms


def check_phases(
    network: Network | keras.Model, phases: Sequence[Phase], *, examples: int | None = None
) -> None:
    """Refuse what a later phase could not do, before an earlier one has trained for hours.

    `examples` are the training images, where their number is known.

    Raises:
        BlockError: a phase unfreezes blocks that the backbone does not have, or cannot train.
        UsageError: a phase wants to solve what is no linear head or too large a one, re-estimates statistics that
            are not there, or a rate is for nothing that learns.
    """
    blocks = backbone_blocks(network)
    hidden = isinstance(network, Network) and bool(network.head.hidden)
    for phase in phases:
        if isinstance(network, Network):
            check_class_weights(phase.imbalance, network.labels)
        _check_statistics(network, blocks, phase)
        if phase.unfreeze is None:  # what is frozen now stays frozen
            continue
        learning = _learning(blocks, phase)
        check_learning_rates(phase, [block.name for block in learning])
        if phase.augmentation.views is not None and len(learning) == len(blocks):
            raise UsageError(
                f"augment.views of phase '{phase.name}' keeps features of what is frozen. Received: a phase in which "
                "every block learns. Leave views out, and every batch is augmented anew."
            )
        if phase.solver == "lbfgs" and (learning or hidden):
            learns = f"the head and {len(learning)} blocks" if learning else "a head with hidden layers"
            raise UsageError(
                f"phase '{phase.name}': solver 'lbfgs' needs a linear head on a frozen backbone. "
                f"Received: {learns} that learn. Use solver 'gradient' or 'auto'."
            )
        if isinstance(network, Network) and phase.solver == "lbfgs":
            _check_solvable(network, phase, examples)


def _check_statistics(network: Network | keras.Model, blocks: Sequence[Block], phase: Phase) -> None:
    if phase.batch_norm != "reestimate":
        return
    whole = network.model if isinstance(network, Network) else network
    members = {block.name: block.layers for block in blocks}
    if not batch_norms(members, units(flat_model(whole).layers)):
        raise UsageError(f"phase '{phase.name}': {NONE_TO_REESTIMATE}")


def _check_solvable(network: Network, phase: Phase, examples: int | None) -> None:
    reason = asks_for_steps(phase)
    if reason is None and examples is not None:
        views = 1 if phase.augmentation.views is None else phase.augmentation.views
        reason = too_much_to_solve(examples * views, _features(network), len(network.labels), network.task)
    if reason is not None:
        raise UsageError(
            f"solver 'lbfgs' of phase '{phase.name}' needs a head that can be solved. Received: {reason}. "
            "Use solver 'gradient' or 'auto'."
        )


def _features(network: Network) -> int:
    """Numbers that the linear layer gets from one image."""
    return int(network.model.get_layer("logits").kernel.shape[0])


def _learning(blocks: Sequence[Block], phase: Phase) -> Sequence[Block]:
    """The blocks that learn at any time in the phase, input to output."""
    try:
        chosen = [chosen_blocks(blocks, phase.policy(text)) for text in phase.unfreezings]
    except BlockError as error:
        raise BlockError(f"phase '{phase.name}': {error}") from error
    return max(chosen, key=len)
