"""SavedModel: the graph with its variables, for TensorFlow Serving and everything that TensorFlow is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.canonical import canonical_saved_model
from tfxfer.formats.captured import captured_output
from tfxfer.formats.saved_model_bytes import bytes_function
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.labels import labels_text
from tfxfer.runtimes.runtime import INPUT, LABELS_FILE, SIGNATURE, TASK_FILE
from tfxfer.runtimes.saved_model import BYTES_SIGNATURE, EXTRA_FOLDER
from tfxfer.store.atomic import replaced_folder


class SavedModelFormat:
    """Writes a folder with the signature `serving_default` and the labels in assets.extra/labels.txt.

    Where the resize rule is known, `serving_bytes` takes encoded pictures.
    """

    name = "saved_model"
    precisions: tuple[str, ...] = ("float32",)

    def write(
        self,
        traced: Traced,
        to: Path,
        precision: str,
        *,
        calibration: np.ndarray | None = None,
        options: WriteOptions = DEFAULTS,
    ) -> None:
        with replaced_folder(to) as folder, captured_output() as output:
            try:
                _save(traced, folder, options.resize)
            except (ValueError, TypeError, AssertionError, tf.errors.OpError) as error:
                raise ExportError(
                    f"TensorFlow must be able to save this network. Received: {error}\n{output.tail()}"
                ) from error
            canonical_saved_model(folder)
            _write_extra(traced, folder)


def _save(traced: Traced, folder: Path, resize: ResizeRule | None) -> None:
    module = tf.Module()
    module.weights = traced.variables
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    signatures = {SIGNATURE: _checked(traced)}
    if resize is not None:
        signatures[BYTES_SIGNATURE] = bytes_function(traced, resize)
    tf.saved_model.save(module, str(folder), signatures=signatures, options=options)


def _checked(traced: Traced) -> Any:
    """The traced function for pictures of its shape only: on others TensorFlow's kernels answer, or end the process."""
    shape = (None, *traced.input_shape)

    def serve(image: tf.Tensor) -> Any:
        return traced.function(tf.ensure_shape(image, shape))

    spec = tf.TensorSpec(shape, traced.input_dtype, name=INPUT)
    return tf.function(serve, input_signature=[spec], autograph=False).get_concrete_function()


def _write_extra(traced: Traced, folder: Path) -> None:
    texts = {} if traced.labels is None else {LABELS_FILE: labels_text(traced.labels)}
    if traced.task != "classification":
        texts[TASK_FILE] = traced.task
    for name, text in texts.items():
        file = folder / EXTRA_FOLDER / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
