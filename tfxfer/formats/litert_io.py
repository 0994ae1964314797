"""Bytes at the ends of an integer network: uint8 pictures in, uint8 answers out."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from tfxfer.errors import ExportError
from tfxfer.formats.litert_entry import Entry
from tfxfer.runtimes.runtime import INPUT

UNSIGNED = 128  # uint8 = int8 + 128, with the same scale


def take_bytes(model: Any, entry: Entry) -> None:
    """Put uint8 pixels in front of the int8 input: the same scale, and a zero point 128 higher.

    Where the first block stays in float, the pixels become floats instead.
    """
    graph = model.subgraphs[0]
    (inner,) = graph.inputs
    pixels = graph.tensors[inner]
    is_float = pixels.type == schema.TensorType.FLOAT32
    if not is_float:
        _check_pixels(pixels, entry)
    outer = _unsigned(pixels, np.array([entry.scale], np.float32), entry.zero_point)
    outer.name, pixels.name = INPUT.encode(), f"{INPUT}_{'float' if is_float else 'int8'}".encode()
    graph.tensors.append(outer)
    graph.inputs = np.array([len(graph.tensors) - 1], np.int32)
    graph.operators.insert(0, _converted(model, graph.inputs, np.array([inner], np.int32), is_float))


def give_bytes(model: Any) -> None:
    """Put uint8 outputs behind int8 ones, under their names."""
    graph = model.subgraphs[0]
    outputs = []
    for index in graph.outputs:
        inner = graph.tensors[index]
        if inner.type != schema.TensorType.INT8:
            raise ExportError(
                "outputs of uint8 need a network that is int8 to its end. "
                f"Received: '{inner.name.decode()}' in float. Set output_dtype to float32."
            )
        outer = _unsigned(inner, inner.quantization.scale, int(inner.quantization.zeroPoint[0]) + UNSIGNED)
        outer.name = inner.name
        inner.name += b"_int8"
        graph.tensors.append(outer)
        outputs.append(len(graph.tensors) - 1)
        ends = np.array([index], np.int32), np.array(outputs[-1:], np.int32)
        graph.operators.append(_converted(model, *ends, to_float=False))
    graph.outputs = np.array(outputs, np.int32)


def _check_pixels(pixels: Any, entry: Entry) -> None:
    scale, zero_point = pixels.quantization.scale, pixels.quantization.zeroPoint
    wanted = entry.zero_point - UNSIGNED
    if not np.allclose(scale, entry.scale, rtol=1e-5, atol=0) or zero_point.tolist() != [wanted]:
        raise ExportError(
            f"the quantizer must give the input the scale {entry.scale:g} and zero point {wanted}. "
            f"Received: {scale}, {zero_point}. Report this: it has changed."
        )


def _unsigned(like: Any, scale: np.ndarray, zero_point: int) -> Any:
    """A uint8 tensor of the same shape."""
    outer = schema.TensorT()
    outer.shape, outer.shapeSignature = like.shape, like.shapeSignature
    outer.type, outer.buffer = schema.TensorType.UINT8, 0
    outer.quantization = schema.QuantizationParametersT()
    outer.quantization.scale = scale
    outer.quantization.zeroPoint = np.array([zero_point], np.int64)
    return outer


def _converted(model: Any, inputs: np.ndarray, outputs: np.ndarray, to_float: bool) -> Any:
    """An operation that gives a tensor's values in another type."""
    code = schema.OperatorCodeT()
    kind = schema.BuiltinOperator.DEQUANTIZE if to_float else schema.BuiltinOperator.QUANTIZE
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 1 if to_float else 2  # the first that takes integers
    model.operatorCodes.append(code)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = inputs, outputs
    return operator
