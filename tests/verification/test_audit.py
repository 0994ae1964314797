"""The audit names operations that a plain runtime lacks, and none in a plain file."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tfxfer.errors import VerificationError
from tfxfer.verification.audit import ops_outside_builtins


@pytest.mark.parametrize(
    ("format", "name"),
    [("litert", "litert/float32.tflite"), ("onnx", "onnx/float32.onnx"), ("saved_model", "saved_model")],
)
def test_plain_files_need_nothing(original: Path, format: str, name: str) -> None:
    assert ops_outside_builtins(format, original / name) == ()


def test_flex_operations_are_named(tmp_path: Path) -> None:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 4, 4, 3), tf.float32)])
    def draw(image: tf.Tensor) -> tf.Tensor:
        return image + tf.random.stateless_gamma((1, 4, 4, 3), (1, 2), 1.0)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([draw.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    (tmp_path / "flex.tflite").write_bytes(converter.convert())
    names = ops_outside_builtins("litert", tmp_path / "flex.tflite")
    assert names
    assert all(name.startswith("Flex") for name in names)


def test_onnx_domains_inside_a_branch_and_a_function(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    inner = helper.make_graph(
        [helper.make_node("FusedGelu", ["x"], ["y"], domain="com.microsoft")], "b", [], [value]
    )
    plain = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "p", [], [value])
    nodes = [
        helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=plain),
        helper.make_node("Mine", ["z"], ["out"], domain="local"),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
    ]
    graph = helper.make_graph(
        nodes, "g", inputs, [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])]
    )
    onnx.save(helper.make_model(graph), str(tmp_path / "m.onnx"))
    assert ops_outside_builtins("onnx", tmp_path / "m.onnx") == ("com.microsoft::FusedGelu", "local::Mine")


@pytest.mark.parametrize("format", ["litert", "onnx"])
@pytest.mark.parametrize("data", [b"", b"\xff" * 50])
def test_files_of_another_kind(tmp_path: Path, format: str, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(VerificationError, match="must be a"):
        ops_outside_builtins(format, tmp_path / "file")
