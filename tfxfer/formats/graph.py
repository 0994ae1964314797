"""A TensorFlow graph as named nodes that passes can rewrite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

LARGE = 1 << 16  # bytes; a constant that no shape is computed from


@dataclass(slots=True, eq=False)
class Graph:
    """Nodes by name, in an order where every node follows its inputs, and the names that must stay."""

    nodes: dict[str, NodeDef]
    keep: tuple[str, ...]
    rest: GraphDef  # versions and the function library

    @classmethod
    def of(cls, graph_def: GraphDef, keep: tuple[str, ...]) -> Graph:
        rest = GraphDef(versions=graph_def.versions, library=graph_def.library)
        graph = cls({node.name: _plain(node) for node in graph_def.node}, keep, rest)
        graph.prune()
        return graph

    def prune(self) -> None:
        """Drop what no kept node needs, and sort."""
        ordered: dict[str, NodeDef] = {}
        stack = [(name, False) for name in reversed(self.keep)]
        while stack:
            name, inputs_done = stack.pop()
            if name in ordered:
                continue
            if inputs_done:
                ordered[name] = self.nodes[name]
                continue
            stack.append((name, True))
            stack.extend((input_name(text), False) for text in reversed(self.nodes[name].input))
        self.nodes = ordered

    def as_graph_def(self) -> GraphDef:
        graph_def = GraphDef()
        graph_def.CopyFrom(self.rest)
        graph_def.node.extend(self.nodes.values())
        return graph_def


def without_weights(graph_def: GraphDef) -> GraphDef:
    """The graph with a placeholder of the same type and shape for each large constant: cheap to import."""
    light = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        light.node.append(_placeholder(node) if _is_large(node) else node)
    return light


def input_name(text: str) -> str:
    """The node that an input names: `^a`, `a:1` and `a` are node `a`."""
    return text.removeprefix("^").split(":")[0]


def constant(name: str, value: np.ndarray) -> NodeDef:
    """A Const node."""
    node = NodeDef(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return node


def constant_value(node: NodeDef) -> np.ndarray:
    """The value of a Const node."""
    return tf.make_ndarray(node.attr["value"].tensor)


def _is_large(node: NodeDef) -> bool:
    return node.op == "Const" and node.ByteSize() > LARGE


def _placeholder(node: NodeDef) -> NodeDef:
    value = node.attr["value"].tensor
    placeholder = NodeDef(name=node.name, op="Placeholder")
    placeholder.attr["dtype"].type = value.dtype
    placeholder.attr["shape"].shape.CopyFrom(value.tensor_shape)
    return placeholder


def _plain(node: NodeDef) -> NodeDef:
    """Without control inputs and without the attributes that are notes to TensorFlow (`_output_shapes`)."""
    plain = NodeDef(
        name=node.name, op=node.op, input=[text for text in node.input if not text.startswith("^")]
    )
    for key, value in node.attr.items():
        if not key.startswith("_"):
            plain.attr[key].CopyFrom(value)
    return plain
