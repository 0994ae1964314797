"""ONNX: the frozen graph through tf2onnx, with all of its optimisers, checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfxfer.catalogue.write_options import DEFAULT_OPSET, DEFAULTS, WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.litert_entry import integer_entry
from tfxfer.formats.onnx_dynamic import quantise_dynamically
from tfxfer.formats.onnx_float16 import halve_weights
from tfxfer.formats.onnx_names import name_graph
from tfxfer.formats.onnx_pads import keep_zero_padding
from tfxfer.formats.onnx_static import quantise_statically
from tfxfer.formats.tf2onnx_repairs import ERFC, light_tf2onnx, ordered_tf2onnx, repaired_optimisers
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.runtime import INPUT
from tfxfer.store.atomic import write_bytes

# tf2onnx has no exceptions of its own and lets those of a failed look-up through.
CONVERTER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
)


class OnnxFormat:
    """Writes an .onnx file with input `image` and outputs `probabilities`, `logits`, of any batch size."""

    name = "onnx"
    precisions: tuple[str, ...] = ("float32", "float16", "int8", "dynamic_int8")

    def write(
        self,
        traced: Traced,
        to: Path,
        precision: str,
        *,
        calibration: np.ndarray | None = None,
        options: WriteOptions = DEFAULTS,
    ) -> None:
        with captured_output() as output:
            try:
                model = _model(traced, precision, calibration, options)
                data = model.SerializeToString(deterministic=True)
                onnx.checker.check_model(data, full_check=True)
            except CONVERTER_ERRORS as error:
                raise ExportError(
                    f"every operation of the network must be one that can be written in ONNX as {precision}. "
                    f"Received: {error!r}\n{output.tail()}"
                ) from error
        write_bytes(to, data)


def _model(
    traced: Traced, precision: str, calibration: np.ndarray | None, options: WriteOptions
) -> onnx.ModelProto:
    entry = integer_entry(traced.frozen, traced.outputs) if precision == "int8" else None
    model = float_model(traced, options.opset, None if entry is None else entry.graph)
    if precision == "float16":
        return halve_weights(model)
    if precision == "dynamic_int8":
        return quantise_dynamically(model, options.granularity)
    if precision != "int8":
        return model
    assert calibration is not None
    return quantise_statically(
        model, calibration, entry=entry, outputs=traced.outputs, granularity=options.granularity
    )


def float_model(
    traced: Traced, opset: int = DEFAULT_OPSET, frozen: GraphDef | None = None
) -> onnx.ModelProto:
    """The network in float32, or another frozen graph of it, with the promised names."""
    graph = traced.frozen if frozen is None else frozen
    return name_graph(convert_onnx(graph, traced.outputs, opset), traced)


def convert_onnx(frozen: GraphDef, outputs: tuple[str, ...], opset: int = DEFAULT_OPSET) -> onnx.ModelProto:
    """A frozen graph in ONNX, optimised; tensors are called `NODE:0`."""
    # TensorFlow is patched by tf2onnx at import, so the import waits until it is needed.
    from tf2onnx.optimizer import optimize_graph
    from tf2onnx.tfonnx import process_tf_graph

    with tf.Graph().as_default() as graph, ordered_tf2onnx(), light_tf2onnx():
        tf.import_graph_def(frozen, name="")
        converted = process_tf_graph(
            graph,
            opset=opset,
            input_names=[f"{INPUT}:0"],
            output_names=[f"{name}:0" for name in outputs],
            custom_op_handlers={"Erfc": ERFC},
        )
        optimised = optimize_graph(converted, catch_errors=False, optimizers=repaired_optimisers())
        return keep_zero_padding(optimised.make_model("tfxfer"))
