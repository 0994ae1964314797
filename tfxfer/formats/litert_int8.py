"""What litert-quantizer 0.11 leaves to be done on a file that it quantised."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from tfxfer.runtimes.runtime import INPUT

WEIGHTED = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)
LARGEST_BIAS = 2.0**29  # of an int32, with room for the sum that is added to it
SMALLEST_RATIO = 2.0**-30  # of scales, input * weight / output; XNNPACK takes no layer below 2^-32


def name_outputs(model: Any, outputs: tuple[str, ...]) -> None:
    """Give the tensors that are the graph's input and outputs now the names that those had before."""
    graph = model.subgraphs[0]
    names = dict(zip([*graph.inputs, *graph.outputs], (INPUT, *outputs), strict=True))
    for index, tensor in enumerate(graph.tensors):
        if index in names:
            tensor.name = names[index].encode()
        elif tensor.name.decode() in outputs:
            tensor.name += b"_int8"


def repair_small_scales(model: Any, original: Any) -> None:
    """Give channels whose weights are all next to nothing a scale that their bias can be written in.

    A bias is written in units of input scale * weight scale. Pruned channels (7 of 32 in MobileNetV2's first
    convolution) have a scale of 1e-11, their bias then overflows, and comes out with the wrong sign or none.
    `original` is the float32 model.
    """
    graph, floats = model.subgraphs[0], _constants(original)
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode in WEIGHTED:
            source, weights = (graph.tensors[index] for index in operator.inputs[:2])
            bias = [graph.tensors[index] for index in operator.inputs[2:3] if index >= 0]
            if weights.type == schema.TensorType.INT8 and source.type == schema.TensorType.INT8:
                target = graph.tensors[operator.outputs[0]]
                _repair_layer(model, floats, (source, weights, bias[0] if bias else None, target))


def repair_sigmoids(model: Any) -> None:
    """Let every int8 sigmoid read an int8 tensor.

    Where its input is an output of the graph too, as the logits are, the quantizer leaves the sigmoid behind
    the float copy that goes out, and XNNPACK refuses the file.
    """
    graph = model.subgraphs[0]
    integers = {
        int(operator.outputs[0]): int(operator.inputs[0])
        for operator in graph.operators
        if _code(model, operator) == schema.BuiltinOperator.DEQUANTIZE
    }
    for operator in graph.operators:
        is_sigmoid = _code(model, operator) == schema.BuiltinOperator.LOGISTIC
        if is_sigmoid and graph.tensors[operator.outputs[0]].type == schema.TensorType.INT8:
            source = int(operator.inputs[0])
            operator.inputs = np.array([integers.get(source, source)], np.int32)


def allow_any_scale(model: Any) -> None:
    """Say of int16 additions that their scales are no powers of two; the schema's default says they are."""
    options = (schema.BuiltinOptions.AddOptions, schema.BuiltinOptions.SubOptions)
    for operator in model.subgraphs[0].operators:
        if operator.builtinOptionsType in options:
            operator.builtinOptions.potScaleInt16 = False


def _code(model: Any, operator: Any) -> int:
    return int(model.operatorCodes[operator.opcodeIndex].builtinCode)


def _repair_layer(model: Any, floats: dict[bytes, np.ndarray], tensors: tuple[Any, Any, Any, Any]) -> None:
    source, weights, bias, target = tensors
    unit = float(source.quantization.scale[0])
    scale = weights.quantization.scale.astype(np.float64)
    least = np.full_like(scale, SMALLEST_RATIO * float(target.quantization.scale[0]) / unit)
    if bias is not None:
        size = np.abs(floats[_first_name(bias)].astype(np.float64))
        needed = size / (unit * LARGEST_BIAS)
        least = np.maximum(least, needed if len(scale) == len(needed) else needed.max())
    if not (scale < least).any():
        return
    repaired = np.where(scale < least, least, scale).astype(np.float32)
    weights.quantization.scale = repaired
    shape = [1] * len(weights.shape)
    shape[weights.quantization.quantizedDimension] = len(repaired)
    values = floats[_first_name(weights)].reshape(weights.shape) / repaired.reshape(shape)
    model.buffers[weights.buffer].data = _bytes(np.clip(np.rint(values), -127, 127).astype(np.int8))
    if bias is not None:
        units = repaired.astype(np.float64) * unit
        model.buffers[bias.buffer].data = _bytes(np.rint(floats[_first_name(bias)] / units).astype(np.int32))
        bias.quantization.scale = units.astype(np.float32)


def _first_name(tensor: Any) -> bytes:
    """Of the float32 tensor; one that several layers share was copied for each."""
    return re.sub(rb"_duplicated_\d+$", b"", tensor.name)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.frombuffer(values.tobytes(), np.uint8)


def _constants(model: Any) -> dict[bytes, np.ndarray]:
    """The float32 constants of a model, flat, by name."""
    found = {}
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.FLOAT32 and data is not None and len(data):
            found[tensor.name] = np.frombuffer(data.tobytes(), np.float32)
    return found
