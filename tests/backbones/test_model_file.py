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
@pytest.mark.parametrize("name", ["vww_96.h5", "str_ww_ref_model.h5"])
def test_a_keras_2_file_that_keras_3_cannot_read_is_answered(assets: Path, name: str) -> None:
    with pytest.raises(NetworkError, match="Build the model in code"):
        load_model_file(assets / "keras_models/mlperf_tiny" / name)


@pytest.mark.real
def test_a_keras_2_file_that_keras_3_reads(assets: Path) -> None:
    model = load_model_file(assets / "keras_models/mlperf_tiny/pretrainedResnet.h5")
    assert model.input_shape == (None, 32, 32, 3)


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
