"""What can be known of all phases before the first of them starts."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tfxfer.backbones.blocks import Block
from tfxfer.errors import BlockError, UsageError
from tfxfer.network.freeze import chosen_blocks
from tfxfer.network.network import Network
from tfxfer.training.cut import backbone_blocks
from tfxfer.training.groups import check_learning_rates
from tfxfer.training.imbalance import check_class_weights
from tfxfer.training.phase import Phase


def check_phases(network: Network | keras.Model, phases: Sequence[Phase]) -> None:
    """Refuse what a later phase could not do, before an earlier one has trained for hours.

    Raises:
        BlockError: a phase unfreezes blocks that the backbone does not have, or cannot train.
        UsageError: a phase wants to solve what is no linear head, or a rate is for nothing that learns.
    """
    blocks = backbone_blocks(network)
    hidden = isinstance(network, Network) and bool(network.head.hidden)
    for phase in phases:
        if isinstance(network, Network):
            check_class_weights(phase.imbalance, network.labels)
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


def _learning(blocks: Sequence[Block], phase: Phase) -> Sequence[Block]:
    """The blocks that learn at any time in the phase, input to output."""
    try:
        chosen = [chosen_blocks(blocks, phase.policy(text)) for text in phase.unfreezings]
    except BlockError as error:
        raise BlockError(f"phase '{phase.name}': {error}") from error
    return max(chosen, key=len)
