"""A small vision transformer of Keras layers keeps the contract of backbones: blocks, learning, saving, exports."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxfer
from tests.backbones.contract import TOLERANCE, check_splits
from tests.backbones.lively import Measured, measure_exports
from tests.backbones.models import images
from tests.training.tiny import weights_by_name
from tfxfer.network.network import Network
from tfxfer.network.save import load_network, save_network

SIDE, PATCH, WIDTH = 32, 8, 24


@keras.saving.register_keras_serializable(package="tests")
class AddPosition(layers.Layer):
    """Tokens plus a learnt vector for each place."""

    def build(self, shape):
        self.position = self.add_weight(
            shape=(1, *shape[1:]), initializer=keras.initializers.RandomNormal(0.1, seed=0)
        )

    def call(self, tokens):
        return tokens + self.position


def vision_transformer() -> keras.Model:
    """ViT (Dosovitskiy et al. 2021), two encoder blocks with pre-normalisation, averaged tokens, a Dense head."""
    image = keras.Input((SIDE, SIDE, 3), name="picture")
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")(image)
    x = AddPosition(name="position")(layers.Reshape((-1, WIDTH), name="tokens")(x))
    for number in (1, 2):
        y = layers.LayerNormalization(name=f"encoder_{number}_norm_a")(x)
        y = layers.MultiHeadAttention(3, 8, name=f"encoder_{number}_attention")(y, y)
        x = layers.Add(name=f"encoder_{number}_add_a")([x, y])
        y = layers.LayerNormalization(name=f"encoder_{number}_norm_b")(x)
        y = layers.Dense(2 * WIDTH, activation="gelu", name=f"encoder_{number}_mlp_a")(y)
        x = layers.Add(name=f"encoder_{number}_add_b")(
            [x, layers.Dense(WIDTH, name=f"encoder_{number}_mlp_b")(y)]
        )
    x = layers.GlobalAveragePooling1D(name="average")(layers.LayerNormalization(name="norm")(x))
    return keras.Model(image, layers.Dense(7, name="classes")(x), name="vit")


@pytest.fixture(scope="module")
def network() -> Network:
    keras.utils.set_random_seed(0)
    backbone = tfxfer.load_backbone(vision_transformer(), pixels="[-1,1]")
    assert "(classes)" in backbone.source
    return tfxfer.attach_head(backbone, ["a", "b", "c"], dropout=0.0)


def test_its_blocks_are_the_residual_branches(network: Network) -> None:
    names = [block.name for block in network.blocks]
    assert names[0].startswith("patches") or names[0] == "span_0", names
    assert sum(block.parameters for block in network.blocks) == network.backbone.parameters
    assert any("encoder_1" in name for name in names)
    assert any("encoder_2" in name for name in names)
    check_splits(network, images(1, SIDE))


@pytest.mark.slow
def test_it_learns_in_parts_is_saved_and_exported_in_every_format(network: Network, tmp_path: Path) -> None:
    pixels, labels = images(16, SIDE), np.arange(16, dtype="int32") % 3
    data = tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(8)
    before = weights_by_name(network.model)
    phase = tfxfer.Phase(
        "last", epochs=1, unfreeze="1 blocks", learning_rate=1e-3, keep="last", solver="gradient"
    )
    history = tfxfer.fit(network, data, data, phase)
    after = weights_by_name(network.model)
    moved = {path for path in after if not np.array_equal(after[path], before[path])}
    assert moved
    assert not any(path.startswith(("patches", "position", "encoder_1")) for path in moved)
    assert history.cached_boundary is not None
    save_network(network, tmp_path / "network")
    again = load_network(tmp_path / "network")
    assert np.array_equal(again.predict(pixels).logits, network.predict(pixels).logits)
    found = list(measure_exports(again, pixels, tmp_path))
    assert all(isinstance(entry, Measured) and entry.relative_error <= TOLERANCE for entry in found), found
    assert {entry.format for entry in found if isinstance(entry, Measured)} >= {
        "saved_model",
        "litert",
        "onnx",
    }
