"""Models at another image size than their own: shared layers, interpolated positions, or a refusal that says why."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import tfxfer
from tests.backbones.models import images, randomise, residual_model, sequential_model
from tests.backbones.test_attention import SIDE, WIDTH, AddPosition, vision_transformer
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.other_size import interpolate
from tfxfer.errors import BackboneError
from tfxfer.network.save import load_network, save_network


def test_a_convolution_net_is_used_at_another_size_as_it_is() -> None:
    model = residual_model(16)
    randomise(model)
    backbone = load_backbone(model, pixels="[0,1]", image_size=(24, 32))
    assert "at (24, 32) instead of (16, 16)" in backbone.source
    assert backbone.model.output_shape == (None, 12, 16, 4)
    assert backbone.model.get_layer("stem_conv") is model.get_layer("stem_conv")
    small = np.zeros((1, 24, 32, 3), "float32")
    small[:, :16, :16] = np.random.default_rng(0).normal(size=(1, 16, 16, 3))
    found = np.asarray(backbone.model(small, training=False))[:, :4, :4]
    own = load_backbone(model, pixels="[0,1]").model(small[:, :16, :16], training=False)
    np.testing.assert_allclose(found, np.asarray(own)[:, :4, :4], rtol=1e-4, atol=1e-4)


def test_positions_of_a_vision_transformer_are_interpolated(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = vision_transformer()
    backbone = load_backbone(model, pixels="[-1,1]", image_size=48)
    assert "interpolated: position/variable" in backbone.source
    old = np.asarray(model.get_layer("position").weights[0])
    (new,) = [layer for layer in backbone.model.layers if isinstance(layer, AddPosition)]
    assert new is not model.get_layer("position")
    wanted = interpolate(old, (1, 36, WIDTH), (SIDE, SIDE), (48, 48))
    assert np.array_equal(np.asarray(new.weights[0]), wanted)
    network = tfxfer.attach_head(backbone, ["a", "b"], dropout=0.0)
    save_network(network, tmp_path / "network")
    pixels = images(2, 48)
    again = load_network(tmp_path / "network")
    assert np.array_equal(again.predict(pixels).logits, network.predict(pixels).logits)


@pytest.mark.parametrize("extra", [0, 1, 5])
def test_a_plane_stays_a_plane_and_what_is_before_the_grid_stays(extra: int) -> None:
    def plane(height: int, width: int) -> np.ndarray:
        y, x = np.meshgrid(
            (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij"
        )
        return (2 * y + 3 * x).reshape(-1, 1).astype("float32")

    tokens = np.full((extra, 1), 7.0, "float32")
    found = interpolate(np.concatenate([tokens, plane(8, 8)]), (extra + 12 * 16, 1), (64, 64), (96, 128))
    assert np.array_equal(found[:extra], tokens)
    inner = (slice(3, -3), slice(4, -4))  # the kernel reaches over the edge elsewhere
    difference = np.abs(found[extra:] - plane(12, 16)).reshape(12, 16)[inner]
    assert difference.max() < 1e-5


def test_what_is_bound_to_its_size_is_refused_with_the_layer() -> None:
    model = sequential_model(16)
    with pytest.raises(BackboneError, match=r"'d1' \(Dense\), bound to \(16, 16\).*before it"):
        load_backbone(model, pixels="[0,1]", image_size=24, options={"features": "d1"})
    assert load_backbone(model, pixels="[0,1]", image_size=24).model.output_shape[-1] == 6


def test_a_bare_reshape_would_mix_pictures_and_is_refused() -> None:
    image = keras.Input((16, 16, 3))
    x = keras.ops.reshape(layers.Conv2D(4, 4, strides=4, name="patches")(image), (-1, 16, 4))
    model = keras.Model(image, layers.Dense(2, name="answer")(layers.Dense(4, name="mix")(x)))
    with pytest.raises(BackboneError, match=r"it makes \(16, 4\) of every picture"):
        load_backbone(model, pixels="[0,1]", image_size=32, options={"features": "mix"})


def test_rows_that_are_no_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="no grid of patches"):
        interpolate(np.zeros((23, 4), "float32"), (31, 4), (32, 32), (48, 48))
