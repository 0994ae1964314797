"""Users' model files: read without running code; as backbones, without their heads."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from tests.backbones.models import images, nested_model, randomise
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.model_file import load_model_file
from tfxfer.errors import NetworkError
from tfxfer.network.network import attach_head


def test_a_keras_file_is_read_as_it_was(tmp_path: Path) -> None:
    model = nested_model()
    randomise(model)
    model.save(tmp_path / "m.keras")
    pixels = images(2, 16).astype("float32")
    assert np.array_equal(
        np.asarray(load_model_file(tmp_path / "m.keras")(pixels)), np.asarray(model(pixels))
    )


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_lambda_layers_are_refused_with_the_repair(name: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2, name="double")])
    model.save(tmp_path / name)
    with pytest.raises(NetworkError, match=r"Lambda 'double'\. Replace it by keras\.ops"):
        load_model_file(tmp_path / name)


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_file_that_holds_no_model_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(NetworkError, match="whole model"):
        load_model_file(tmp_path / name)
    with pytest.raises(NetworkError, match=r"\.keras or \.h5"):
        load_model_file(tmp_path / "missing.keras")


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    [
        "mlperf_tiny/pretrainedResnet.h5",
        pytest.param("mlperf_tiny/vww_96.h5", marks=pytest.mark.slow),
        "mlperf_tiny/str_ww_ref_model.h5",
        pytest.param("teachable_machine/waste_keras_model.h5", marks=pytest.mark.slow),
    ],
)
def test_a_keras_2_file_predicts_as_keras_2_does(assets: Path, name: str) -> None:
    import tf_keras

    file = assets / "keras_models" / name
    model = load_model_file(file)
    inputs = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
    expected = tf_keras.models.load_model(file, compile=False)(inputs, training=False)
    np.testing.assert_allclose(np.asarray(model(inputs, training=False)), np.asarray(expected), atol=1e-5)
    assert np.ptp(np.asarray(expected)) > 1e-3


def test_a_keras_file_as_backbone_loses_its_head(tmp_path: Path) -> None:
    model = nested_model()
    randomise(model)
    model.save(tmp_path / "m.keras")
    backbone = load_backbone(f"file/{tmp_path / 'm.keras'}", pixels="[0,255]")
    assert "new_head" in backbone.source
    assert backbone.model.output_shape == (None, 8, 8, 4)
    network = attach_head(backbone, ["a", "b", "c"])
    assert [block.name for block in network.blocks] == ["stem", "first", "second"]
    pixels = images(2, 16)
    prefix = keras.Model(model.input, model.get_layer("outer_pool").output)
    pooled = np.asarray(prefix(pixels.astype("float32"), training=False))
    logits = pooled @ network.model.get_layer("logits").get_weights()[0]
    np.testing.assert_allclose(network.predict(pixels).logits, logits, rtol=1e-4, atol=1e-4)
