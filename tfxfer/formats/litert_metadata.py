"""TFLite Metadata: what task libraries (MediaPipe, Android's) read about a file's input and outputs.

Tables and field numbers are those of metadata_schema.fbs 1.1.0 in tensorflow/tflite-support.
"""

from __future__ import annotations

import flatbuffers
from flatbuffers import number_types

from tfxfer.catalogue.tasks import LOGITS
from tfxfer.formats.trace import Traced
from tfxfer.runtimes.runtime import INPUT, LABELS_FILE

METADATA_NAME = "TFLITE_METADATA"  # of the model's metadata entry that readers look for
FILE_IDENTIFIER = b"M001"
IMAGE_PROPERTIES = 2  # in the union ContentProperties
COLOUR_SPACES = {3: 1, 1: 2}  # RGB and GRAYSCALE in ColorSpaceType, by channels; 0 is UNKNOWN
TENSOR_AXIS_LABELS = 2  # in AssociatedFileType

Fields = dict[int, int]  # offset of a child by the number of its field


def model_metadata(traced: Traced) -> bytes:
    """One image in, probabilities with their labels and logits out, as a ModelMetadata flatbuffer."""
    builder = flatbuffers.Builder(1024)
    inputs = _vector(builder, [_image(builder, traced.input_shape[-1])])
    outputs = _vector(builder, [_scores(builder, traced), _tensor(builder, LOGITS, {})])
    graph = _table(builder, {2: inputs, 3: outputs})
    fields = {0: builder.CreateString("tfxfer"), 3: _vector(builder, [graph])}
    root = _table(builder, fields | {7: builder.CreateString("1.0.0")})  # min_parser_version
    builder.Finish(root, FILE_IDENTIFIER)
    return bytes(builder.Output())


def _image(builder: flatbuffers.Builder, channels: int) -> int:
    builder.StartObject(2)
    builder.PrependInt8Slot(0, COLOUR_SPACES.get(channels, 0), 0)
    properties = builder.EndObject()
    builder.StartObject(3)
    builder.PrependUint8Slot(0, IMAGE_PROPERTIES, 0)
    builder.PrependUOffsetTRelativeSlot(1, properties, 0)
    return _tensor(builder, INPUT, {3: builder.EndObject()})


def _scores(builder: flatbuffers.Builder, traced: Traced) -> int:
    first = traced.outputs[0]
    if traced.labels is None:
        return _tensor(builder, first, {})
    name = builder.CreateString(LABELS_FILE)
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependInt8Slot(2, TENSOR_AXIS_LABELS, 0)
    return _tensor(builder, first, {6: _vector(builder, [builder.EndObject()])})


def _tensor(builder: flatbuffers.Builder, name: str, fields: Fields) -> int:
    return _table(builder, {0: builder.CreateString(name)} | fields)


def _table(builder: flatbuffers.Builder, fields: Fields) -> int:
    builder.StartObject(max(fields) + 1)
    for number, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(number, offset, 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    size = number_types.UOffsetTFlags.bytewidth
    builder.StartVector(size, len(offsets), size)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
