"""Convolutions of a frozen graph, written in the form that every converter knows best."""

from __future__ import annotations

from collections import Counter

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef

from tfxfer.formats.graph import Graph, constant, constant_value, input_name, without_weights
from tfxfer.formats.graph_passes import forward_identities

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def grouped_to_depthwise(graph: Graph) -> None:
    """Write convolutions with one group per channel as the depthwise convolutions they are.

    The one's filter (h, w, 1, channels * multiplier) is the other's (h, w, channels, multiplier): the same
    numbers in the same order.
    """
    candidates = [node for node in graph.nodes.values() if _has_one_channel_filter(graph, node)]
    channels = _input_channels(graph, [node.name for node in candidates])
    for node in candidates:
        strides = list(node.attr["strides"].list.i)
        if channels[node.name] == 1 or strides[1] != strides[2]:
            continue
        value = constant_value(graph.nodes[input_name(node.input[1])])
        depthwise = value.reshape(*value.shape[:2], channels[node.name], -1)
        name = f"{node.name}/depthwise_filter"
        graph.nodes[name] = constant(name, depthwise)
        node.op = "DepthwiseConv2dNative"
        node.input[1] = name
        del node.attr["use_cudnn_on_gpu"]
    graph.prune()


def _has_one_channel_filter(graph: Graph, node: NodeDef) -> bool:
    if node.op != "Conv2D" or node.attr["data_format"].s != b"NHWC":
        return False
    kernel = graph.nodes[input_name(node.input[1])]
    return kernel.op == "Const" and kernel.attr["value"].tensor.tensor_shape.dim[2].size == 1


def _input_channels(graph: Graph, names: list[str]) -> dict[str, int]:
    """Channels of what enters each convolution of `names`."""
    if not names:
        return {}
    with tf.Graph().as_default() as scratch:
        tf.import_graph_def(without_weights(graph.as_graph_def()), name="")
    return {name: scratch.get_operation_by_name(name).inputs[0].shape[-1] for name in names}


def fold_scales(graph: Graph) -> None:
    """Multiply a BatchNorm's scale into the filter of the convolution before it.

    Converters do the same, but tf2onnx only to plain convolutions, and it changes filters that others read.
    """
    readers = _readers(graph)
    for node in list(graph.nodes.values()):
        convolution = graph.nodes[input_name(node.input[0])] if node.op == "Mul" else None
        if convolution is None or convolution.op not in CONVOLUTIONS or readers[convolution.name] != 1:
            continue
        scale, kernel = graph.nodes[input_name(node.input[1])], graph.nodes[input_name(convolution.input[1])]
        if scale.op != "Const" or kernel.op != "Const" or convolution.attr["data_format"].s != b"NHWC":
            continue
        scaled = _scaled(constant_value(kernel), constant_value(scale), depthwise=convolution.op != "Conv2D")
        if scaled is None:
            continue
        name = f"{node.name}/scaled_filter"
        graph.nodes[name] = constant(name, scaled)
        convolution.input[1] = name
        _replace_by_identity(node)
    forward_identities(graph)


def _scaled(kernel: np.ndarray, scale: np.ndarray, *, depthwise: bool) -> np.ndarray | None:
    """The filter that gives scaled outputs; None where the scale is not one number per output channel."""
    channels = kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[3]
    if scale.size != channels or scale.shape[-1:] != (channels,):
        return None
    return kernel * scale.reshape(kernel.shape[2:] if depthwise else channels)


def _readers(graph: Graph) -> Counter[str]:
    """How many inputs name each node."""
    return Counter(input_name(text) for node in graph.nodes.values() for text in node.input)


def _replace_by_identity(node: NodeDef) -> None:
    node.op = "Identity"
    del node.input[1:]
