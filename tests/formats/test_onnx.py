from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

from tests.formats.models import SIZE
from tfxfer.catalogue.write_options import DEFAULT_OPSET
from tfxfer.errors import ExportError
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime


@pytest.fixture
def model(artifacts: dict[str, Path]) -> onnx.ModelProto:
    return onnx.load(artifacts["onnx"])


def test_names_types_and_the_open_batch(model: onnx.ModelProto) -> None:
    values = [*model.graph.input, *model.graph.output]
    assert [value.name for value in values] == ["image", "probabilities", "logits"]
    shapes = [
        [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values
    ]
    assert shapes == [["batch", *SIZE, 3], ["batch", 3], ["batch", 3]]
    kinds = [value.type.tensor_type.elem_type for value in values]
    assert kinds == [onnx.TensorProto.UINT8, onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT]
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", DEFAULT_OPSET)]


def test_it_passes_the_checker_with_every_shape_inferred(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def test_no_constant_is_unused(model: onnx.ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used


def test_one_transpose_at_the_edge_of_a_convolution_network(tmp_path: Path) -> None:
    network = keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 3), weights=None, include_top=False, pooling="avg", include_preprocessing=False
    )
    scores = keras.layers.Dense(2)(network.output)
    artifact = write_artifact("onnx", trace(keras.Model(network.input, scores)), tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx.load(artifact.path).graph.node]
    assert kinds.count("Transpose") == 1


@pytest.mark.parametrize("pooling", [keras.layers.MaxPooling2D, keras.layers.AveragePooling2D])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_zeros_around_a_map_are_zeros_to_the_pooling_after_them(
    pooling: type, activation: str | None, tmp_path: Path
) -> None:
    image = keras.Input((9, 9, 3), dtype="float32")
    maps = keras.layers.Conv2D(4, 3, activation=activation, bias_initializer="ones")(-image)
    maps = pooling(3, 2)(keras.layers.ZeroPadding2D(1)(maps))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps))
    artifact = write_artifact("onnx", trace(model), tmp_path / "model.onnx")
    batch = np.random.default_rng(0).normal(size=(4, 9, 9, 3)).astype(np.float32)
    found = open_runtime("onnx", artifact.path).predict(batch).logits
    np.testing.assert_allclose(found, np.asarray(model(batch)), atol=1e-5)
    kinds = [node.op_type for node in onnx.load(artifact.path).graph.node]
    assert ("Max" in kinds) == (pooling is keras.layers.MaxPooling2D and activation is None)


def test_a_failing_optimiser_is_an_error(
    traced: Traced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("this optimiser is broken")

    monkeypatch.setattr(TransposeOptimizer, "_optimize", fail)
    with pytest.raises(ExportError, match="this optimiser is broken"):
        write_artifact("onnx", traced, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_an_operation_that_onnx_lacks_is_named(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(2)(keras.layers.Flatten()(keras.ops.erfinv(image * 0.5)))
    with pytest.raises(ExportError, match=r"(?s)must be one that.*Erfinv"):
        write_artifact("onnx", trace(keras.Model(image, scores)), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
