"""Formats that people ask for and tfxfer does not write: why, and the nearest thing that works."""

from __future__ import annotations

from collections.abc import Mapping

_TFJS = (
    "its converter, tensorflowjs 4.22, needs TensorFlow 2.19 and Keras 2. "
    "Export onnx or litert: exports/browser runs both in the browser"
)
_EDGE_TPU = (
    "Google's edgetpu_compiler is a closed program for Linux on x86 and in no package index. Export "
    "{format: litert, precision: int8, output_dtype: uint8}, which has no float in it, and compile that file"
)
_COREML = (
    "Core ML files can be run on macOS only, so that nothing could be proven elsewhere. "
    "Export litert or onnx: both runtimes run on iOS, with Core ML underneath where they are asked to"
)

REFUSED_FORMATS: Mapping[str, str] = {
    **dict.fromkeys(("tfjs", "tensorflowjs", "tf_js"), _TFJS),
    **dict.fromkeys(("edge_tpu", "edgetpu"), _EDGE_TPU),
    **dict.fromkeys(("coreml", "core_ml"), _COREML),
    "tflite": "TensorFlow Lite is called LiteRT now. Export litert, which writes .tflite files",
}


def refusal(name: object) -> str | None:
    """A sentence about a format that is not written, or None for any other name."""
    reason = REFUSED_FORMATS.get(name) if isinstance(name, str) else None
    return None if reason is None else f"the format '{name}' is not written: {reason}."
