"""The domain gap: 0 on the source's own statistics, as far as a layer was moved, larger for other pictures."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_images
from tfxfer.backbones.backbone import load_backbone
from tfxfer.network.network import attach_head
from tfxfer.recipes.domain_gap import domain_gap, read_domain_gap
from tfxfer.training.cut import cut
from tfxfer.training.phase import Phase
from tfxfer.training.reestimate import reestimate

ALPHA_035 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def model_of(images: np.ndarray) -> keras.Model:
    """A model whose statistics are those of these images."""
    model = settled_model()
    reestimate(cut(model, Phase("p", unfreeze="none")), [images])
    return model


def test_of_the_source_itself_it_is_0_and_of_other_images_it_is_not() -> None:
    images = tiny_images(48)[0]
    model = model_of(images)
    gap = domain_gap(model, images)
    assert gap.distance == pytest.approx(0, abs=1e-3)
    assert [block.block for block in gap.blocks] == ["block0", "block1", "block2"]
    assert gap.images == 48
    assert (domain_gap(model, 2 * images).distance or 0) > 0.3


def test_it_says_by_how_many_standard_deviations_and_in_which_block() -> None:
    images = tiny_images(48)[0]
    model = model_of(images)
    norm = model.get_layer("block2_norm")
    deviation = np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    norm.moving_mean.assign(norm.moving_mean.numpy() - 2 * deviation)  # the last: nothing after it changes
    gap = domain_gap(model, images)
    assert [round(block.distance, 2) for block in gap.blocks] == [0, 0, 2]
    assert gap.blocks[2].mean_shift == pytest.approx(2, abs=0.01)
    assert gap.distance == pytest.approx(2 / 3, abs=0.01)
    norm.moving_mean.assign(norm.moving_mean.numpy() + 2 * deviation)
    norm.moving_variance.assign((norm.moving_variance.numpy() + norm.epsilon) * 4 - norm.epsilon)
    stretched = domain_gap(model, images).blocks[2]
    assert (round(stretched.distance, 2), round(stretched.spread_ratio, 2)) == (0.5, 0.5)


def test_it_looks_at_a_sample_spread_over_all_images() -> None:
    images = np.concatenate([tiny_images(200)[0], 9 + tiny_images(200)[0]])
    assert domain_gap(model_of(images), images).images == 128
    assert (domain_gap(model_of(images), images).distance or 9) < 0.1


def test_where_nothing_is_known_of_the_source_it_says_so() -> None:
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    plain = domain_gap(keras.Model(inputs, keras.layers.Dense(3)(x)), tiny_images(8)[0])
    assert (plain.distance, plain.blocks) == (None, ())
    assert "no BatchNorm" in str(plain.why)
    network = attach_head(load_backbone("embedded/small", image_size=32, weights="none"), ["a", "b"])
    assert "random" in str(domain_gap(network, np.zeros((4, 32, 32, 3), np.uint8)).why)


def test_it_goes_through_json() -> None:
    gap = domain_gap(settled_model(), tiny_images(16)[0])
    assert read_domain_gap(json.loads(json.dumps(gap.as_dict()))) == gap


class Fused(tf.Module):
    """A convolution of 1 by 1 and a BatchNorm whose statistics are `mean` and `variance`, in TF Hub's format."""

    def __init__(self, mean: np.ndarray, variance: np.ndarray) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.eye(3)[None, None], name="net/stem_1/kernel")
        shape = {"gamma": tf.ones(3), "beta": tf.zeros(3), "moving_mean": mean, "moving_variance": variance}
        self.norm = {name: tf.Variable(value, name=f"net/stem_1_bn/{name}") for name, value in shape.items()}

    @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.float32)])
    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        x = tf.nn.conv2d(images, self.kernel, 1, "SAME")
        held = (self.norm[name] for name in ("gamma", "beta", "moving_mean", "moving_variance"))
        return tf.compat.v1.nn.fused_batch_norm(x, *held, is_training=False)[0]


def test_of_a_saved_model_it_is_found_in_the_graph(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 3)).astype(np.uint8)
    scaled = images / np.float32(255)
    deviation = scaled.std((0, 1, 2))
    tf.saved_model.save(Fused(scaled.mean((0, 1, 2)) - 2 * deviation, deviation**2), str(tmp_path / "module"))
    network = attach_head(load_backbone(f"hub/{tmp_path / 'module'}", pixels="[0,1]"), ["a", "b"])
    gap = domain_gap(network, images)
    assert [(block.block, block.layers) for block in gap.blocks] == [(network.blocks[0].name, 1)]
    assert gap.distance == pytest.approx(2, abs=0.05)  # the variance has an epsilon beside it


@pytest.mark.slow
@pytest.mark.real
def test_photographs_of_flowers_are_nearer_to_imagenet_than_pictures_of_defects(assets: Path) -> None:
    weights = str(assets / "keras_weights" / ALPHA_035)
    backbone = load_backbone("keras/MobileNetV2", image_size=96, weights=weights, options={"alpha": 0.35})
    network = attach_head(backbone, ["a", "b"])
    found = {}
    for name in ("flowers5", "magnetic_tile_defects"):
        files = [
            path for path in sorted((assets / "images" / name).rglob("*")) if path.suffix in (".jpg", ".png")
        ]
        pictures = [Image.open(path).convert("RGB").resize((96, 96)) for path in files[:: len(files) // 40]]
        found[name] = (
            domain_gap(network, np.stack([np.asarray(picture) for picture in pictures])).distance or 0
        )
    assert found["magnetic_tile_defects"] > 1.3 * found["flowers5"] > 0.1


@pytest.mark.slow
@pytest.mark.real
def test_a_saved_model_is_as_far_away_as_the_network_of_the_same_weights(assets: Path) -> None:
    weights = str(assets / "keras_weights" / ALPHA_035)
    own = load_backbone("keras/MobileNetV2", weights=weights, options={"alpha": 0.35})
    folder = assets / "saved_models/mobilenet_v2_035_224_feature_vector"
    hub = load_backbone(f"hub/{folder}", pixels="[-1,1]")
    files = sorted((assets / "images/flowers5").rglob("*.jpg"))[::100]
    pictures = np.stack([np.asarray(Image.open(path).convert("RGB").resize((224, 224))) for path in files])
    wanted, found = (domain_gap(attach_head(backbone, ["a", "b"]), pictures) for backbone in (own, hub))
    counts = [[block.layers for block in gap.blocks] for gap in (wanted, found)]
    assert sum(counts[0]) == sum(counts[1]) == 52
    means = [
        np.average([block.distance for block in gap.blocks], weights=count)
        for gap, count in zip((wanted, found), counts, strict=True)
    ]
    assert means[1] == pytest.approx(means[0], rel=1e-3)
    assert [block.block for block in found.blocks][:3] == ["Conv1", "expanded_conv", "block_1"]
