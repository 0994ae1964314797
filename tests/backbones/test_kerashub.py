"""KerasHub's backbones, of random weights, from Python and as presets in folders: the contract of all backbones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.backbones.contract import check_backbone
from tests.backbones.models import images, randomise
from tfxfer.backbones import kerashub
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import BackboneError, ConfigError, NetworkError
from tfxfer.network.network import attach_head
from tfxfer.network.save import load_network, require_saveable, save_network

SIDE = 32
LABELS = ("a", "b", "c")


@pytest.fixture(scope="module")
def hub() -> Any:
    return pytest.importorskip("keras_hub", reason="the extra 'kerashub' is not installed")


def vision_transformer(hub: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    sides = {"image_shape": (SIDE, SIDE, 3), "patch_size": 8}
    return hub.models.ViTBackbone(**sides, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32)


def residual_net(hub: Any) -> keras.Model:
    model = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    )
    keras.utils.set_random_seed(0)
    return model


def preset(hub: Any, folder: Path) -> Path:
    """A folder as `save_to_preset` writes it, with an image converter of its own."""
    converter = hub.layers.ViTImageConverter(image_size=(SIDE, SIDE), scale=1 / 127.5, offset=-1.0)
    vision_transformer(hub).save_to_preset(str(folder))
    converter.save_to_preset(str(folder))
    return folder


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerashub, "PACKAGE", "keras_hub_that_nobody_has")
    with pytest.raises(BackboneError, match=r'needs KerasHub\. .*pip install "tfxfer\[kerashub\]"'):
        load_backbone("kerashub/vit_base_patch16_224_imagenet")


def test_options_and_weights_are_checked_before_anything_is_imported() -> None:
    with pytest.raises(ConfigError, match="the option of 'kerashub/x' is features"):
        load_backbone("kerashub/x", options={"alpha": 1})
    with pytest.raises(ConfigError, match="brings its own weights, or none"):
        load_backbone("kerashub/x", weights="imagenet")


@pytest.mark.slow
@pytest.mark.parametrize("make", [vision_transformer, residual_net])
def test_it_keeps_the_contract_of_backbones(make: Any, hub: Any, tmp_path: Path) -> None:
    backbone = load_backbone(make(hub), pixels="[-1,1]", image_size=SIDE)
    assert "without its head" not in backbone.source
    network = attach_head(backbone, LABELS, dropout=0.0)
    require_saveable(network)
    check_backbone(network, images(16, SIDE), tmp_path)


@pytest.mark.slow
def test_a_preset_brings_its_pixels_and_opens_in_a_fresh_process(hub: Any, tmp_path: Path) -> None:
    backbone = load_backbone(f"kerashub/{preset(hub, tmp_path / 'preset')}")
    assert backbone.input.pixels.as_dict() == {  # type: ignore[union-attr]
        "order": "rgb",
        "scale": [1 / 127.5] * 3,
        "offset": [-1.0] * 3,
    }
    inputs = images(4, SIDE)
    expected = vision_transformer(hub)(inputs / np.float32(127.5) - 1, training=False)
    found = backbone.model(inputs / np.float32(127.5) - 1, training=False)
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-6)
    network = attach_head(backbone, LABELS, dropout=0.0)
    save_network(network, tmp_path / "network")
    np.save(tmp_path / "inputs.npy", inputs)
    program = (
        "import sys, json, numpy as np; from tfxfer.network.save import load_network;"
        "found = load_network(sys.argv[1] + '/network').predict(np.load(sys.argv[1] + '/inputs.npy'));"
        "print(json.dumps(found.logits.tolist()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert np.array_equal(np.array(json.loads(done.stdout), "float32"), network.predict(inputs).logits)


@pytest.mark.slow
def test_another_size_interpolates_the_positions_and_keeps_the_class_token(hub: Any) -> None:
    model = vision_transformer(hub)
    backbone = load_backbone(model, pixels="[-1,1]", image_size=48)
    old, new = (each.get_layer("vit_patching_and_embedding").weights for each in (model, backbone.model))
    tables = [np.asarray(weight) for weight in (*old, *new) if weight.shape[0] in (17, 37)]
    assert [table.shape for table in tables] == [(17, 16), (37, 16)]
    assert np.array_equal(tables[0][0], tables[1][0])
    assert backbone.model.output_shape == (None, 37, 16)


@pytest.mark.slow
def test_what_is_no_preset_of_pictures_is_refused(hub: Any, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"must be a preset of a KerasHub image backbone.*save_to_preset"):
        load_backbone("kerashub/no_such_preset")
    text = hub.models.BertBackbone(
        vocabulary_size=10, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4
    )
    with pytest.raises(BackboneError, match="must take one tensor of images"):
        load_backbone(text, pixels="[0,1]", image_size=SIDE)


@keras.saving.register_keras_serializable(package="tests")
class Forgetful(keras.layers.Layer):
    """Its configuration lacks what its constructor needs."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return super().get_config()


def test_a_layer_that_cannot_be_built_again_is_refused_before_training() -> None:
    image = keras.Input((SIDE, SIDE, 3))
    x = Forgetful(2.0, name="forgetful")(keras.layers.Conv2D(4, 3, name="stem")(image))
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="top")(x))
    randomise(model)
    network = attach_head(load_backbone(model, pixels="[0,1]"), LABELS)
    with pytest.raises(NetworkError, match=r"'forgetful' \(Forgetful\).*get_config"):
        require_saveable(network)


def test_a_network_that_needs_kerashub_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = attach_head(load_backbone("embedded/small", weights="none"), ["a", "b"])
    file = save_network(network, tmp_path / "network") / "network.json"
    document = json.loads(file.read_text("utf-8"))
    layer = next(entry for entry in document["model"]["config"]["layers"] if entry["class_name"] == "ReLU")
    layer["module"] = "keras_hub_that_nobody_has.layers"
    file.write_text(json.dumps(document), "utf-8")
    monkeypatch.setattr(kerashub, "PACKAGE", "keras_hub_that_nobody_has")
    monkeypatch.setattr("tfxfer.network.save.KERASHUB", "keras_hub_that_nobody_has")
    with pytest.raises(BackboneError, match=r'pip install "tfxfer\[kerashub\]"'):
        load_network(tmp_path / "network")
