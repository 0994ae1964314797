"""What holds a LiteRT file back: operations that XNNPACK did not take, floats among integers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfxfer.runtimes.layer_names import layer_name
from tfxfer.runtimes.quiet import not_info, stderr_held_back

DELEGATE = "DELEGATE"
# At the ends of an integer file: pictures that become integers, answers that become floats.
EXPECTED_FLOATS = ("QUANTIZE", "DEQUANTIZE", "SOFTMAX", "LOGISTIC", "CAST")


def not_delegated(path: Path) -> dict[str, int]:
    """How many operations of each kind LiteRT's own kernels run, because XNNPACK did not take them."""
    from ai_edge_litert.interpreter import Interpreter

    with stderr_held_back(not_info):
        interpreter = Interpreter(str(path), num_threads=1)
        interpreter.allocate_tensors()
    # Private, but the only way to see the plan after delegation; the benchmark tool's log is the other one.
    operations = interpreter._get_ops_details()
    outputs = [int(details["index"]) for details in interpreter.get_output_details()]
    return dict(sorted(Counter(_left(operations, outputs)).items()))


def _left(operations: list[Mapping[str, Any]], outputs: list[int]) -> list[str]:
    """Walk back from the outputs; a tensor that a delegate gives is not computed by the operation it replaced."""
    makers: dict[int, tuple[int, Mapping[str, Any]]] = {}
    for place, operation in enumerate(operations):  # delegates come last and take their tensors over
        makers |= {int(tensor): (place, operation) for tensor in operation["outputs"]}
    waiting, seen = list(outputs), dict[int, str]()
    while waiting:
        found = makers.get(waiting.pop())
        if found is None or found[0] in seen:
            continue
        place, operation = found
        seen[place] = operation["op_name"]
        waiting += [int(tensor) for tensor in operation["inputs"] if tensor >= 0]
    return [name for name in seen.values() if name != DELEGATE]


def runs_integers(path: Path) -> bool:
    """Whether a layer with weights gives integers: full int8, a mixture, or int16x8."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    graph, codes = model.subgraphs[0], model.operatorCodes
    weighted = (
        schema.BuiltinOperator.CONV_2D,
        schema.BuiltinOperator.DEPTHWISE_CONV_2D,
        schema.BuiltinOperator.FULLY_CONNECTED,
    )
    given = {
        graph.tensors[int(operator.outputs[0])].type
        for operator in graph.operators
        if codes[operator.opcodeIndex].builtinCode in weighted
    }
    return bool(given & {schema.TensorType.INT8, schema.TensorType.INT16})


def float_islands(path: Path) -> tuple[str, ...]:
    """Layers of an integer file that compute in floats, each with its operation: `block_3_expand CONV_2D`."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    graph, kinds = model.subgraphs[0], {value: name for name, value in vars(schema.BuiltinOperator).items()}
    islands = []
    for operator in graph.operators:
        kind = kinds[model.operatorCodes[operator.opcodeIndex].builtinCode]
        target = graph.tensors[int(operator.outputs[0])]
        source = graph.tensors[int(operator.inputs[0])]
        floats = {target.type, source.type} == {schema.TensorType.FLOAT32}
        if floats and kind not in EXPECTED_FLOATS:
            islands.append(f"{layer_name(target.name.decode())} {kind}")
    return tuple(islands)
