"""LiteRT (TFLite): the frozen graph as a flatbuffer of built-in operations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.lite.python.convert_phase import ConverterError

from tfxfer.catalogue.write_options import DEFAULTS, OutputDtype, WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.graph import without_weights
from tfxfer.formats.litert_entry import integer_entry
from tfxfer.formats.litert_file import add_signature, finish_litert
from tfxfer.formats.litert_flatbuffer import pack_flatbuffer, read_flatbuffer
from tfxfer.formats.litert_hard_swish import decompose_hard_swish
from tfxfer.formats.litert_mixed import block_errors, quantise_mixed
from tfxfer.formats.litert_quantize import Original, quantise
from tfxfer.formats.litert_recipes import MIXED, PRECISIONS, STATIC
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
        _check_ends(traced, precision, options)
        options = replace(options, output_dtype=_output_dtype(traced, precision, options))
        with captured_output() as output:
            try:
                if precision == "float32":
                    model = read_flatbuffer(convert_litert(traced.frozen, traced.outputs))
                else:
                    original, mixed = original_of(traced, precision, calibration), precision == MIXED
                    model = (
                        quantise_mixed(original, options) if mixed else quantise(original, precision, options)
                    )
                data = finish_litert(model, traced)
            except QUANTIZER_ERRORS as error:
                what = "every operation of the network must be one of LiteRT's built-in ones"
                more = "" if precision == "float32" else f", and one that can be quantised to {precision}"
                raise ExportError(f"{what}{more}. Received: {error}\n{output.tail()}") from error
        write_bytes(to, data)


def original_of(traced: Traced, precision: str, calibration: np.ndarray | None) -> Original:
    """The converted float32 model that `precision` is made of."""
    entry = integer_entry(traced.frozen, traced.outputs) if precision in (MIXED, *STATIC) else None
    frozen = traced.frozen if entry is None else entry.graph
    model = read_flatbuffer(convert_litert(frozen, traced.outputs))
    if precision in ("int8", MIXED):
        decompose_hard_swish(model)
    add_signature(model, traced.outputs)
    return Original(pack_flatbuffer(model), traced.outputs, entry, calibration)


def int8_block_errors(
    traced: Traced, calibration: np.ndarray, options: WriteOptions
) -> tuple[tuple[str, float], ...]:
    """(block, error) in the order of the network: where a full int8 file leaves the float32 one.

    Raises:
        ExportError: the quantizer refuses an operation.
    """
    with captured_output() as output:
        try:
            return block_errors(original_of(traced, "int8", calibration), options)
        except QUANTIZER_ERRORS as error:
            raise ExportError(
                f"every block must be one that can be in int8. Received: {error}\n{output.tail()}"
            ) from error


def _check_ends(traced: Traced, precision: str, options: WriteOptions) -> None:
    """Integers at the ends are for full int8, and int8 pictures for networks that take uint8 ones."""
    ends = (options.input_dtype, options.output_dtype or "float32")
    if precision != "int8" and ends != (DEFAULTS.input_dtype, "float32"):
        raise ExportError(
            f"input_dtype and output_dtype are for int8, whose ends can be integers. Received: {precision} with "
            f"{ends[0]} and {ends[1]}. Leave them out."
        )
    if options.input_dtype == "int8" and traced.input_dtype != np.uint8:
        raise ExportError(
            f"an int8 input stands for uint8 pictures. Received: a network that takes {traced.input_dtype}. "
            "Set the network's input_dtype to uint8, or leave input_dtype out."
        )


def _output_dtype(traced: Traced, precision: str, options: WriteOptions) -> OutputDtype:
    """What full int8 answers in: bytes, so that no float is left, where the answer is the most probable class.

    A byte knows 256 probabilities. Where a threshold or a rule reads them, and of the values of a regression, that
    is too coarse, and a network that takes floats gives floats.
    """
    if options.output_dtype is not None:
        return options.output_dtype
    is_read = traced.decided or traced.task != "classification"
    whole = precision == "int8" and traced.input_dtype == np.uint8 and not is_read
    return "uint8" if whole else "float32"


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
