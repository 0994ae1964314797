"""Names in an ONNX file: the promised ones outside, inside none that depends on what ran before."""

from __future__ import annotations

import json
import re

import onnx

from tfxfer.formats.trace import Traced
from tfxfer.runtimes.onnx import LABELS_PROPERTY, TASK_PROPERTY
from tfxfer.runtimes.runtime import INPUT

BATCH = "batch"
COUNTED = re.compile(r"__\d+$")  # tf2onnx numbers what it makes by a counter of the process


def name_graph(model: onnx.ModelProto, traced: Traced) -> onnx.ModelProto:
    """The same graph with its promised names, an open batch called `batch`, and labels in the metadata."""
    graph = model.graph
    graph.name = "tfxfer"
    _rename_values(graph, traced.outputs)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    del graph.value_info[:]
    graph.initializer.sort(key=lambda tensor: tensor.name)
    used = {node.domain for node in graph.node}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    properties = {}
    if traced.labels is not None:
        properties[LABELS_PROPERTY] = json.dumps(traced.labels, ensure_ascii=False)
    if traced.task != "classification":
        properties[TASK_PROPERTY] = traced.task
    if properties:
        onnx.helper.set_model_props(model, properties)
    return model


def _rename_values(graph: onnx.GraphProto, outputs: tuple[str, ...]) -> None:
    """Name every tensor from its place in the graph, the promised ones as promised.

    A constant is named for its first reader: which of several equal constants tf2onnx keeps is chance.
    """
    names = {f"{name}:0": name for name in (INPUT, *outputs)}
    for index, node in enumerate(graph.node):
        stem = COUNTED.sub("", node.name)
        node.name = f"{stem}#{index}"
        for place, text in enumerate(node.input):
            if text:
                names.setdefault(text, f"{stem}#{index}/constant{place}")
        for place, text in enumerate(node.output):
            names.setdefault(text, f"{stem}#{index}/output{place}")
    for node in graph.node:
        node.input[:] = [names.get(text, text) for text in node.input]
        node.output[:] = [names.get(text, text) for text in node.output]
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
