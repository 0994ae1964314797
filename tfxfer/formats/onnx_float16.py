"""ONNX with weights in float16 and arithmetic in float32."""

from __future__ import annotations

import numpy as np
import onnx

from tfxfer.errors import ExportError

SMALLEST = 64  # elements; a smaller constant saves less than the Cast that it needs
LARGEST_HALF = float(np.finfo(np.float16).max)


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store every float32 constant of some size as float16 behind a Cast, which ONNX Runtime does once, at loading.

    The arithmetic stays in float32: halves in the sums overflow at 65,504, and on a CPU ONNX Runtime puts casts
    around every operation instead.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        value = onnx.numpy_helper.to_array(tensor)
        if value.dtype != np.float32 or value.size < SMALLEST:
            continue
        _refuse_overflow(tensor.name, value)
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(value.astype(np.float16), f"{name}/float16"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [tensor.name], [name], name=f"{name}/cast", to=onnx.TensorProto.FLOAT
            )
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def _refuse_overflow(name: str, value: np.ndarray) -> None:
    largest = float(np.abs(value).max())
    if largest > LARGEST_HALF:
        raise ExportError(
            f"weights must be at most {LARGEST_HALF:,.0f} to be stored in float16. Received: {largest:.4g} in "
            f"'{name}'. Export float32."
        )
