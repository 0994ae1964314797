"""A network cut short: its head, made anew, takes the features of an earlier block."""

from __future__ import annotations

import difflib
from dataclasses import replace

import keras

from tfxfer.errors import BlockError
from tfxfer.network.network import Network, head_on


def shorten(network: Network, block: str, *, seed: int = 0) -> None:
    """End the backbone at a block's output and put a new head on it; what comes after is left out, also of exports.

    The network itself changes, and `network.model` is another one afterwards, which shares the layers that stay.

    Raises:
        BlockError: the backbone has no such block; they are named.
    """
    blocks = network.blocks
    names = [found.name for found in blocks]
    if block not in names:
        near = difflib.get_close_matches(block, names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise BlockError(
            f"a backbone ends at one of its blocks: {', '.join(names)}. Received: '{block}'.{hint}"
        )
    kept = blocks[: names.index(block) + 1]
    output = kept[-1].output
    with network.model.distribute_strategy.scope():
        logits = head_on(output, network.head, len(network.labels), seed)
        network.model = keras.Model(network.model.inputs[0], logits, name=network.model.name)
    network.backbone = replace(
        network.backbone,
        output=output._keras_history.operation.name,
        parameters=sum(found.parameters for found in kept),
        until=block,
    )
    vars(network).pop("_graph", None)  # the traced one is of the longer network
