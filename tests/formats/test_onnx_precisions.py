"""ONNX files in fewer bits: clean graphs, the same names, nearly the same answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest

from tests.formats.models import LABELS, SIZE, images
from tests.formats.test_litert_int8 import plain_network
from tfxfer.catalogue.write_options import DEFAULTS, OPSETS, WriteOptions
from tfxfer.errors import ExportError, UsageError
from tfxfer.formats.onnx_float16 import halve_weights
from tfxfer.formats.onnx_weights import quantise_weights
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import WRITERS, write_artifact
from tfxfer.runtimes import open_runtime

PRECISIONS = WRITERS["onnx"].precisions
LARGEST_ERROR = {
    "float32": 1e-5,
    "float16": 0.005,
    "int8": 0.06,
    "dynamic_int8": 0.04,
}  # mean, of the largest


def written(traced: Traced, to: Path, precision: str, options: WriteOptions = DEFAULTS) -> Path:
    return write_artifact(
        "onnx", traced, to, precision=precision, calibration=images(20), options=options
    ).path


def mean_error(traced: Traced, path: Path) -> float:
    """Mean difference of the logits, as a share of the largest."""
    batch = images(20, seed=7)
    expected = traced.function(batch)["logits"].numpy()
    return float(np.abs(open_runtime("onnx", path).predict(batch).logits - expected).mean()) / float(
        np.abs(expected).max()
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_is_a_clean_graph_that_answers_alike(
    precision: str, traced: Traced, tmp_path: Path
) -> None:
    path = written(traced, tmp_path / "model.onnx", precision)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    read = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read
    assert {node.domain for node in model.graph.node} == {""}
    runtime = open_runtime("onnx", path)
    assert (runtime.labels, runtime.input_shape, runtime.input_dtype) == (LABELS, (*SIZE, 3), np.uint8)
    assert mean_error(traced, path) < LARGEST_ERROR[precision]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_one_transpose_at_the_edge_of_a_convolution_network(precision: str, tmp_path: Path) -> None:
    path = written(trace(plain_network()), tmp_path / "model.onnx", precision)
    kinds = Counter(node.op_type for node in onnx.load(path).graph.node)
    assert kinds["Transpose"] == 1


def test_pictures_enter_the_first_convolution_as_the_bytes_they_are(tmp_path: Path) -> None:
    path = written(trace(plain_network()), tmp_path / "model.onnx", "int8")
    graph = onnx.load(path).graph
    readers = {name: node for node in graph.node for name in node.input}
    transpose = readers["image"]
    dequantise = readers[transpose.output[0]]
    assert [transpose.op_type, dequantise.op_type] == ["Transpose", "DequantizeLinear"]
    assert readers[dequantise.output[0]].op_type == "Conv"
    assert {node.op_type for node in graph.node} & {"Cast", "Mul", "Sub"} == set()


def test_convolutions_and_products_are_integers_behind_the_first(tmp_path: Path) -> None:
    path = written(trace(plain_network()), tmp_path / "model.onnx", "dynamic_int8")
    kinds = Counter(node.op_type for node in onnx.load(path).graph.node)
    assert (kinds["ConvInteger"], kinds["MatMulInteger"], kinds["Conv"]) == (1, 1, 1)


def test_weights_are_stored_in_two_bytes(traced: Traced, tmp_path: Path) -> None:
    half = onnx.load(written(traced, tmp_path / "half.onnx", "float16"))
    stored = [tensor for tensor in half.graph.initializer if np.prod(tensor.dims) >= 64]
    assert {tensor.data_type for tensor in stored} == {onnx.TensorProto.FLOAT16}


def test_a_weight_beyond_float16_is_refused() -> None:
    weights = onnx.numpy_helper.from_array(np.full(64, 1e6, np.float32), "dense")
    graph = onnx.helper.make_graph([], "tfxfer", [], [], [weights])
    with pytest.raises(ExportError, match=r"at most 65,504.*Received: 1e\+06 in 'dense'"):
        halve_weights(onnx.helper.make_model(graph))


@pytest.mark.parametrize("precision", ["int8", "dynamic_int8"])
def test_a_scale_for_each_channel_keeps_what_one_scale_loses(precision: str, tmp_path: Path) -> None:
    model = plain_network()
    kernel, bias = model.layers[-1].get_weights()
    kernel[..., 0] *= 1000
    model.layers[-1].set_weights([kernel, bias])
    traced, errors = trace(model), {}
    batch = images(20, seed=7)
    for granularity in ("channel", "tensor"):
        options = WriteOptions(granularity=granularity)
        path = written(traced, tmp_path / f"{granularity}.onnx", precision, options)
        apart = open_runtime("onnx", path).predict(batch).logits - traced.function(batch)["logits"].numpy()
        errors[granularity] = float(np.abs(apart[:, 1:]).mean())
    assert errors["channel"] < errors["tensor"] / 2


def test_weights_by_channel_are_at_most_half_a_step_off() -> None:
    value = np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32) * np.array(
        [[[1]], [[9]], [[0]], [[2]]]
    )
    found = quantise_weights(value, 0, "channel")
    back = found.integers * found.scale[:, None, None]
    assert (np.abs(back - value) <= found.scale[:, None, None] / 2 + 1e-6).all()
    assert found.scale.shape == (4,)


@pytest.mark.parametrize("opset", [OPSETS[0], OPSETS[-1]])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_opset_is_the_one_asked_for(opset: int, precision: str, tmp_path: Path) -> None:
    traced = trace(plain_network())
    path = written(traced, tmp_path / "model.onnx", precision, WriteOptions(opset=opset))
    assert [(entry.domain, entry.version) for entry in onnx.load(path).opset_import] == [("", opset)]
    assert mean_error(traced, path) < LARGEST_ERROR[precision]


def test_the_same_bytes_again(tmp_path: Path) -> None:
    traced = trace(plain_network())
    for precision in PRECISIONS:
        paths = [written(traced, tmp_path / f"{precision}{number}.onnx", precision) for number in (1, 2)]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_int8_is_refused_without_images(traced: Traced, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"needs training images.*Received: none"):
        write_artifact("onnx", traced, tmp_path / "a.onnx", precision="int8")


def test_grey_pictures_too_enter_int8_as_the_bytes_they_are(tmp_path: Path) -> None:
    image = keras.Input((*SIZE, 1), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    traced = trace(keras.Model(image, keras.layers.Dense(len(LABELS))(x)), labels=LABELS)
    batch = images(20)[..., :1]
    path = write_artifact("onnx", traced, tmp_path / "m.onnx", precision="int8", calibration=batch).path
    expected = traced.function(batch)["logits"].numpy()
    found = open_runtime("onnx", path).predict(batch).logits
    assert float(np.abs(found - expected).mean()) < LARGEST_ERROR["int8"] * float(np.abs(expected).max())
