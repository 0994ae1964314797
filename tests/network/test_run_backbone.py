"""run/DIR: what a finished run has learnt is the next one's backbone."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import tfxfer
from tests.backbones.models import images
from tfxfer.errors import ConfigError, NetworkError
from tfxfer.network.network import Network
from tfxfer.network.save import require_saveable, save_network


@pytest.fixture
def first(tmp_path: Path) -> Network:
    network = tfxfer.attach_head(tfxfer.load_backbone("embedded/small", weights="none"), ["a", "b", "c"])
    save_network(network, tmp_path / "first/network")
    return network


def test_a_run_gives_its_features_under_a_new_head(first: Network, tmp_path: Path) -> None:
    backbone = tfxfer.load_backbone(f"run/{tmp_path / 'first'}")
    assert backbone.input == first.input
    assert backbone.parameters == first.backbone.parameters
    assert "embedded/small" in backbone.source
    network = tfxfer.attach_head(backbone, ["x", "y"])
    assert [block.name for block in network.blocks] == [block.name for block in first.blocks]
    pixels = images(3, 32)
    for one, other in ((network, first),):
        kernel = other.model.get_layer("logits").get_weights()[0][:, :2]
        one.model.get_layer("logits").kernel.assign(kernel)
    np.testing.assert_allclose(
        network.predict(pixels).logits, first.predict(pixels).logits[:, :2], rtol=1e-4, atol=1e-5
    )


def test_what_a_run_brings_itself_is_not_taken(first: Network, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="brings its own pixels"):
        tfxfer.load_backbone(f"run/{tmp_path / 'first'}", pixels="[0,1]")
    with pytest.raises(ConfigError, match=r"\(32, 32\) only"):
        tfxfer.load_backbone(f"run/{tmp_path / 'first'}", image_size=64)
    with pytest.raises(NetworkError, match="must hold a network"):
        tfxfer.load_backbone(f"run/{tmp_path / 'nowhere'}")


def test_what_could_not_be_kept_is_refused_before_it_is_trained() -> None:
    image = keras.Input((8, 8, 3))
    doubled = keras.layers.Lambda(lambda v: v * 2, name="twice")(image)
    features = keras.layers.Conv2D(4, 3, name="conv")(doubled)
    output = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(features))
    network = tfxfer.attach_head(tfxfer.load_backbone(keras.Model(image, output), pixels="[0,1]"), ["a", "b"])
    with pytest.raises(NetworkError, match="Lambda 'twice'"):
        require_saveable(network)
