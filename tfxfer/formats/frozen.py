"""The graph of a traced network with constants in place of its variables."""

from __future__ import annotations

from typing import Any

from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfxfer.errors import ExportError
from tfxfer.formats.graph import Graph, constant, input_name
from tfxfer.formats.graph_convolutions import fold_scales, grouped_to_depthwise
from tfxfer.formats.graph_passes import constant_reshapes, fold_constants, forward_identities
from tfxfer.runtimes.runtime import INPUT

# Of weights: a protobuf message ends at 2 GiB, and the graph is in it too.
LARGEST_BYTES = (1 << 31) - (1 << 24)


def freeze_graph(function: Any, outputs: tuple[str, ...]) -> GraphDef:
    """The graph of a concrete function, frozen, folded and pruned.

    Its only placeholder is called `image`; `outputs` are the names of the nodes that it gives.
    """
    _refuse_too_large(function)
    graph = Graph.of(_with_constants(function), keep=(INPUT, *outputs))
    forward_identities(graph)
    fold_constants(graph)
    constant_reshapes(graph, _reshaped(function))
    grouped_to_depthwise(graph)
    fold_scales(graph)
    _refuse_state(graph)
    return graph.as_graph_def()


def _refuse_too_large(function: Any) -> None:
    held = sum(variable.dtype.size * variable.shape.num_elements() for variable in function.variables)
    if held > LARGEST_BYTES:
        raise ExportError(
            f"the weights of an exported network must be at most {LARGEST_BYTES:,} bytes in float32: ONNX and LiteRT "
            f"files hold no more than 2 GiB. Received: {held:,}. Choose a smaller backbone, or cut it with until."
        )


def _with_constants(function: Any) -> GraphDef:
    graph_def = function.graph.as_graph_def()
    if graph_def.library.function:
        # Calls and control flow carry variables into functions: TensorFlow's own, slower pass knows how.
        return convert_variables_to_constants_v2(function).graph.as_graph_def()
    values = _captured_values(function)
    frozen = GraphDef(versions=graph_def.versions)
    first_read: dict[str, str] = {}
    for node in graph_def.node:
        source = input_name(node.input[0]) if node.op == "ReadVariableOp" else ""
        if node.name in values:
            continue
        if source not in values:
            frozen.node.add().CopyFrom(node)
        elif source in first_read:
            frozen.node.add(name=node.name, op="Identity", input=[first_read[source]])
            frozen.node[-1].attr["T"].CopyFrom(node.attr["dtype"])
        else:
            first_read[source] = node.name
            frozen.node.add().CopyFrom(constant(node.name, values[source]))
    return frozen


def _captured_values(function: Any) -> dict[str, Any]:
    """Value of every captured variable, by the name of the placeholder that stands for it."""
    owned = {id(variable.handle): variable for variable in function.variables}
    captures = function.graph.captures
    return {inner.op.name: owned[id(outer)].numpy() for outer, inner in captures if id(outer) in owned}


def _reshaped(function: Any) -> dict[str, list[int | None]]:
    """What the trace knows of the shape that each Reshape gives; the graph itself does not say it."""
    reshapes = [operation for operation in function.graph.get_operations() if operation.type == "Reshape"]
    shapes = {operation.name: operation.outputs[0].shape for operation in reshapes}
    return {name: shape.as_list() for name, shape in shapes.items() if shape.rank is not None}


def _refuse_state(graph: Graph) -> None:
    kinds = {
        node.op
        for node in graph.nodes.values()
        if node.op in ("ReadVariableOp", "VarHandleOp", "Placeholder")
    }
    count = sum(node.op == "Placeholder" for node in graph.nodes.values())
    if kinds - {"Placeholder"} or count != 1:
        raise ExportError(
            "a network must be a function of its input and of variables alone to be frozen. Received: "
            f"operations {sorted(kinds)} with {count} placeholders left. "
            "Remove layers that keep tables or other state."
        )
