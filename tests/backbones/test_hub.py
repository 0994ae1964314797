"""SavedModel folders as backbones: frozen, saved, split, and refused with the repair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.backbones.models import images
from tfxfer.backbones.backbone import load_backbone
from tfxfer.catalogue.pixels import SIGNED_UNIT
from tfxfer.errors import BackboneError, ConfigError
from tfxfer.network.freeze import freeze
from tfxfer.network.network import Network, attach_head
from tfxfer.network.policy import FreezePolicy
from tfxfer.network.rebuild import rebuild_float32
from tfxfer.network.save import load_network, save_network


class Reusable(tf.Module):
    """What TF Hub's TF2 format asks for: callable, with its variables."""

    def __init__(self, shape: tuple[int | None, ...]) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.random.stateless_normal((3, 5), (1, 2)), name="dense/kernel")
        self.__call__ = tf.function(self._call, input_signature=[tf.TensorSpec(shape, tf.float32)])

    def _call(self, x):
        return tf.reduce_mean(x, axis=(1, 2)) @ self.kernel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    module = Reusable((None, 8, 8, 3))
    tf.saved_model.save(module, str(tmp_path / "module"), signatures=module.__call__)
    return tmp_path / "module"


def test_pixels_are_asked_for(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs pixels.*\[0,1\]"):
        load_backbone(f"hub/{folder}")


def test_it_works_frozen(folder: Path) -> None:
    network = network_of(folder)
    pixels = images(3, 8)
    kernel = np.asarray(network.model.get_layer("saved_model").weights[0])
    features = (pixels.astype("float64") / 127.5 - 1).mean((1, 2)) @ kernel
    logits = features @ network.model.get_layer("logits").get_weights()[0]
    np.testing.assert_allclose(network.predict(pixels).logits, logits, rtol=1e-4, atol=1e-5)
    boundary = freeze(network)
    assert boundary.shape == (None, 5)
    assert boundary.frozen_parameters == 15
    assert [block.name for block in network.blocks] == ["dense"]
    assert freeze(network, FreezePolicy("all")).backbone_trainable == 15


def test_it_is_saved_with_its_module_and_rebuilt(folder: Path, tmp_path: Path) -> None:
    network = network_of(folder)
    pixels = images(2, 8)
    expected = network.predict(pixels).logits
    save_network(network, tmp_path / "network")
    again = load_network(tmp_path / "network")
    assert np.array_equal(again.predict(pixels).logits, expected)
    assert np.array_equal(np.asarray(rebuild_float32(again)(pixels)), expected)
    save_network(again, tmp_path / "again")
    assert (tmp_path / "again/network.json").read_bytes() == (tmp_path / "network/network.json").read_bytes()


def test_a_size_must_be_the_modules(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(8, 8\) only"):
        load_backbone(f"hub/{folder}", pixels="[0,1]", image_size=16)
    module = Reusable((None, None, None, 3))
    tf.saved_model.save(module, str(tmp_path / "any"), signatures=module.__call__)
    with pytest.raises(ConfigError, match="Set image_size"):
        load_backbone(f"hub/{tmp_path / 'any'}", pixels="[0,1]")
    assert load_backbone(f"hub/{tmp_path / 'any'}", pixels="[0,1]", image_size=12).input.size == (12, 12)


def test_a_folder_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"saved_model\.pb"):
        load_backbone(f"hub/{tmp_path}", pixels="[0,1]")


@pytest.mark.real
def test_the_real_module_gives_kerass_features(assets: Path) -> None:
    hub = load_backbone(f"hub/{assets / 'saved_models/mobilenet_v2_035_224_feature_vector'}", pixels="[-1,1]")
    path = assets / "keras_weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    own = load_backbone("keras/MobileNetV2", weights=str(path), options={"alpha": 0.35})
    assert hub.input.pixels == own.input.pixels == SIGNED_UNIT
    pixels = images(2, 224).astype("float32") / 127.5 - 1
    expected = np.asarray(own.model(pixels, training=False)).mean((1, 2))
    np.testing.assert_allclose(np.asarray(hub.model(pixels)), expected, atol=1e-4)


@pytest.mark.real
def test_a_module_of_another_kind_is_refused(assets: Path) -> None:
    with pytest.raises(BackboneError, match="must take images"):
        load_backbone(f"hub/{assets / 'saved_models/mlperf_tiny_kws_ref_model'}", pixels="[0,1]")


def network_of(folder: Path) -> Network:
    return attach_head(load_backbone(f"hub/{folder}", pixels="[-1,1]"), ["a", "b"])


@pytest.mark.real
def test_a_module_with_signatures_only_works_frozen(assets: Path) -> None:
    folder = assets / "saved_models/teachable_machine_image_tf1style"
    backbone = load_backbone(f"hub/{folder}", pixels="[-1,1]")
    network = attach_head(backbone, ["a", "b"])
    assert network.predict(images(2, backbone.input.size[0])).logits.shape == (2, 2)
    assert freeze(network).frozen_parameters == backbone.parameters
