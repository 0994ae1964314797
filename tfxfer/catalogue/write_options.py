"""What can be said about how a file is written, beside its format and precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tfxfer.catalogue.inputs import ResizeRule

Granularity = Literal["channel", "tensor"]
InputDtype = Literal["uint8", "int8"]
OutputDtype = Literal["float32", "uint8", "int8"]

# tf2onnx 1.17 writes up to 18; quantised weights have a scale for each channel since 13.
OPSETS = (13, 14, 15, 16, 17, 18)
DEFAULT_OPSET = 17  # holds every float operator in use; read by onnxruntime >= 1.12 and its browser build


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Choices that have a default."""

    opset: int = DEFAULT_OPSET  # of ONNX
    granularity: Granularity = "channel"  # of int8 weights: a scale for each output channel, or one for all
    input_dtype: InputDtype = "uint8"  # of LiteRT in int8; int8 is the pixel less 128
    output_dtype: OutputDtype | None = None  # of LiteRT in int8; None: as the answers are read
    resize: ResizeRule | None = None  # of a SavedModel that takes encoded pictures too; None: it does not


DEFAULTS = WriteOptions()
