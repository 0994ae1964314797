"""A checkpoint that fits in part: whole layers are loaded, the rest is reported, and nothing is silent."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.backbones.models import randomise, residual_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.partial_weights import load_partial_weights
from tfxfer.errors import ConfigError, WeightsError


@pytest.mark.parametrize("name", ["m.weights.h5", "m.keras", "m.h5"])
def test_layers_that_fit_are_loaded_and_the_others_named(name: str, tmp_path: Path) -> None:
    donor = residual_model(classes=5)
    randomise(donor)
    if name == "m.weights.h5":
        donor.save_weights(tmp_path / name)
    else:
        donor.save(tmp_path / name)
    model = residual_model(classes=3)
    before = np.asarray(model.get_layer("answer").kernel)
    found = load_partial_weights(model, tmp_path / name)
    assert found.left == ("answer",)
    assert found.unused == ("answer",)
    assert "10 layers loaded, 1 left random (answer)" in str(found)
    for layer in ("stem_conv", "first_a_bn", "second_b_conv"):
        for mine, theirs in zip(model.get_layer(layer).weights, donor.get_layer(layer).weights, strict=True):
            assert np.array_equal(np.asarray(mine), np.asarray(theirs))
    assert np.array_equal(np.asarray(model.get_layer("answer").kernel), before)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="other")]).save_weights(
        tmp_path / "m.weights.h5"
    )
    with pytest.raises(WeightsError, match="some layers of the network"):
        load_partial_weights(residual_model(), tmp_path / "m.weights.h5")


@pytest.mark.slow
def test_it_must_be_asked_for_and_needs_a_file(tmp_path: Path) -> None:
    whole = keras.applications.MobileNet(alpha=0.25, weights=None, classes=7, input_shape=(32, 32, 3))
    whole.save_weights(tmp_path / "m.weights.h5")
    options = {"alpha": 0.25}
    file = str(tmp_path / "m.weights.h5")
    with pytest.raises(WeightsError):
        load_backbone("keras/MobileNet", weights=file, options=options, image_size=32)
    backbone = load_backbone(
        "keras/MobileNet", weights=file, options=options, image_size=32, partial_weights=True
    )
    assert "0 left random, 1 of the file not used (conv_preds)" in backbone.source
    with pytest.raises(ConfigError, match="needs a keras/ backbone and a weights file"):
        load_backbone("keras/MobileNet", weights="none", partial_weights=True)
