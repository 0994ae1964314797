"""How uint8 pictures enter an integer network: as numbers that are integers already.

A network's preprocessing, `x = scale * pixel + offset`, is what an integer tensor's parameters say of its
numbers. So it is cut out of the graph, and the input tensor says it: no float picture is left, and nothing
is computed over the whole picture before the first convolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_UINT8

from tfxfer.formats.graph import Graph, constant_value, input_name
from tfxfer.runtimes.runtime import INPUT


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A graph whose float32 `image` takes what its preprocessing gave: scale * (pixel - zero_point)."""

    graph: GraphDef
    scale: float
    zero_point: int  # 0-255: the pixel that stands for 0.0

    def values(self, pixels: np.ndarray) -> np.ndarray:
        """What the graph takes in place of uint8 pixels."""
        return (pixels.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


def integer_entry(frozen: GraphDef, outputs: tuple[str, ...]) -> Entry | None:
    """The graph without its preprocessing, as far as that is one scale and one offset for all channels.

    None for a network that takes floats. The zero point is a whole number, so that [-1, 1] comes out half
    a level of 255 darker. Preprocessing by channel stays in the graph, in integers.
    """
    nodes = {node.name: node for node in frozen.node}
    if nodes[INPUT].attr["dtype"].type != DT_UINT8:
        return None
    cut = [step for step in _steps(frozen, nodes) if _zero_point(step) is not None][-1]
    zero_point = _zero_point(cut)
    assert zero_point is not None
    return Entry(_from(frozen, cut[0], outputs), cut[1], zero_point)


Step = tuple[str, float, float]  # a node, and the scale and offset that lead from a pixel to its value


def _steps(frozen: GraphDef, nodes: dict[str, Any]) -> list[Step]:
    """The cast of the image, and what follows it while each node has one reader, which scales or shifts."""
    readers: dict[str, list[Any]] = {}
    for node in frozen.node:
        for text in node.input:
            readers.setdefault(input_name(text), []).append(node)
    (cast,) = readers[INPUT]
    steps = [(cast.name, 1.0, 0.0)]
    while len(readers[steps[-1][0]]) == 1:
        following = _after(readers[steps[-1][0]][0], nodes, steps[-1])
        if following is None:
            break
        steps.append(following)
    return steps


def _after(node: Any, nodes: dict[str, Any], step: Step) -> Step | None:
    """The step that `node` is, or None where it is no scale or shift by one number."""
    name, scale, offset = step
    names = [input_name(text) for text in node.input]
    others = [nodes[each] for each in names if each != name]
    if len(names) != 2 or len(others) != 1 or others[0].op != "Const":
        return None
    value = constant_value(others[0])
    if (value.ndim > 1 and value.shape[0] != 1) or np.ptp(value) != 0:
        return None
    number = float(value.flat[0])
    if node.op == "Mul":
        return node.name, scale * number, offset * number
    if node.op in ("Add", "AddV2"):
        return node.name, scale, offset + number
    if node.op == "Sub" and names[0] == name:
        return node.name, scale, offset - number
    if node.op == "RealDiv" and names[0] == name and number != 0:
        return node.name, scale / number, offset / number
    return None


def _zero_point(step: Step) -> int | None:
    """The pixel whose value is nearest to 0, or None where 0 lies outside of what pixels become."""
    _, scale, offset = step
    if scale <= 0 or not 0 <= -offset / scale <= 255:
        return None
    return int(np.floor(round(-offset / scale, 3) + 0.5))  # 127.5 may come as 127.49999


def _from(frozen: GraphDef, start: str, outputs: tuple[str, ...]) -> GraphDef:
    """The graph in which `image` stands for the value of the node `start`."""
    graph = GraphDef(versions=frozen.versions, library=frozen.library)
    for node in frozen.node:
        copy = graph.node.add()
        copy.CopyFrom(node)
        if node.name == INPUT:
            copy.attr["dtype"].type = DT_FLOAT
        for index, text in enumerate(node.input):
            if input_name(text) == start:
                copy.input[index] = INPUT
    return Graph.of(graph, keep=(INPUT, *outputs)).as_graph_def()
