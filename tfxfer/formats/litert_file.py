"""A converted .tflite file gets its signature, its metadata and its labels."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import flatbuffers
import numpy as np

from tfxfer.errors import ExportError
from tfxfer.formats.litert_metadata import METADATA_NAME, model_metadata
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.labels import labels_text
from tfxfer.runtimes.runtime import INPUT, LABELS_FILE, OUTPUTS, SIGNATURE

FILE_IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes; kernels load weights in vectors of this size, and the schema demands it of buffers
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can state


def finish_litert(data: bytes, traced: Traced) -> bytes:
    """The same network with a signature, metadata that names the labels of output 0, and labels.txt."""
    # TensorFlow's own copy of the schema: ai-edge-litert's loads the interpreter with it.
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    _add_signature(model, schema)
    _add_metadata(model, schema, model_metadata(traced))
    packed = _pack(model, schema, size_bytes=len(data))
    return packed if traced.labels is None else _with_labels(packed, traced.labels)


def _add_signature(model: Any, schema: Any) -> None:
    graph = model.subgraphs[0]
    names = {index: graph.tensors[index].name.decode() for index in (*graph.inputs, *graph.outputs)}
    if tuple(names.values()) != (INPUT, *OUTPUTS):
        raise ExportError(
            f"the converter must keep the names and order of {INPUT}, {', '.join(OUTPUTS)}. "
            f"Received: {tuple(names.values())}. Report this: LiteRT's converter has changed."
        )
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE
    signature.inputs = [_tensor_map(schema, names[index], index) for index in graph.inputs]
    signature.outputs = [_tensor_map(schema, names[index], index) for index in graph.outputs]
    model.signatureDefs = [signature]


def _tensor_map(schema: Any, name: str, index: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry


def _add_metadata(model: Any, schema: Any, metadata: bytes) -> None:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(metadata, dtype=np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = METADATA_NAME
    entry.buffer = len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]


def _pack(model: Any, schema: Any, *, size_bytes: int) -> bytes:
    builder = flatbuffers.Builder(size_bytes + (size_bytes >> 4) + (1 << 16))
    model.buffers = [_AlignedBuffer(buffer, schema) for buffer in model.buffers]
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuffer:
    """Packs like the schema's buffer, whose Python writer forgets the alignment that the schema demands."""

    def __init__(self, buffer: Any, schema: Any) -> None:
        self._data = buffer.data
        self._schema = schema

    def Pack(self, builder: Any) -> int:
        data = None if self._data is None else _aligned_vector(builder, self._data.tobytes())
        self._schema.BufferStart(builder)
        if data is not None:
            self._schema.BufferAddData(builder, data)
        return self._schema.BufferEnd(builder)


def _aligned_vector(builder: Any, data: bytes) -> int:
    builder.StartVector(1, len(data), ALIGNMENT)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return builder.EndVector(len(data))


def _with_labels(data: bytes, labels: tuple[str, ...]) -> bytes:
    """labels.txt as a zip archive behind the flatbuffer, which readers of either do not see of the other."""
    file = io.BytesIO(data)
    entry = zipfile.ZipInfo(LABELS_FILE, ZIP_EPOCH)
    entry.create_system = 3  # Unix, whatever machine writes it
    entry.external_attr = 0o644 << 16
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, labels_text(labels))
    return file.getvalue()
