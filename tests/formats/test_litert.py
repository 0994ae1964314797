from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tests.formats.models import LABELS, SIZE
from tfxfer.errors import ExportError
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact


@pytest.fixture
def model(artifacts: dict[str, Path]) -> schema.ModelT:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(artifacts["litert"].read_bytes(), 0))


def test_outputs_are_probabilities_then_logits_in_graph_and_signature(model: schema.ModelT) -> None:
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    assert [graph.tensors[index].name for index in graph.outputs] == [b"probabilities", b"logits"]
    assert [graph.tensors[index].name for index in graph.inputs] == [b"image"]
    assert signature.signatureKey == b"serving_default"
    assert [(entry.name, entry.tensorIndex) for entry in signature.outputs] == [
        (b"probabilities", graph.outputs[0]),
        (b"logits", graph.outputs[1]),
    ]


def test_one_image_at_a_time_in_one_piece(artifacts: dict[str, Path]) -> None:
    interpreter = Interpreter(str(artifacts["litert"]))
    interpreter.allocate_tensors()
    assert interpreter.get_input_details()[0]["shape"].tolist() == [1, *SIZE, 3]
    kinds = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert kinds.count("DELEGATE") == 1


def test_only_builtin_operations(model: schema.ModelT) -> None:
    assert not [code for code in model.operatorCodes if code.customCode]


def test_weights_are_aligned(artifacts: dict[str, Path]) -> None:
    root = schema.Model.GetRootAsModel(artifacts["litert"].read_bytes(), 0)
    buffers = [root.Buffers(index) for index in range(root.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert starts
    assert all(start % 16 == 0 for start in starts)


def test_labels_are_packed_without_a_time(artifacts: dict[str, Path], model: schema.ModelT) -> None:
    with zipfile.ZipFile(artifacts["litert"]) as archive:
        (entry,) = archive.infolist()
        assert archive.read("labels.txt").decode() == "".join(f"{label}\n" for label in LABELS)
    assert (entry.filename, entry.date_time, entry.compress_type) == (
        "labels.txt",
        (1980, 1, 1, 0, 0, 0),
        zipfile.ZIP_STORED,
    )
    metadata = {entry.name: model.buffers[entry.buffer].data.tobytes() for entry in model.metadata}
    text = metadata[b"TFLITE_METADATA"]
    assert text[4:8] == b"M001"
    assert text.count(b"labels.txt") == 1


def test_an_operation_that_litert_lacks_is_named(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(2)(keras.layers.Flatten()(keras.ops.erfinv(image * 0.5)))
    with pytest.raises(ExportError, match=r"(?s)built-in.*Received: .*Erfinv"):
        write_artifact("litert", trace(keras.Model(image, scores)), tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())
