"""The embedded backbone: its blocks, the weights that come with it, and what they are worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from tfxfer.backbones import embedded
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.blocks import cut_points
from tfxfer.backbones.weight_names import named_weights
from tfxfer.data.resize import resize_image
from tfxfer.errors import WeightsError
from tfxfer.evaluation.evaluate import evaluate
from tfxfer.network.network import attach_head
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase

NAMES = [
    *("stem_conv/kernel", "stem_bn/gamma", "stem_bn/beta", "stem_bn/moving_mean", "stem_bn/moving_variance"),
    *("block_1_1_conv/kernel", "block_1_2_conv/kernel", "block_1_shortcut_conv/kernel"),
    *("block_3_1_conv/kernel", "block_3_2_conv/kernel", "block_3_shortcut_conv/kernel"),
]


def test_blocks_have_stable_names_and_cover_every_weight_once() -> None:
    model = load_backbone("embedded/small").model
    blocks = cut_points(model)
    assert [block.name for block in blocks] == ["stem", "block_1", "block_2", "block_3"]
    covered = [name for block in blocks for name in block.layers]
    assert sorted(covered) == sorted(layer.name for layer in model.layers if layer.name != "image")
    assert sum(block.parameters for block in blocks) == model.count_params()
    assert set(NAMES) <= set(named_weights(model))


@pytest.mark.parametrize(
    ("size", "features"), [(32, (4, 4)), (16, (2, 2)), ((33, 47), (5, 6)), (96, (12, 12))]
)
def test_any_size_from_16_pixels_takes_the_weights(size: int | tuple[int, int], features) -> None:
    backbone = load_backbone("embedded/small", image_size=size)
    assert backbone.model.output_shape == (None, *features, 128)


def test_its_own_weights_are_the_default_and_small_enough_for_the_wheel() -> None:
    backbone = load_backbone("embedded/small")
    assert backbone.weights == "glyphs"
    assert "pretrain_embedded" in backbone.source
    assert backbone.licence == "Apache-2.0"
    assert embedded.GLYPHS.stat().st_size <= 2_000_000


def test_its_weights_as_a_file_are_the_same_weights(tmp_path: Path) -> None:
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes(embedded.GLYPHS.read_bytes())
    given = load_backbone("embedded/small", weights=str(copy))
    assert given.source == str(copy)
    own = load_backbone("embedded/small").model.get_weights()
    assert all(np.array_equal(*pair) for pair in zip(given.model.get_weights(), own, strict=True))


def test_a_changed_byte_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(embedded.GLYPHS.read_bytes())
    damaged[-1] ^= 1
    copy = tmp_path / embedded.GLYPHS.name
    copy.write_bytes(damaged)
    monkeypatch.setattr(embedded, "GLYPHS", copy)
    with pytest.raises(WeightsError, match="Install tfxfer again"):
        load_backbone("embedded/small")


def test_a_missing_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "GLYPHS", tmp_path / "gone.safetensors")
    with pytest.raises(WeightsError, match="Received: no file"):
        load_backbone("embedded/small")


def test_ten_digits_a_class_are_enough_and_random_features_are_not() -> None:
    learnt, random = few_label_accuracy("glyphs"), few_label_accuracy("none")
    assert learnt >= 0.94
    assert learnt >= random + 0.03


def few_label_accuracy(weights: str) -> float:
    """Of a head solved on 8 digits a class, its strength chosen on 2, measured on all others."""
    digits = load_digits()
    grey = np.uint8(np.rint(digits.images * 255 / 16))
    images = np.stack(
        [resize_image(np.repeat(image[..., None], 3, axis=-1), (32, 32), "stretch") for image in grey]
    )
    rows = [
        np.random.default_rng(0).permutation(np.flatnonzero(digits.target == label)) for label in range(10)
    ]

    def some(part: slice) -> tf.data.Dataset:
        chosen = np.concatenate([of_class[part] for of_class in rows])
        return tf.data.Dataset.from_tensor_slices((images[chosen], digits.target[chosen])).batch(256)

    network = attach_head(
        load_backbone("embedded/small", weights=weights), [str(label) for label in range(10)]
    )
    fit(network, some(slice(2, 10)), some(slice(2)), Phase("head", unfreeze="none", solver="lbfgs"))
    return evaluate(network, some(slice(10, None))).accuracy
