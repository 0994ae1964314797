"""tfxfer.export on models that tfxfer did not make: what it writes, and what it refuses before writing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxfer
from tests.stages.own_model import CLASSES, SIZE, fitted, own_arrays, own_data, own_model
from tests.verification import tampering
from tfxfer.errors import DataError, EvaluationError, ExportError, GateError, TfxferError, UsageError
from tfxfer.runtimes.opening import open_runtime
from tfxfer.stages.export_model import ExportReport
from tfxfer.verification.verify import inspect_bundle

LABELS = ["low", "middle", "high"]
FORMATS = ["litert", "onnx", "saved_model"]


def contract_of(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / "contract.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return fitted(own_model())


@pytest.fixture(scope="module")
def exported(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    """A bundle of the user's own model in all formats; not to be changed."""
    to = tmp_path_factory.mktemp("exported") / "bundle"
    return tfxfer.export(model, to, FORMATS, test=own_data(48, 2), labels=LABELS)


@pytest.fixture
def bundle(exported: ExportReport, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(exported.path, tmp_path / "bundle"))


def test_a_model_keeps_its_own_input(model: keras.Model, exported: ExportReport) -> None:
    contract = contract_of(exported.path)
    spec = contract["input"]
    assert (spec["dtype"], spec["shape"]) == ("float32", [None, *SIZE, 1])
    assert (spec["range"], spec["resize"], spec["colour_order"]) == (None, None, None)
    assert contract["golden"]["pictures"] == []
    inputs = np.load(exported.path / "golden/inputs.npy")
    assert inputs.dtype == np.float32
    assert inputs.min() < 0
    wanted = model.predict_on_batch(inputs)
    np.testing.assert_allclose(np.load(exported.path / "golden/logits.npy"), wanted, atol=1e-4)


def test_every_artifact_is_proven(exported: ExportReport) -> None:
    assert exported.passed
    assert [entry["status"] for entry in exported.artifacts] == ["passed"] * 3
    assert all(entry["accuracy"] == exported.test["accuracy"] for entry in exported.artifacts)
    checks = {check.name: check.status for check in tfxfer.verify(exported.path).checks}
    assert checks.pop("golden pictures") == "skipped"
    assert set(checks.values()) == {"passed"}
    json.dumps(exported.as_dict(), allow_nan=False)


def test_pictures_cannot_be_put_into_it(exported: ExportReport, photos: Path) -> None:
    for part in (".", "litert/float32.tflite"):
        with pytest.raises(UsageError, match="takes inputs of its own"):
            tfxfer.predict(exported.path / part, photos)
    report = inspect_bundle(exported.path, str(photos))
    assert [check.name for check in report.failures] == ["data"]


def _damage_inputs(bundle: Path) -> None:
    path = bundle / "golden/inputs.npy"
    array = np.load(path)
    array[0] += 0.5
    np.save(path, array)


def _inputs_of_bytes(bundle: Path) -> None:
    path = bundle / "golden/inputs.npy"
    np.save(path, np.load(path).astype(np.uint8))


def _drop_inputs(bundle: Path) -> None:
    for name in ("inputs", "logits", "probabilities"):
        path = bundle / f"golden/{name}.npy"
        np.save(path, np.load(path)[:0])
    (bundle / "golden/expected.json").write_text("[]")


def _name_pictures(bundle: Path) -> None:
    path = bundle / "golden/expected.json"
    value = json.loads(path.read_text("utf-8"))
    value[0]["picture"] = "golden/000.png"
    path.write_text(json.dumps(value), encoding="utf-8")


def _claim_pictures(bundle: Path) -> None:
    value = tampering.read(bundle)
    value["input"].update(colour_order="RGB", range=[0, 255])
    tampering.write(bundle, value)


@pytest.mark.parametrize(
    "tamper", [_damage_inputs, _inputs_of_bytes, _drop_inputs, _name_pictures, _claim_pictures]
)
def test_tampering_is_found_with_hashes_recomputed(bundle: Path, tamper: Callable[[Path], None]) -> None:
    tamper(bundle)
    tampering.rehash(bundle)
    assert not inspect_bundle(bundle).passed


@pytest.mark.parametrize("artifact", ["litert/float32.tflite", "onnx/float32.onnx", "saved_model"])
def test_one_changed_weight_is_found(bundle: Path, artifact: str) -> None:
    kernel = tampering.first_convolution(bundle, artifact)
    tampering.change_one_weight(bundle, artifact, kernel.flat[np.abs(kernel).argmax()], 1.05)
    tampering.rehash_contract(bundle)
    assert [check.name for check in inspect_bundle(bundle).failures] == [artifact]


def test_a_softmax_at_the_end_gives_its_logits_too(tmp_path: Path) -> None:
    probabilities = fitted(own_model(softmax=True))
    tfxfer.export(probabilities, tmp_path / "bundle", ["onnx"], test=own_data(24, 2))
    inputs = np.load(tmp_path / "bundle/golden/inputs.npy")
    wanted = probabilities.predict_on_batch(inputs)
    np.testing.assert_allclose(np.load(tmp_path / "bundle/golden/probabilities.npy"), wanted, atol=1e-5)
    assert np.load(tmp_path / "bundle/golden/logits.npy").max() > 1
    assert contract_of(tmp_path / "bundle")["outputs"][0]["labels"] == ["0", "1", "2"]


def test_bytes_of_three_channels_are_pictures(tmp_path: Path) -> None:
    """uint8 was asked for, so the contract says what an app must do."""
    rgb = fitted(own_model(3), 3)
    images, targets = own_arrays(24, 2, 3)
    scaled = np.clip(np.round(images * 20 + 100), 0, 255)
    data = tf.data.Dataset.from_tensor_slices((scaled, targets)).batch(8)
    gates = {"min_accuracy": 0.0}
    tfxfer.export(rgb, tmp_path / "bundle", ["litert"], test=data, input_dtype="uint8", gates=gates)
    contract = contract_of(tmp_path / "bundle")
    assert contract["input"]["range"] == [0, 255]
    assert contract["input"]["resize"]["rule"] == "stretch"
    assert len(contract["golden"]["pictures"]) == 8
    assert {check.status for check in tfxfer.verify(tmp_path / "bundle").checks} == {"passed"}


def test_three_float_channels_are_not_taken_for_pictures(tmp_path: Path) -> None:
    data = own_data(24, 2, 3)
    tfxfer.export(fitted(own_model(3), 3), tmp_path / "bundle", ["litert"], test=data, resize="crop")
    spec = contract_of(tmp_path / "bundle")["input"]
    assert (spec["colour_order"], spec["range"], spec["resize"]["rule"]) == (None, None, "crop")
    assert tfxfer.verify(tmp_path / "bundle").passed


def endless() -> tf.data.Dataset:
    return own_data(8, 2).repeat()


def transposed() -> tf.data.Dataset:
    return own_data(8, 2).map(lambda x, y: (tf.transpose(x, (0, 2, 1, 3)), y))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"formats": ["pickle"]}, UsageError, "a format must be one of"),
        ({"formats": ["litert:int3"]}, UsageError, "Received: 'litert:int3'"),
        ({"formats": ["litert", "litert:float32"]}, UsageError, "each once"),
        ({"formats": "litert"}, UsageError, "must be a list"),
        ({"formats": []}, UsageError, "one file or more"),
        ({"test": []}, DataError, "no batch"),
        ({"test": endless}, DataError, "endless"),
        ({"test": transposed}, DataError, r"\(N, 16, 20, 1\).*Received: \(8, 20, 16, 1\)"),
        ({"input_dtype": "uint8"}, DataError, "whole numbers 0-255"),
        ({"input_dtype": "float64"}, ExportError, "uint8, float32"),
        ({"labels": ["a", "b"]}, ExportError, "2 labels for 3 classes"),
        ({"gates": {"max_accuracy_dorp": 0.1}}, TfxferError, "did you mean 'max_accuracy_drop'"),
    ],
)
def test_refusals_leave_nothing_behind(
    model: keras.Model, tmp_path: Path, change: dict[str, Any], error: type[TfxferError], words: str
) -> None:
    values = {"formats": ["litert"], "test": own_data(24, 2), **change}
    if callable(values["test"]):
        values["test"] = values["test"]()
    formats = values.pop("formats")
    with pytest.raises(error, match=words):
        tfxfer.export(model, tmp_path / "bundle", formats, **values)
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_are_neither_logits_nor_a_softmax_are_refused(tmp_path: Path) -> None:
    base = own_model()
    squashed = keras.layers.Lambda(lambda x: x)(keras.layers.Softmax()(base.output))
    shares = keras.Model(base.input, squashed / keras.ops.sum(squashed, axis=-1, keepdims=True))
    with pytest.raises(ExportError, match="End the model in logits or in a softmax"):
        tfxfer.export(shares, tmp_path / "bundle", ["litert"], test=own_data(24, 2))
    one = keras.Model(base.input, keras.layers.Dense(1, activation="sigmoid")(base.output))
    with pytest.raises(EvaluationError, match="two classes or more"):
        tfxfer.export(one, tmp_path / "bundle", ["litert"], test=own_data(24, 2))


@pytest.mark.parametrize("gates", [{"min_accuracy": 1.01}, {"max_size_bytes": 1}])
def test_a_failed_gate_keeps_the_file_as_rejected(
    model: keras.Model, tmp_path: Path, gates: dict[str, float]
) -> None:
    bundle = tmp_path / "bundle"
    with pytest.raises(GateError, match=f"litert:float32: {next(iter(gates))}"):
        tfxfer.export(model, bundle, ["litert"], test=own_data(24, 2), gates=gates)
    assert (bundle / "litert/float32.tflite.rejected").is_file()
    assert not (bundle / "litert/float32.tflite").exists()
    assert tfxfer.verify(bundle).passed
    assert contract_of(bundle)["tolerances"] == {}


def test_nothing_is_overwritten_unasked_and_only_a_bundle_is(model: keras.Model, tmp_path: Path) -> None:
    bundle, other = tmp_path / "bundle", tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    tfxfer.export(model, bundle, ["litert"], test=own_data(24, 2))
    with pytest.raises(UsageError, match="overwrite"):
        tfxfer.export(model, bundle, ["onnx"], test=own_data(24, 2))
    for taken in (other, other / "chapter.txt"):
        with pytest.raises(UsageError, match="only a bundle is overwritten"):
            tfxfer.export(model, taken, ["onnx"], test=own_data(24, 2), overwrite=True)
    assert (other / "chapter.txt").read_text() == "years of work"
    tfxfer.export(model, bundle, ["onnx"], test=own_data(24, 2), overwrite=True)
    assert not (bundle / "litert").exists()
    assert tfxfer.verify(bundle).passed


def test_any_iterable_of_arrays_is_test_data(model: keras.Model, tmp_path: Path) -> None:
    images, targets = own_arrays(30, 2)
    weights = np.linspace(0.5, 1.5, 30)
    batches = (
        (images[i : i + 7], np.eye(CLASSES)[targets[i : i + 7]], weights[i : i + 7]) for i in range(0, 30, 7)
    )
    report = tfxfer.export(model, tmp_path / "bundle", ["litert"], test=batches)
    assert report.test["n"] == 30


def test_int8_keeps_a_models_own_float_input(model: keras.Model, tmp_path: Path) -> None:
    given = {"calibration": own_data(48, 1), "test": own_data(48, 2)}
    report = tfxfer.export(model, tmp_path / "bundle", ["litert:int8", "litert:int16x8"], **given)
    for entry in report.artifacts:
        runtime = open_runtime("litert", tmp_path / "bundle" / entry["path"])
        assert runtime.input_dtype == np.float32
        assert entry["top1_agreement"] >= 0.95
    assert tfxfer.verify(tmp_path / "bundle").passed
