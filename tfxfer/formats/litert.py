"""LiteRT (TFLite): the frozen graph as a flatbuffer of built-in operations."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf

from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.litert_file import finish_litert
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.runtime import INPUT, OUTPUTS, SIGNATURE
from tfxfer.store.atomic import write_bytes


class LiteRTFormat:
    """Writes a .tflite file of batch size 1, signature `serving_default`, built-in operations only.

    The batch is fixed because an open one keeps shapes out of XNNPACK's reach: EfficientNetB0 then runs in 17
    pieces instead of one.
    """

    name = "litert"
    precisions: tuple[str, ...] = ("float32",)

    def write(self, traced: Traced, to: Path, precision: str) -> None:
        with captured_output() as output:
            try:
                data = finish_litert(_convert(traced), traced)
            except (ValueError, tf.errors.OpError, tf.lite.python.convert_phase.ConverterError) as error:
                raise ExportError(
                    "every operation of the network must be one of LiteRT's built-in ones. "
                    f"Received: {error}\n{output.tail()}"
                ) from error
        write_bytes(to, data)


def _convert(traced: Traced) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(
            tf.Module(), folder, signatures={SIGNATURE: _fixed_batch(traced)}, options=options
        )
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        return converter.convert()


def _fixed_batch(traced: Traced) -> Any:
    """The frozen graph as a concrete function of one image."""
    graph_def = tf.compat.v1.GraphDef()
    graph_def.CopyFrom(traced.frozen)
    spec = tf.TensorSpec((1, *traced.input_shape), traced.input_dtype, name=INPUT)

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        names = [f"{name}:0" for name in OUTPUTS]
        outputs = tf.graph_util.import_graph_def(
            graph_def, input_map={f"{INPUT}:0": image}, return_elements=names, name=""
        )
        return dict(zip(OUTPUTS, outputs, strict=True))

    return tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()
