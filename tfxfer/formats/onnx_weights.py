"""Weights of an ONNX graph as 8-bit integers, and which of its layers are worth it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from tfxfer.catalogue.write_options import Granularity

LARGEST = 127  # symmetric: -127 to 127


@dataclass(frozen=True, slots=True, eq=False)
class IntegerWeights:
    """value = scale * integers."""

    integers: np.ndarray  # int8, of the weights' shape
    scale: np.ndarray  # float32, (channels,) or ()


def quantise_weights(value: np.ndarray, axis: int, granularity: Granularity) -> IntegerWeights:
    """Symmetric 8-bit integers; by `channel`, each slice along `axis` has its own scale."""
    others = tuple(index for index in range(value.ndim) if index != axis)
    largest = np.abs(value).max(axis=others if granularity == "channel" else None)
    scale = np.where(largest > 0, largest / LARGEST, 1.0).astype(np.float32)
    shape = [1] * value.ndim
    if granularity == "channel":
        shape[axis] = -1
    integers = np.clip(np.rint(value / scale.reshape(shape)), -LARGEST, LARGEST)
    return IntegerWeights(integers.astype(np.int8), scale)


def is_depthwise(node: onnx.NodeProto) -> bool:
    """Whether a Conv has groups: few weights, each used on many pixels."""
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)


def constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """The initialisers by name."""
    return {tensor.name: tensor for tensor in graph.initializer}


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove initialisers that no node reads."""
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
