"""The .keras file: the float32 rebuild in layers that every Keras has."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfxfer.backbones.graph import Step, replay, steps_between
from tfxfer.catalogue.tasks import LOGITS
from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.trace import Traced
from tfxfer.network.preprocess import Preprocess
from tfxfer.runtimes.labels import labels_text
from tfxfer.runtimes.runtime import INPUT, LABELS_FILE, TASK_FILE
from tfxfer.store.atomic import write_bytes

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can state
DATE_SAVED = "1980-01-01@00:00:00"  # Keras writes the hour of saving; nothing reads it
ENDS = {"classification": "softmax", "multi_label": "sigmoid"}


class KerasFormat:
    """Writes a .keras file with input `image`, outputs `probabilities` and `logits`, and labels.txt inside it.

    It opens in any Keras 3 without tfxfer: only Keras's own layers are in it.
    """

    name = "keras"
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
        with captured_output():
            model = plain_model(traced)
            data = _saved(model)
        write_bytes(to, _canonical(data, _texts(traced)))


def plain_model(traced: Traced) -> keras.Model:
    """image -> {probabilities or values, logits}, of Keras's own layers and operations.

    Raises:
        ExportError: a layer is of another library or of the user's own code.
    """
    network = traced.network
    if network is None:
        raise ExportError(
            "a .keras file is made of Keras layers. Received: a SavedModel, which holds operations. "
            "Leave the format keras out."
        )
    (source,), (target,) = network.inputs, network.outputs
    steps = steps_between(network.inputs, network.outputs)
    _refuse_foreign(steps)
    image = keras.Input(source.shape[1:], dtype=traced.input_dtype.name, name=INPUT)
    start = image if image.dtype == source.dtype else keras.ops.cast(image, source.dtype)
    last, end = target._keras_history.operation, ENDS.get(traced.task)

    def call(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(step.operation, Preprocess):
            return _rescaled(step.operation, args[0])
        if step.operation is last and _ends_in(last, end):
            return _without_end(last, args[0])
        return step.operation(*args, **kwargs)

    logits = replay(steps, {id(source): start}, call)[id(target)]
    return keras.Model(
        image, {traced.outputs[0]: _decoded(traced, logits), LOGITS: logits}, name=network.name
    )


def _refuse_foreign(steps: tuple[Step, ...]) -> None:
    for step in steps:
        home = type(step.operation).__module__.partition(".")[0]
        if home != "keras" and not isinstance(step.operation, Preprocess):
            raise ExportError(
                "a .keras file holds Keras's own layers, so that it opens without other code. "
                f"Received: {step.name!r}, a {type(step.operation).__name__} of {home}. "
                "Export saved_model, which holds any layer."
            )


def _rescaled(layer: Preprocess, images: Any) -> Any:
    """What tfxfer's own preprocessing layer does, in stock ones."""
    if layer.order == "bgr":
        images = keras.ops.flip(images, axis=-1)
    return keras.layers.Rescaling(list(layer.scale), list(layer.offset), name=layer.name)(images)


def _ends_in(operation: Any, end: str | None) -> bool:
    if isinstance(operation, keras.layers.Dense | keras.layers.Activation):
        return end is not None and operation.activation is keras.activations.get(end)
    return type(operation).__name__.lower() == end


def _without_end(operation: Any, entering: Any) -> Any:
    """The logits: the layer without its activation, or what enters a bare one."""
    if not isinstance(operation, keras.layers.Dense):
        return entering
    copy = keras.layers.Dense.from_config({**operation.get_config(), "activation": "linear"})
    logits = copy(entering)
    copy.set_weights(operation.get_weights())
    return logits


def _decoded(traced: Traced, logits: Any) -> Any:
    first, decoding = traced.outputs[0], traced.decoding
    if traced.task == "regression":
        return keras.layers.Rescaling(list(decoding.scale), list(decoding.offset), name=first)(logits)
    return keras.layers.Activation(ENDS[traced.task], name=first)(logits)


def _saved(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def _texts(traced: Traced) -> dict[str, str]:
    """The labels, and the task of what is no classifier."""
    texts = {} if traced.labels is None else {LABELS_FILE: labels_text(traced.labels)}
    return texts if traced.task == "classification" else {**texts, TASK_FILE: traced.task}


def _canonical(data: bytes, texts: Mapping[str, str]) -> bytes:
    """The archive without the hour of its making, and with texts that Keras passes by."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    metadata = {**json.loads(files["metadata.json"]), "date_saved": DATE_SAVED}
    files["metadata.json"] = json.dumps(metadata).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (*files.items(), *((name, text.encode()) for name, text in texts.items())):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = 3  # Unix, whatever machine writes it
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return written.getvalue()
