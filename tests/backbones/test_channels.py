"""Backbones for pictures of one channel and of more than three: exact for equal channels, trained and exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfxfer
from tests.backbones.lively import Measured, measure_exports
from tests.backbones.models import images, randomise, residual_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import BackboneError, ConfigError
from tfxfer.network.save import load_network, save_network


@pytest.mark.parametrize("channels", [1, 6])
def test_equal_channels_give_what_three_gave(channels: int) -> None:
    model = residual_model()
    randomise(model)
    three = load_backbone(model, pixels="[-1,1]")
    other = load_backbone(model, pixels="[-1,1]", channels=channels)
    assert other.input.channels == channels  # type: ignore[union-attr]
    assert f"for {channels} channels" in other.source
    grey = images(2, 16)[..., :1].astype("float32") / 127.5 - 1
    expected = np.asarray(three.model(np.repeat(grey, 3, -1), training=False))
    found = np.asarray(other.model(np.repeat(grey, channels, -1), training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_kernels_are_repeated_in_turn() -> None:
    model = residual_model()
    randomise(model)
    kernel = np.asarray(model.get_layer("stem_conv").kernel)
    found = np.asarray(load_backbone(model, pixels="[0,1]", channels=5).model.get_layer("stem_conv").kernel)
    np.testing.assert_allclose(found, kernel[:, :, [0, 1, 2, 0, 1]] * 0.6, rtol=1e-6)


@pytest.mark.slow
def test_a_grey_backbone_learns_is_saved_and_exported(tmp_path: Path) -> None:
    model = residual_model()
    randomise(model)
    network = tfxfer.attach_head(
        tfxfer.load_backbone(model, pixels="[0,1]", channels=1), ["a", "b"], dropout=0.0
    )
    pixels, labels = images(8, 16)[..., :1], np.arange(8, dtype="int32") % 2
    data = tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(4)
    tfxfer.fit(network, data, data, tfxfer.Phase("all", epochs=1, unfreeze="all", learning_rate=1e-3))
    save_network(network, tmp_path / "network")
    again = load_network(tmp_path / "network")
    assert again.input == network.input
    found = list(measure_exports(again, pixels, tmp_path))
    assert all(isinstance(entry, Measured) and entry.relative_error < 1e-4 for entry in found), found


@pytest.mark.slow
def test_what_cannot_be_adapted_is_refused() -> None:
    with pytest.raises(ConfigError, match="one scale and one offset"):
        load_backbone("keras/VGG16", weights="none", image_size=32, channels=1)
    with pytest.raises(BackboneError, match="begins with a convolution"):
        load_backbone("keras/EfficientNetB0", weights="none", image_size=32, channels=1)
    with pytest.raises(ConfigError, match="1 to 64"):
        load_backbone(residual_model(), pixels="[0,1]", channels=0)
