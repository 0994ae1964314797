"""Hard swish in operations that XNNPACK takes in integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

Builtin = schema.BuiltinOperator


def decompose_hard_swish(model: Any) -> int:
    """Write x * relu6(x + 3) / 6 in place of every HARD_SWISH of a float32 model; returns how many there were.

    XNNPACK takes an int8 ADD, MUL and clamp, but no int8 HARD_SWISH: each one ends its piece of the graph, and
    MobileNetV3Small runs in 19 pieces, several times slower than in float32. The three operations are one piece.
    """
    code = _code_index(model, Builtin.HARD_SWISH)
    graph = model.subgraphs[0]
    count = sum(operator.opcodeIndex == code for operator in graph.operators)
    if not count:
        return 0
    three, sixth = (_constant(model, name, value) for name, value in (("three", 3.0), ("sixth", 1 / 6)))
    operators = []
    for operator in graph.operators:
        operators += _steps(model, operator, three, sixth) if operator.opcodeIndex == code else [operator]
    graph.operators = operators
    return count


def _steps(model: Any, operator: Any, three: int, sixth: int) -> list[Any]:
    """relu6(x + 3), a sixth of it, times x."""
    source, target = int(operator.inputs[0]), int(operator.outputs[0])
    shifted, share = (_like(model, target, suffix) for suffix in ("shifted", "share"))
    return [
        _operator(model, (Builtin.ADD, schema.AddOptionsT, 6), (source, three), shifted),
        _operator(model, (Builtin.MUL, schema.MulOptionsT, 0), (shifted, sixth), share),
        _operator(model, (Builtin.MUL, schema.MulOptionsT, 0), (source, share), target),
    ]


def _operator(model: Any, kind: tuple[int, Any, int], inputs: tuple[int, int], output: int) -> Any:
    """One ADD or MUL; `kind` is its code, its options, and whether it ends in a ReLU6 (6) or not (0)."""
    code, options, clamp = kind
    operator = schema.OperatorT()
    operator.opcodeIndex = _code_index(model, code)
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    names = schema.BuiltinOptions
    operator.builtinOptionsType = names.AddOptions if code == Builtin.ADD else names.MulOptions
    operator.builtinOptions = options()
    functions = schema.ActivationFunctionType
    operator.builtinOptions.fusedActivationFunction = functions.RELU6 if clamp else functions.NONE
    return operator


def _code_index(model: Any, code: int) -> int:
    """The place of an operation among those that the model names; it is added where it is not there."""
    for index, entry in enumerate(model.operatorCodes):
        if entry.builtinCode == code:
            return index
    entry = schema.OperatorCodeT()
    entry.builtinCode = entry.deprecatedBuiltinCode = code
    entry.version = 1
    model.operatorCodes.append(entry)
    return len(model.operatorCodes) - 1


def _constant(model: Any, name: str, value: float) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(np.array([value], np.float32).tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.name, tensor.type = f"hard_swish/{name}".encode(), schema.TensorType.FLOAT32
    tensor.shape, tensor.buffer = np.array([1], np.int32), len(model.buffers) - 1
    return _added(model, tensor)


def _like(model: Any, index: int, suffix: str) -> int:
    """A new tensor of the same shape."""
    like = model.subgraphs[0].tensors[index]
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.buffer = like.name + f"/{suffix}".encode(), like.type, 0
    tensor.shape, tensor.shapeSignature = like.shape, like.shapeSignature
    return _added(model, tensor)


def _added(model: Any, tensor: Any) -> int:
    tensors = model.subgraphs[0].tensors
    tensors.append(tensor)
    return len(tensors) - 1
