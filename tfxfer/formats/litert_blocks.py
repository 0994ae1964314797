"""Blocks of a LiteRT graph: stretches between the places where one tensor carries everything."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

from tfxfer.runtimes.layer_names import layer_name

MOST_BLOCKS = 24  # each costs one quantisation and one run to measure
WEIGHTED = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
    schema.BuiltinOperator.BATCH_MATMUL,
)


@dataclass(frozen=True, slots=True)
class GraphBlock:
    """Operations that follow each other, named for the last layer with weights among them."""

    name: str
    outputs: tuple[str, ...]  # the first name of what each operation gives


def graph_blocks(model: Any) -> tuple[GraphBlock, ...]:
    """The blocks from input to output; each has weights, and there are at most MOST_BLOCKS.

    A cut lies behind an operation whose output alone is needed by all that follow.
    """
    graph = model.subgraphs[0]
    pieces: list[list[Any]] = [[]]
    for place, operator in enumerate(graph.operators):
        pieces[-1].append(operator)
        if len(_needed_after(graph, place)) == 1:
            pieces.append([])
    merged: list[list[Any]] = []
    for piece in pieces:
        if merged and not (_has_weights(model, piece) and _has_weights(model, merged[-1])):
            merged[-1] = merged[-1] + piece
        else:
            merged.append(piece)
    while len(merged) > MOST_BLOCKS:
        sizes = [len(one) + len(other) for one, other in itertools.pairwise(merged)]
        place = sizes.index(min(sizes))
        merged[place : place + 2] = [merged[place] + merged[place + 1]]
    return tuple(_block(model, piece) for piece in merged if piece)


def _needed_after(graph: Any, place: int) -> set[int]:
    """Tensors made by the operations up to `place`, the input included, that later ones or the outputs read."""
    made = {int(index) for index in graph.inputs}
    for operator in graph.operators[: place + 1]:
        made.update(int(index) for index in operator.outputs)
    read = {int(index) for operator in graph.operators[place + 1 :] for index in operator.inputs}
    return made & (
        read | ({int(index) for index in graph.outputs} if place + 1 < len(graph.operators) else set())
    )


def _has_weights(model: Any, piece: list[Any]) -> bool:
    return any(model.operatorCodes[operator.opcodeIndex].builtinCode in WEIGHTED for operator in piece)


def _block(model: Any, piece: list[Any]) -> GraphBlock:
    tensors = model.subgraphs[0].tensors
    names = [tensors[int(operator.outputs[0])].name.decode() for operator in piece]
    layers = [name for name, operator in zip(names, piece, strict=True) if _has_weights(model, [operator])]
    return GraphBlock(layer_name((layers or names)[-1]), tuple(name.split(";")[0] for name in names))
