"""A converted .tflite file gets its signature, its metadata and its labels."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from tfxfer.errors import ExportError
from tfxfer.formats.litert_flatbuffer import pack_flatbuffer
from tfxfer.formats.litert_metadata import METADATA_NAME, model_metadata
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.labels import labels_text
from tfxfer.runtimes.runtime import INPUT, LABELS_FILE, SIGNATURE, TASK_FILE

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can state


def finish_litert(model: Any, traced: Traced) -> bytes:
    """The file of a model with a signature, metadata that names the labels of output 0, and labels.txt."""
    add_signature(model, traced.outputs)
    _add_metadata(model, model_metadata(traced))
    packed = pack_flatbuffer(model)
    files = {} if traced.labels is None else {LABELS_FILE: labels_text(traced.labels)}
    if traced.task != "classification":
        files[TASK_FILE] = traced.task
    return _with_files(packed, files) if files else packed


def add_signature(model: Any, outputs: tuple[str, ...]) -> None:
    """State the input and the outputs under their names, in the order of the graph."""
    graph = model.subgraphs[0]
    places = [*graph.inputs, *graph.outputs]
    found, wanted = [graph.tensors[index].name.decode() for index in places], [INPUT, *outputs]
    if len(found) == 3 and places[1] == places[2]:  # values that are their own logits are one tensor
        found[1:] = outputs if found[1] in outputs else found[1:]
    if found != wanted:
        raise ExportError(
            f"the converter must keep the names and order of {', '.join(wanted)}. "
            f"Received: {found}. Report this: LiteRT's converter has changed."
        )
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE
    signature.inputs = [_tensor_map(wanted[0], places[0])]
    signature.outputs = [_tensor_map(*pair) for pair in zip(wanted[1:], places[1:], strict=True)]
    model.signatureDefs = [signature]


def _tensor_map(name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry


def _add_metadata(model: Any, metadata: bytes) -> None:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(metadata, dtype=np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = METADATA_NAME
    entry.buffer = len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]


def _with_files(data: bytes, files: Mapping[str, str]) -> bytes:
    """Texts as a zip archive behind the flatbuffer, which readers of either do not see of the other."""
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = 3  # Unix, whatever machine writes it
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return file.getvalue()
