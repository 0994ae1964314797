"""ONNX static int8: QDQ nodes by ONNX Runtime's quantizer, calibrated with training images."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tfxfer.catalogue.write_options import Granularity
from tfxfer.formats.litert_entry import Entry
from tfxfer.formats.onnx_weights import drop_unused
from tfxfer.runtimes.runtime import INPUT

FLOATS = "_floats"  # what pixels stand for is called by their name and this
CALIBRATION_BATCH = 16  # images at a time; their largest values do not depend on it
MOVES = ("Transpose", "Reshape")  # of NHWC to NCHW, the latter where there is one channel
FLOAT = ("Softmax", "Sigmoid", "Cast")  # behind the logits, or over the picture before the first layer


def quantise_statically(
    model: onnx.ModelProto,
    images: np.ndarray,
    *,
    entry: Entry | None,
    outputs: tuple[str, ...],
    granularity: Granularity,
) -> onnx.ModelProto:
    """Weights and activations in 8 bits, the latter from the smallest to the largest value on any of `images`.

    Activations are unsigned, weights signed: what x86 multiplies fastest, and what ARM takes as well. `model`
    is that of `entry.graph` where there is an entry; pictures then enter the first layer as the bytes they are.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    properties = {entry.key: entry.value for entry in model.metadata_props}
    pixels = {} if entry is None else _pixel_tensors(model, entry)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quantised.onnx"
        quantize_static(
            _copy(model),
            file,
            _reader(images, entry),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=granularity == "channel",
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_left_in_float(model, outputs),
            extra_options={
                **({"TensorQuantOverrides": pixels} if pixels else {}),
                # Logits of 8 bits would share 256 values; the last product's sums have 32.
                "OpTypesToExcludeOutputQuantization": ["MatMul"],
            },
        )
        quantised = onnx.load(file)
    if entry is not None:
        _take_bytes(quantised, entry)
    drop_unused(quantised.graph)
    del quantised.metadata_props[:]
    onnx.helper.set_model_props(quantised, properties)
    quantised.producer_name, quantised.producer_version = model.producer_name, model.producer_version
    return quantised


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    """ONNX Runtime's quantizer moves the weights of the model that it is given into files."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def _reader(images: np.ndarray, entry: Entry | None) -> Any:
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(CalibrationDataReader):  # its seam is this class
        def __init__(self) -> None:
            self._starts = iter(range(0, len(images), CALIBRATION_BATCH))

        def get_next(self) -> dict[str, np.ndarray] | None:
            start = next(self._starts, None)
            if start is None:
                return None
            batch = images[start : start + CALIBRATION_BATCH]
            return {INPUT: batch if entry is None else entry.values(batch)}

    return Reader()


def _pixel_tensors(model: onnx.ModelProto, entry: Entry) -> dict[str, list[dict[str, Any]]]:
    """The parameters by which a byte is a pixel, for the picture and what only moves it."""
    from onnxruntime.quantization import QuantType

    parameters = {
        "scale": np.array(entry.scale, np.float32),
        "zero_point": np.array(entry.zero_point, np.uint8),
        "quant_type": QuantType.QUInt8,
    }
    names = {INPUT}
    for node in model.graph.node:
        if node.op_type in MOVES and node.input[0] in names:
            names.update(node.output)
    return {name: [parameters] for name in sorted(names)}


def _left_in_float(model: onnx.ModelProto, outputs: tuple[str, ...]) -> list[str]:
    """Names of nodes: the last addition, so that logits keep their digits, what follows, and casts."""
    return [
        node.name
        for node in model.graph.node
        if node.op_type in FLOAT or (set(node.output) & set(outputs) and node.op_type in ("Add", "Mul"))
    ]


def _take_bytes(model: onnx.ModelProto, entry: Entry) -> None:
    """Let `image` be uint8 and enter where its quantised value would; an operation in floats gets its floats."""
    graph = model.graph
    same, floats = {INPUT}, set[str]()
    kept: list[onnx.NodeProto] = []
    renamed: dict[str, str] = {}
    for node in graph.node:
        node.input[:] = [renamed.get(text, text) for text in node.input]
        if node.op_type == "QuantizeLinear" and node.input[0] in same:
            renamed[node.output[0]] = node.input[0]
            continue
        if node.op_type in MOVES and node.input[0] in same:
            same.update(node.output)
        elif node.op_type != "DequantizeLinear":
            kept += [_as_floats(graph, text, entry) for text in sorted((same & set(node.input)) - floats)]
            floats.update(same & set(node.input))
            node.input[:] = [f"{text}{FLOATS}" if text in same else text for text in node.input]
        kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    for value in (*graph.input, *graph.value_info):
        if value.name in same:
            value.type.tensor_type.elem_type = onnx.TensorProto.UINT8


def _as_floats(graph: onnx.GraphProto, pixels: str, entry: Entry) -> onnx.NodeProto:
    """What the bytes stand for, for operations in floats."""
    scale, zero_point = f"{pixels}{FLOATS}_scale", f"{pixels}{FLOATS}_zero_point"
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(entry.scale, np.float32), scale))
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(entry.zero_point, np.uint8), zero_point))
    return onnx.helper.make_node("DequantizeLinear", [pixels, scale, zero_point], [f"{pixels}{FLOATS}"])
