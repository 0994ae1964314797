"""Rewrites of a frozen graph that change no number and that converters need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework import op_def_registry

from tfxfer.formats.graph import Graph, constant, constant_value, input_name

FORWARDING = ("Identity", "StopGradient", "IdentityN")
LARGEST_FOLDED = 1 << 20  # elements; a larger result of a few numbers is cheaper computed than stored


def forward_identities(graph: Graph) -> None:
    """Let the consumers of an identity read what enters it."""
    source: dict[str, str] = {}  # output of an identity -> what enters it
    for node in graph.nodes.values():
        inputs = [source.get(text, text) for text in node.input]
        del node.input[:]
        node.input.extend(inputs)
        if node.op in FORWARDING and node.name not in graph.keep:
            source[node.name] = inputs[0]
            source.update({f"{node.name}:{index}": text for index, text in enumerate(inputs)})
    graph.prune()


def fold_constants(graph: Graph) -> None:
    """Compute every node that depends on constants alone, in one go, on the CPU."""
    known = _known(graph)
    needed = _frontier(graph, known)
    if not needed:
        return
    part = GraphDef(versions=graph.rest.versions)
    part.node.extend(graph.nodes[name] for name in _with_sources(graph, needed))
    with tf.Graph().as_default() as scratch, tf.device("/CPU:0"):
        tf.import_graph_def(part, name="")
        with tf.compat.v1.Session(graph=scratch, config=_cpu_only()) as session:
            values = session.run([f"{name}:0" for name in needed])
    for name, value in zip(needed, values, strict=True):
        if value.size <= LARGEST_FOLDED or value.size <= _input_size(graph, name):
            graph.nodes[name] = constant(name, value)
    graph.prune()


def constant_reshapes(graph: Graph, shapes: Mapping[str, list[int | None]]) -> None:
    """Give every Reshape with one open dimension a constant shape, with -1 for that dimension.

    Keras computes shapes from the batch size while the graph runs, also where only that size is open;
    converters and delegates stop at such computations. `shapes` holds what is known of each Reshape's output,
    None = open.
    """
    columns = _matrix_columns(graph)
    for node in list(graph.nodes.values()):
        if node.op == "Transpose" and _keeps_order(graph, node):
            _turn_into_identity(node)
        if node.op != "Reshape" or graph.nodes[input_name(node.input[1])].op == "Const":
            continue
        shape = list(shapes.get(node.name, []))
        if len(shape) == 2 and shape[1] is None:
            shape[1] = columns.get(node.name)
        if shape.count(None) == 1:
            name = f"{node.name}/constant_shape"
            sizes = [-1 if size is None else size for size in shape]
            graph.nodes[name] = constant(name, np.array(sizes, dtype=np.int32))
            node.input[1] = name
            node.attr["Tshape"].type = graph.nodes[name].attr["dtype"].type
    forward_identities(graph)


def _matrix_columns(graph: Graph) -> dict[str, int]:
    """Columns of what enters each MatMul with a constant matrix, by the name of the node that makes it."""
    columns = {}
    for node in graph.nodes.values():
        weights = graph.nodes[input_name(node.input[1])] if node.op == "MatMul" else None
        if weights is not None and weights.op == "Const" and not node.attr["transpose_a"].b:
            sizes = [dim.size for dim in weights.attr["value"].tensor.tensor_shape.dim]
            columns[node.input[0]] = sizes[1 if node.attr["transpose_b"].b else 0]
    return columns


def _keeps_order(graph: Graph, node: NodeDef) -> bool:
    order = graph.nodes[input_name(node.input[1])]
    return order.op == "Const" and bool((np.diff(constant_value(order)) == 1).all())


def _turn_into_identity(node: NodeDef) -> None:
    node.op = "Identity"
    del node.input[1:]
    del node.attr["Tperm"]


def _known(graph: Graph) -> set[str]:
    """Names of the nodes that depend on constants alone and have one output."""
    known: set[str] = set()
    for node in graph.nodes.values():
        if node.op == "Const" or (
            node.input and all(text in known for text in node.input) and _is_pure(node)
        ):
            known.add(node.name)
    return known


def _is_pure(node: NodeDef) -> bool:
    definition = op_def_registry.get(node.op)
    return definition is not None and not definition.is_stateful and len(definition.output_arg) == 1


def _frontier(graph: Graph, known: set[str]) -> list[str]:
    """Known nodes, not yet constants, that something unknown reads."""
    read = {
        input_name(text) for node in graph.nodes.values() if node.name not in known for text in node.input
    }
    return [name for name in graph.nodes if name in read & known and graph.nodes[name].op != "Const"]


def _with_sources(graph: Graph, names: list[str]) -> list[str]:
    """The nodes and all that they are computed from, in the order of the graph."""
    wanted = set(names)
    for name in reversed(graph.nodes):
        if name in wanted:
            wanted.update(input_name(text) for text in graph.nodes[name].input)
    return [name for name in graph.nodes if name in wanted]


def _input_size(graph: Graph, name: str) -> int:
    """The largest number of elements among the constants that enter a node."""
    inputs = [graph.nodes[input_name(text)] for text in graph.nodes[name].input]
    return max((constant_value(node).size for node in inputs if node.op == "Const"), default=0)


def _cpu_only() -> Any:
    return tf.compat.v1.ConfigProto(device_count={"GPU": 0})
