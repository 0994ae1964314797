"""Keras's own LoRA in a user's model reaches no artifact: its update is in the kernels, its variables are nowhere."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.formats.models import SIZE, images
from tfxfer.catalogue.formats import FORMATS
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime

FILES = [(name, "float32") for name in FORMATS] + [("litert", "int8"), ("onnx", "int8")]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A network whose convolution and dense layer were trained through low-rank updates alone."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*SIZE, 3), dtype="uint8")
    convolution, dense = keras.layers.Conv2D(8, 3, strides=2), keras.layers.Dense(16, activation="relu")
    x = keras.layers.ReLU()(convolution(keras.layers.Rescaling(1 / 127.5, -1.0)(image)))
    x = dense(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, keras.layers.Dense(3)(x))
    convolution.enable_lora(2)
    dense.enable_lora(2)
    pictures = images(24)
    model.compile(keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(pictures, np.arange(24) % 3, epochs=4, verbose=0)
    assert np.abs(np.asarray(dense.lora_kernel_b)).max() > 0.01  # it starts at 0
    return model


@pytest.mark.parametrize(("format", "precision"), FILES)
def test_no_file_holds_a_low_rank_update(
    format: str, precision: str, model: keras.Model, tmp_path: Path
) -> None:
    path, batch = tmp_path / f"model{FORMATS[format].suffix}", images(5, seed=9)
    write_artifact(format, trace(model), path, precision=precision, calibration=images(20))
    found, expected = open_runtime(format, path).predict(batch).logits, np.asarray(model(batch))
    unit = np.abs(expected).max()
    np.testing.assert_allclose(found / unit, expected / unit, atol=1e-5 if precision == "float32" else 0.1)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    assert not [file for file in files if file.is_file() and b"lora" in file.read_bytes()]
