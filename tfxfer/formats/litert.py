"""LiteRT (TFLite): the frozen graph as a flatbuffer of built-in operations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.lite.python.convert_phase import ConverterError

from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.graph import without_weights
from tfxfer.formats.litert_entry import integer_entry
from tfxfer.formats.litert_file import finish_litert
from tfxfer.formats.litert_flatbuffer import read_flatbuffer
from tfxfer.formats.litert_quantize import PRECISIONS, quantise
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.runtime import INPUT
from tfxfer.store.atomic import write_bytes

CONVERTER_ERRORS = (ValueError, tf.errors.OpError, ConverterError)
QUANTIZER_ERRORS = (*CONVERTER_ERRORS, RuntimeError)


class LiteRTFormat:
    """Writes a .tflite file of batch size 1, signature `serving_default`, built-in operations only.

    The batch is fixed because an open one keeps shapes out of XNNPACK's reach: EfficientNetB0 then runs in 17
    pieces instead of one.
    """

    name = "litert"
    precisions: tuple[str, ...] = ("float32", *PRECISIONS)

    def write(
        self,
        traced: Traced,
        to: Path,
        precision: str,
        *,
        calibration: np.ndarray | None = None,
        options: WriteOptions = DEFAULTS,
    ) -> None:
        entry = integer_entry(traced.frozen, traced.outputs) if precision == "int8" else None
        frozen = traced.frozen if entry is None else entry.graph
        with captured_output() as output:
            try:
                model = read_flatbuffer(convert_litert(frozen, traced.outputs))
                if precision != "float32":
                    model = quantise(
                        model,
                        (precision, options.granularity),
                        traced.outputs,
                        entry=entry,
                        calibration=calibration,
                    )
                data = finish_litert(model, traced)
            except QUANTIZER_ERRORS as error:
                what = "every operation of the network must be one of LiteRT's built-in ones"
                more = "" if precision == "float32" else f", and one that can be quantised to {precision}"
                raise ExportError(f"{what}{more}. Received: {error}\n{output.tail()}") from error
        write_bytes(to, data)


def convert_litert(frozen: GraphDef, outputs: tuple[str, ...]) -> bytes:
    """A frozen graph as a flatbuffer for one image; tensors keep the names of their nodes, outputs this order.

    The graph itself goes in: a SavedModel of it gives the same operations, at four times the cost.
    """
    graph_def = GraphDef()
    graph_def.CopyFrom(frozen)
    image = next(node for node in graph_def.node if node.name == INPUT)
    image.attr["shape"].shape.dim[0].size = 1
    names = [f"{name}:0" for name in (INPUT, *outputs)]
    with tf.Graph().as_default():  # only names, types and shapes of its tensors are read
        tensors = tf.import_graph_def(without_weights(graph_def), name="", return_elements=names)
    converter = tf.compat.v1.lite.TFLiteConverter(graph_def, tensors[:1], tensors[1:])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter.convert()
