"""Quantised LiteRT files of a small network, run for real."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from tests.formats.models import LABELS, SIZE, classifier, images
from tfxfer.catalogue.tasks import output_names
from tfxfer.catalogue.write_options import WriteOptions
from tfxfer.errors import ExportError, UsageError
from tfxfer.formats.litert_entry import integer_entry
from tfxfer.formats.litert_flatbuffer import read_flatbuffer
from tfxfer.formats.litert_recipes import PRECISIONS
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime

OUTPUTS = output_names("classification")
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
import keras
from tests.formats.models import images
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
traced = trace(keras.models.load_model(sys.argv[1]))
to = Path(sys.argv[2])
print(write_artifact("litert", traced, to, precision="int8", calibration=images(20)).sha256)
"""


def plain_network(*, dead: bool = False) -> keras.Model:
    """uint8 pictures through [-1, 1] to 3 scores; with `dead`, a channel without weights but with a bias."""
    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3), dtype="uint8", name="image")
    maps = keras.layers.Rescaling(1 / 127.5, -1.0)(image)
    first = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")
    maps = keras.layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(first(maps))
    scores = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(maps))
    model = keras.Model(image, scores)
    if dead:
        kernel, bias = (weight.numpy() for weight in first.weights)
        kernel[..., 0], bias[0] = 0.0, 2.0
        first.set_weights([kernel, bias])
    return model


def errors(traced: Traced, path: Path) -> tuple[float, float]:
    """Mean and largest difference of the logits, as shares of the largest."""
    batch = images(20, seed=7)
    expected = traced.function(batch)["logits"].numpy()
    apart = np.abs(open_runtime("litert", path).predict(batch).logits - expected) / np.abs(expected).max()
    return float(apart.mean()), float(apart.max())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_keeps_input_outputs_labels_and_answers(
    precision: str, traced: Traced, tmp_path: Path
) -> None:
    path = tmp_path / "model.tflite"
    write_artifact("litert", traced, path, precision=precision, calibration=images(20))
    runtime = open_runtime("litert", path)
    assert (runtime.labels, runtime.input_shape, runtime.input_dtype) == (LABELS, (*SIZE, 3), np.uint8)
    outputs = runtime.predict(images(3))
    steps = 3 / 512 if precision == "int8" else 1e-5  # of three bytes, each half a step off
    np.testing.assert_allclose(outputs.probabilities.sum(axis=1), 1.0, atol=steps)
    model = read_flatbuffer(path.read_bytes())
    graph = model.subgraphs[0]
    assert [graph.tensors[index].name for index in graph.outputs] == [b"probabilities", b"logits"]
    assert errors(traced, path)[0] < (0.25 if precision.endswith("int4") else 0.1)


@pytest.mark.parametrize("dead", [False, True])
def test_pictures_enter_the_first_convolution_as_integers(dead: bool, tmp_path: Path) -> None:
    traced, path = trace(plain_network(dead=dead)), tmp_path / "model.tflite"
    write_artifact("litert", traced, path, precision="int8", calibration=images(20))
    model = read_flatbuffer(path.read_bytes())
    graph = model.subgraphs[0]
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
    assert codes[:2] == [schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.CONV_2D]
    floats = [tensor.name for tensor in graph.tensors if tensor.type == schema.TensorType.FLOAT32]
    assert floats == []
    assert errors(traced, path)[0] < 0.03


def test_a_network_that_takes_floats_keeps_them() -> None:
    assert integer_entry(trace(classifier(dtype="float32")).frozen, OUTPUTS) is None


def test_zero_is_a_pixel() -> None:
    entry = integer_entry(trace(plain_network()).frozen, OUTPUTS)
    assert entry is not None
    assert (entry.zero_point, round(1 / entry.scale, 3)) == (128, 127.5)
    assert entry.values(np.array([128], np.uint8)) == 0


@pytest.mark.parametrize("calibration", [None, images(1)[:0]])
def test_int8_is_refused_without_images(
    calibration: np.ndarray | None, traced: Traced, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"needs training images.*Received: none"):
        write_artifact("litert", traced, tmp_path / "a.tflite", precision="int8", calibration=calibration)
    assert not list(tmp_path.iterdir())


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    plain_network().save(tmp_path / "model.keras")
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "model.keras"), str(tmp_path / f"{seed}.tflite")],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        found.add(done.stdout.splitlines()[-1])
    assert len(found) == 1


def test_a_sigmoid_reads_integers_though_its_logits_go_out_as_floats(tmp_path: Path) -> None:
    """litert-quantizer 0.11 leaves it behind the float copy, and XNNPACK refuses the file."""
    model, path = plain_network(), tmp_path / "model.tflite"
    traced = trace(keras.Model(model.input, keras.ops.sigmoid(model.output)), task="multi_label")
    write_artifact("litert", traced, path, precision="int8", calibration=images(20))
    outputs = open_runtime("litert", path).predict(images(4))
    assert np.abs(outputs.probabilities - 1 / (1 + np.exp(-outputs.logits))).max() <= 1 / 128


@pytest.mark.parametrize(("taken", "given"), [("uint8", "int8"), ("int8", "uint8"), ("int8", "int8")])
def test_integers_at_both_ends(taken: str, given: str, tmp_path: Path) -> None:
    """No float tensor is left, and the runtime takes the same pictures and gives floats all the same."""
    traced, path = trace(plain_network()), tmp_path / "model.tflite"
    options = WriteOptions(input_dtype=taken, output_dtype=given)  # type: ignore[arg-type]
    write_artifact("litert", traced, path, precision="int8", calibration=images(20), options=options)
    graph = read_flatbuffer(path.read_bytes()).subgraphs[0]
    kinds = [graph.tensors[index].type for index in (*graph.inputs, *graph.outputs)]
    names = {"uint8": schema.TensorType.UINT8, "int8": schema.TensorType.INT8}
    assert kinds == [names[taken], names[given], names[given]]
    assert schema.TensorType.FLOAT32 not in {tensor.type for tensor in graph.tensors}
    assert open_runtime("litert", path).input_dtype == np.uint8
    assert errors(traced, path)[0] < 0.05


def test_answers_that_a_rule_or_a_unit_reads_stay_floats(tmp_path: Path) -> None:
    """Bytes know 256 probabilities: enough to find the largest, and too few for thresholds and values."""
    model = plain_network()
    read = {
        "a rule": replace(trace(model), decided=True),
        "labels": trace(model, task="multi_label"),
        "values": trace(model, task="regression"),
    }
    for number, traced in enumerate(read.values()):
        path = tmp_path / f"{number}.tflite"
        write_artifact("litert", traced, path, precision="int8", calibration=images(20))
        graph = read_flatbuffer(path.read_bytes()).subgraphs[0]
        assert {graph.tensors[index].type for index in graph.outputs} == {schema.TensorType.FLOAT32}


def test_integer_ends_are_for_full_int8(tmp_path: Path) -> None:
    options = WriteOptions(output_dtype="int8")
    with pytest.raises(ExportError, match=r"are for int8.*Received: float16 with uint8 and int8"):
        write_artifact("litert", trace(plain_network()), tmp_path / "a", precision="float16", options=options)


def test_one_scale_for_all_weights_or_one_for_each_channel(tmp_path: Path) -> None:
    traced, counts = trace(plain_network()), {}
    for granularity in ("channel", "tensor"):
        path = tmp_path / f"{granularity}.tflite"
        options = WriteOptions(granularity=granularity)  # type: ignore[arg-type]
        write_artifact("litert", traced, path, precision="int8", calibration=images(20), options=options)
        graph = read_flatbuffer(path.read_bytes()).subgraphs[0]
        counts[granularity] = max(
            len(tensor.quantization.scale)
            for tensor in graph.tensors
            if tensor.quantization is not None and tensor.quantization.scale is not None
        )
    assert counts == {"channel": 16, "tensor": 1}


def test_hard_swish_becomes_what_xnnpack_takes_in_integers(tmp_path: Path) -> None:
    model = plain_network()
    features = keras.layers.Activation("hard_swish")(model.layers[-2].output)
    swish = keras.Model(model.input, keras.layers.Dense(3)(features))
    traced, codes = trace(swish), {}
    for precision in ("float32", "int8"):
        path = tmp_path / f"{precision}.tflite"
        write_artifact("litert", traced, path, precision=precision, calibration=images(20))
        found = read_flatbuffer(path.read_bytes())
        codes[precision] = {
            found.operatorCodes[one.opcodeIndex].builtinCode for one in found.subgraphs[0].operators
        }
    assert schema.BuiltinOperator.HARD_SWISH in codes["float32"]
    assert schema.BuiltinOperator.HARD_SWISH not in codes["int8"]
    assert errors(traced, tmp_path / "int8.tflite")[0] < 0.05
