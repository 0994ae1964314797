"""A user's SavedModel, traced like a model of our own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.formats.models import LABELS, SIZE, classifier, images
from tfxfer.catalogue.pixels import SIGNED_UNIT
from tfxfer.errors import ExportError, UsageError
from tfxfer.formats.own_saved_model import OwnSavedModel, open_own_saved_model
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime


def exported(model: keras.Model, folder: Path) -> OwnSavedModel:
    model.export(folder / "mine", verbose=False)
    return open_own_saved_model(folder / "mine")


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_its_files_say_what_it_says(activation: str | None, tmp_path: Path) -> None:
    """Grouped convolutions, which Keras leaves to XLA, and the logits before its softmax."""
    own, batch = exported(classifier(activation=activation, dtype="float32"), tmp_path), images(6)
    floats = batch.astype(np.float32)
    traced = trace(own, labels=LABELS)
    assert (traced.input_shape, traced.input_dtype, traced.classes) == ((*SIZE, 3), np.float32, 3)
    for format in ("saved_model", "litert", "onnx"):
        artifact = write_artifact(format, traced, tmp_path / format)
        found = open_runtime(format, artifact.path).predict(floats)
        said = found.logits if activation is None else found.probabilities
        np.testing.assert_allclose(said, own(floats), atol=2e-5)
        assert np.ptp(found.logits) > 0.1


def test_pixels_are_put_in_front_of_it(tmp_path: Path) -> None:
    image = keras.Input((*SIZE, 3))
    model = keras.Model(image, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(image)))
    model.export(tmp_path / "mine", verbose=False)
    own, batch = open_own_saved_model(tmp_path / "mine", SIGNED_UNIT), images(3)
    expected = np.asarray(model(batch.astype(np.float32) / 127.5 - 1))
    np.testing.assert_allclose(own(batch), expected, atol=1e-5)
    traced = trace(own, input_dtype="uint8")
    np.testing.assert_allclose(traced.function(batch)["logits"], expected, atol=1e-5)


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = exported(classifier(dtype="float32"), tmp_path)
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(ExportError, match=r"computes in half precision\. Give the \.keras file"):
        trace(half)
    plain = exported(classifier(dtype="float32"), tmp_path / "plain")
    with pytest.raises(ExportError, match=r"made of Keras layers\. Received: a SavedModel"):
        write_artifact("keras", trace(plain), tmp_path / "mine.keras")
    module = tf.Module()
    both = {"a": tf.TensorSpec((None, *SIZE, 3), name="a"), "b": tf.TensorSpec((None, 2), name="b")}
    function = tf.function(lambda a, b: {"c": tf.reduce_mean(a) + b})
    tf.saved_model.save(module, str(tmp_path / "two"), signatures=function.get_concrete_function(**both))
    with pytest.raises(UsageError, match=r"one input and one output.*inputs \['a', 'b'\]"):
        open_own_saved_model(tmp_path / "two")


@pytest.mark.real
@pytest.mark.parametrize("name", ["teachable_machine_image_tf1style", "mlperf_tiny_kws_ref_model"])
def test_trained_saved_models_of_other_makers(name: str, assets: Path, tmp_path: Path) -> None:
    """One of TensorFlow 1; and one of Keras 2 that takes (49, 10, 1) floats."""
    own = open_own_saved_model(assets / "saved_models" / name)
    batch = np.random.default_rng(0).uniform(-1, 1, (4, *own.shape)).astype(np.float32)
    traced = trace(own)
    for format, precision in (("litert", "float32"), ("onnx", "float32"), ("litert", "weight_only_int8")):
        artifact = write_artifact(format, traced, tmp_path / f"{format}-{precision}", precision=precision)
        found = open_runtime(format, artifact.path).predict(batch).probabilities
        np.testing.assert_allclose(found, own(batch), atol=2e-5 if precision == "float32" else 0.1)
