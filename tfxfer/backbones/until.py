"""A backbone cut short: `until` a share of its blocks, a block, or an operation."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import keras

from tfxfer.backbones.block_names import is_auto_named
from tfxfer.backbones.blocks import Block, cut_points, cut_positions
from tfxfer.backbones.graph import flat_model, steps_between
from tfxfer.config.until import Until, parse_until
from tfxfer.errors import ConfigError


def cut_until(model: keras.Model, until: str) -> keras.Model:
    """The same layers and weights up to the end of a block or an operation; what follows is left out.

    "60%" keeps that share of the blocks, counted from the input and rounded down, and at least one.

    Raises:
        ConfigError: it is no share, and nothing of that name can be cut at; the blocks are named.
    """
    try:
        wanted = parse_until(until)
    except ValueError as error:
        raise ConfigError(f"until {error}. Received: {until!r}.") from error
    flat = flat_model(model)
    output = _output(flat, wanted)
    if output is flat.outputs[0]:
        return model
    return keras.Model(flat.inputs[0], output, name=flat.name)


def _output(flat: keras.Model, wanted: Until) -> Any:
    blocks = cut_points(flat)
    if wanted.share is not None:
        # 0.07 * 100 is a little more than 7, and 0.29 * 100 a little less than 29.
        kept = math.floor(round(wanted.share * len(blocks), 6))
        return blocks[max(kept, 1) - 1].output
    for block in blocks:
        if block.name == wanted.name:
            return block.output
    return _operation_output(flat, wanted.name, blocks)


def _operation_output(flat: keras.Model, name: str, blocks: Sequence[Block]) -> Any:
    steps = steps_between(flat.inputs, flat.outputs)
    cuts = cut_positions(steps, flat.inputs, flat.outputs)
    for position, step in enumerate(steps):
        if step.name != name:
            continue
        if is_auto_named(step.operation):
            why = "is a number that Keras gave an operation and another version may not"
        elif position not in cuts:
            why = "is an operation that some paths go around"
        else:
            return step.outputs[0]
        held = next(block.name for block in blocks if name in block.layers)
        raise ConfigError(f"{_expected(blocks)}. Received: {name!r}, which {why}. It is in block {held!r}.")
    near = difflib.get_close_matches(name, [block.name for block in blocks], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"{_expected(blocks)}. Received: {name!r}.{hint}")


def _expected(blocks: Sequence[Block]) -> str:
    names = ", ".join(block.name for block in blocks)
    return f"until must be a share such as '60%' or name one of the {len(blocks)} blocks: {names}"
