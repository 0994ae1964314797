"""A .tflite file as objects that can be edited, and back."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

# TensorFlow's own copy of the schema: ai-edge-litert's loads the interpreter with it.
from tensorflow.lite.python import schema_py_generated as schema

FILE_IDENTIFIER = b"TFL3"
ALIGNMENT = 16  # bytes; kernels load weights in vectors of this size, and the schema demands it of buffers


def read_flatbuffer(data: bytes) -> Any:
    """The model in a .tflite file, with every buffer inside it.

    litert-quantizer writes buffers behind the flatbuffer and points at them, as models over 2 GB need.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1 mean "inside"
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack_flatbuffer(model: Any) -> bytes:
    """The file of a model; the model is not to be used afterwards."""
    size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    builder = flatbuffers.Builder(size + (size >> 4) + (1 << 16))
    model.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers]
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuffer:
    """Packs like the schema's buffer, whose Python writer forgets the alignment that the schema demands."""

    def __init__(self, buffer: Any) -> None:
        self._data = buffer.data

    def Pack(self, builder: Any) -> int:
        data = None if self._data is None else _aligned_vector(builder, self._data.tobytes())
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def _aligned_vector(builder: Any, data: bytes) -> int:
    builder.StartVector(1, len(data), ALIGNMENT)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return builder.EndVector()
