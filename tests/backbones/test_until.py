"""A backbone cut short: where it ends, what it refuses, and what becomes of weights and files."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.backbones.models import images, nested_model, randomise
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.blocks import cut_points
from tfxfer.errors import ConfigError
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.network.network import attach_head
from tfxfer.network.save import load_network, save_network

ALPHA_035 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def names(model: keras.Model) -> list[str]:
    return [block.name for block in cut_points(model)]


@pytest.mark.parametrize(
    ("until", "kept"),
    [("60%", 11), ("100%", 19), ("1%", 1), ("15.8%", 3), ("10.5%", 1), ("block_3", 5), ("Conv_1", 19)],
)
def test_a_share_is_of_the_blocks_and_rounded_down(until: str, kept: int) -> None:
    whole = load_backbone("keras/MobileNetV2", image_size=32, weights="none")
    cut = load_backbone("keras/MobileNetV2", image_size=32, weights="none", until=until)
    assert names(cut.model) == names(whole.model)[:kept]
    assert cut.parameters == sum(block.parameters for block in cut_points(whole.model)[:kept])
    assert cut.until == until


def test_features_are_the_output_of_the_block() -> None:
    whole = load_backbone("embedded/small")
    cut = load_backbone("embedded/small", until="block_2")
    pixels = images(2, 32).astype("float32") / 127.5 - 1
    expected = keras.Model(whole.model.input, cut_points(whole.model)[2].output)(pixels, training=False)
    assert np.array_equal(np.asarray(cut.model(pixels, training=False)), np.asarray(expected))


def test_an_operation_that_every_path_passes_is_a_place_to_cut() -> None:
    cut = load_backbone("keras/MobileNetV2", image_size=32, weights="none", until="block_3_project")
    assert cut.model.output.shape == (None, 4, 4, 32)


@pytest.mark.parametrize(
    ("name", "until", "message"),
    [
        ("keras/MobileNetV2", "0%", "Received: '0%'"),
        ("keras/MobileNetV2", "101%", "Received: '101%'"),
        ("keras/MobileNetV2", "block_33", r"19 blocks: Conv1, .*Conv_1\. Received: 'block_33'.*Did you mean"),
        ("keras/MobileNetV2", "block_2_expand", "some paths go around. It is in block 'block_2'"),
        ("keras/InceptionV3", "conv2d_1", "a number that Keras gave .* in block 'span_1'"),
        ("hub/anything", "60%", "SavedModel is opaque.*Leave it out"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_blocks(name: str, until: str, message: str) -> None:
    weights = None if name.startswith("hub/") else "none"
    with pytest.raises(ConfigError, match=message):
        load_backbone(name, image_size=96, weights=weights, until=until)


def test_a_users_file_is_cut_too(tmp_path: Path) -> None:
    model = nested_model()
    randomise(model)
    model.save(tmp_path / "m.keras")
    backbone = load_backbone(f"file/{tmp_path / 'm.keras'}", pixels="[0,255]", until="60%")
    assert names(backbone.model) == ["stem"]


def test_saved_networks_and_files_shrink_with_it(tmp_path: Path) -> None:
    sizes = {}
    pixels = images(3, 32)
    for until in (None, "50%"):
        network = attach_head(load_backbone("embedded/small", until=until), ["a", "b"])
        again = load_network(save_network(network, tmp_path / f"network-{until}"))
        assert again.backbone == network.backbone
        assert again.backbone.until == until
        assert [block.name for block in again.blocks] == [block.name for block in network.blocks]
        assert np.array_equal(again.predict(pixels).logits, network.predict(pixels).logits)
        artifact = write_artifact("litert", trace(again), tmp_path / f"{until}.tflite")
        sizes[until] = (
            artifact.size_bytes,
            (tmp_path / f"network-{until}/weights.safetensors").stat().st_size,
        )
    assert sizes["50%"][0] < 0.3 * sizes[None][0]
    assert sizes["50%"][1] < 0.3 * sizes[None][1]


@pytest.mark.real
@pytest.mark.parametrize("weights", ["imagenet", "path"])
def test_imagenet_weights_of_the_whole_fit_what_is_kept(
    weights: str, assets: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(keras_home))
    given = weights if weights == "imagenet" else str(assets / "keras_weights" / ALPHA_035)
    options = {"alpha": 0.35}
    whole = load_backbone("keras/MobileNetV2", weights=given, options=options)
    cut = load_backbone("keras/MobileNetV2", weights=given, options=options, until="60%")
    kept = cut.model.get_weights()
    assert len(kept) < len(whole.model.get_weights())
    assert all(np.array_equal(new, old) for new, old in zip(kept, whole.model.get_weights(), strict=False))
