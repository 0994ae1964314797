"""What only training needs reaches no file: a network is trained with it, and exported to every format."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxfer
from tests.backbones.modules import SIDE, save_tiny
from tests.formats.models import LABELS, SIZE, images
from tfxfer.catalogue.formats import FORMATS
from tfxfer.errors import ExportError
from tfxfer.formats.trace import Traced, trace
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import open_runtime
from tfxfer.verification.audit import ops_outside_builtins

TARGETS = np.arange(24) % 3


def trained(*, dtype: str = "float32", augmented: bool = False, averaged: bool = False) -> keras.Model:
    """A small network after a few steps of Keras's own training."""
    keras.utils.set_random_seed(0)
    x = image = keras.Input((*SIZE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, -1.0, dtype=dtype)(x)
    if augmented:
        for layer in (
            keras.layers.RandomFlip(),
            keras.layers.RandomRotation(0.2),
            keras.layers.RandomZoom(0.3),
        ):
            x = layer(x)
        x = keras.layers.GaussianNoise(0.5)(keras.layers.RandomContrast(0.5)(x))
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False, dtype=dtype)(x)
    x = keras.layers.ReLU(dtype=dtype)(keras.layers.BatchNormalization(momentum=0.5, dtype=dtype)(x))
    x = keras.layers.Dropout(0.3, dtype=dtype)(keras.layers.GlobalAveragePooling2D(dtype=dtype)(x))
    model = keras.Model(image, keras.layers.Dense(3, dtype="float32")(x))
    optimizer = keras.optimizers.Adam(0.05, use_ema=averaged, ema_momentum=0.8)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = model.layers[-1].kernel.numpy()
    model.fit(
        images(24), TARGETS, epochs=6, verbose=0
    )  # ends by putting the averages in place, if there are any
    assert np.abs(model.layers[-1].kernel.numpy() - before).max() > 0.01
    return model


AIDS = {
    "mixed_float16": lambda: trained(dtype="mixed_float16"),
    "augmentation": lambda: trained(augmented=True),
    "averages": lambda: trained(averaged=True),
}


@pytest.fixture(scope="module", params=AIDS)
def aided(request: pytest.FixtureRequest) -> tuple[keras.Model, Traced]:
    model = AIDS[request.param]()
    return model, trace(model, labels=LABELS)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_says_what_the_network_says(
    format: str, aided: tuple[keras.Model, Traced], tmp_path: Path
) -> None:
    model, traced = aided
    path, batch = tmp_path / f"model{FORMATS[format].suffix}", images(6, seed=9)
    write_artifact(format, traced, path)
    found = open_runtime(format, path).predict(batch).logits
    rebuilt, own = traced.function(batch)["logits"].numpy(), np.asarray(model(batch, training=False))
    unit = np.abs(own).max()
    np.testing.assert_allclose(found / unit, rebuilt / unit, atol=1e-4)
    half = any(layer.compute_dtype != "float32" for layer in model.layers)
    np.testing.assert_allclose(found / unit, own / unit, atol=3e-2 if half else 1e-5)
    assert ops_outside_builtins(format, path) == ()
    kept = b"".join(
        file.read_bytes() for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()
    )
    assert not [word for word in (b"RandomUniform", b"random_flip", b"StatelessRandom") if word in kept]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Traced]:
    """A network around a SavedModel, all of whose kernels have learnt."""
    folder = save_tiny(tmp_path_factory.mktemp("hub") / "module")
    network = tfxfer.attach_head(tfxfer.load_backbone(f"hub/{folder}", pixels="[-1,1]"), labels=LABELS)
    kernels = [weight for weight in network.model.weights if len(weight.shape) == 4]
    before = [kernel.numpy().copy() for kernel in kernels]
    pictures = np.random.default_rng(0).integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
    data = tf.data.Dataset.from_tensor_slices((pictures, TARGETS)).batch(8)
    phase = tfxfer.Phase("all", epochs=1, unfreeze="all", learning_rate=0.01, keep="last")
    tfxfer.fit(network, data, data, phase)
    moved = [np.abs(now.numpy() - then).max() for now, then in zip(kernels, before, strict=True)]
    assert len(moved) == 4
    assert min(moved) > 0
    return network.model, trace(network)


@pytest.mark.parametrize("format", FORMATS)
def test_a_hub_layer_is_in_every_file_but_keras_own(
    format: str, hub: tuple[keras.Model, Traced], tmp_path: Path
) -> None:
    model, traced = hub
    path = tmp_path / f"model{FORMATS[format].suffix}"
    if format == "keras":
        with pytest.raises(ExportError, match="Keras's own layers"):
            write_artifact(format, traced, path)
        return
    write_artifact(format, traced, path)
    batch = np.random.default_rng(1).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)
    own = np.asarray(model(batch, training=False))
    np.testing.assert_allclose(
        open_runtime(format, path).predict(batch).logits, own, atol=1e-5 * np.abs(own).max()
    )
