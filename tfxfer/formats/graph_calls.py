"""Calls of functions inside a graph, replaced by what the functions do."""

from __future__ import annotations

from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def inlined_calls(graph_def: GraphDef) -> GraphDef:
    """The graph without calls, those that TensorFlow keeps for XLA included, and without control inputs.

    Keras calls such a function for each grouped convolution, and no converter can read it.
    """
    bodies = {function.signature.name: function for function in graph_def.library.function}
    flat = GraphDef(versions=graph_def.versions)
    outputs: dict[str, str] = {}  # "call:1" -> "call/body's node:0"
    for node in graph_def.node:
        if node.op not in CALLS:
            flat.node.add().CopyFrom(node)
            continue
        body = function_def_to_graph(bodies[node.attr["f"].func.name])
        inner = body.as_graph_def()
        inner.library.MergeFrom(graph_def.library)
        inputs = {tensor.op.name: text for tensor, text in zip(body.inputs, node.input, strict=False)}
        flat.node.extend(_placed(node.name, inlined_calls(inner), inputs))
        for index, tensor in enumerate(body.outputs):
            outputs[f"{node.name}:{index}"] = f"{node.name}/{tensor.name}"
    for node in flat.node:
        data = [text for text in node.input if not text.startswith("^")]
        del node.input[:]
        node.input.extend(outputs.get(text if ":" in text else f"{text}:0", text) for text in data)
    if any(value.HasField("func") for node in flat.node for value in node.attr.values()):
        flat.library.CopyFrom(graph_def.library)
    return flat


def _placed(call: str, body: GraphDef, inputs: dict[str, str]) -> list[NodeDef]:
    """The nodes of a function under the name of its call; its arguments pass on what it was called with."""
    placed = []
    for node in body.node:
        copy = NodeDef()
        copy.CopyFrom(node)
        copy.name = f"{call}/{node.name}"
        del copy.input[:]
        if node.name in inputs:
            kind = node.attr["dtype"].type
            copy.op = "Identity"
            copy.attr.clear()
            copy.attr["T"].type = kind
            copy.input.append(inputs[node.name])
        else:
            copy.input.extend(f"{call}/{text}" for text in node.input)
        placed.append(copy)
    return placed
