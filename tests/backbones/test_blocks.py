"""Blocks: names and counts of 16 families, and of users' own models; test_contract.py has the rest."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests.backbones.models import images, nested_model, randomise, residual_model, sequential_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.blocks import cut_points
from tfxfer.backbones.graph import flat_model
from tfxfer.errors import BlockError
from tfxfer.network.split import split_model

SLOW = pytest.mark.slow

# name -> (number of blocks, the first, the last three)
FAMILIES: dict[str, tuple[int, str, tuple[str, str, str]]] = {
    "MobileNet": (6, "conv1", ("conv_dw_4", "conv_dw_6", "conv_dw_12")),
    "MobileNetV2": (19, "Conv1", ("block_15", "block_16", "Conv_1")),
    "MobileNetV3Small": (13, "conv", ("expanded_conv_9", "expanded_conv_10", "conv_1")),
    "MobileNetV3Large": (17, "conv", ("expanded_conv_13", "expanded_conv_14", "conv_1")),
    "EfficientNetB0": (18, "stem", ("block6d", "block7a", "top")),
    "EfficientNetV2B0": (23, "stem", ("block6g", "block6h", "top")),
    "ResNet50": (17, "conv1", ("conv5_block1", "conv5_block2", "conv5_block3")),
    "ResNet50V2": (17, "conv1_conv", ("conv5_block1", "conv5_block2", "conv5_block3")),
    "ConvNeXtTiny": (
        22,
        "convnext_tiny_stem",
        tuple(f"convnext_tiny_stage_3_block_{number}" for number in range(3)),  # type: ignore[dict-item]
    ),
    "VGG16": (5, "block1", ("block3", "block4", "block5")),
    "VGG19": (5, "block1", ("block3", "block4", "block5")),
    "DenseNet121": (62, "conv1", ("conv5_block14", "conv5_block15", "conv5_block16")),
    "InceptionV3": (14, "span_0", ("mixed8", "mixed9", "mixed10")),
    "InceptionResNetV2": (47, "span_0", ("block8_9_conv", "block8_10_conv", "conv_7b")),
    "Xception": (15, "block1_conv1", ("block12", "block13", "block14")),
    "NASNetMobile": (2, "stem", ("stem", "reduction_conv_1_stem_1")),  # type: ignore[dict-item]
}
HEAVY = ("DenseNet121", "InceptionResNetV2", "NASNetMobile")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW if name in HEAVY else ()) for name in FAMILIES]
)
def test_names_and_counts_of_a_family(name: str) -> None:
    count, first, last = FAMILIES[name]
    backbone = load_backbone(f"keras/{name}", image_size=96, weights="none")
    blocks = cut_points(backbone.model)
    names = [block.name for block in blocks]
    assert len(blocks) == count
    assert (names[0], *names[-len(last) :]) == (first, *last)
    assert len(set(names)) == count
    assert [block.index for block in blocks] == list(range(count))


def test_names_do_not_depend_on_freezing_nor_on_what_was_built_before() -> None:
    def described() -> list[object]:
        model = load_backbone("keras/ConvNeXtTiny", image_size=32, weights="none").model
        return [(block.name, block.layers, block.parameters) for block in cut_points(model)]

    first = described()
    sequential_model()
    keras.layers.Conv2D(1, 1)
    keras.Input((2,)) + keras.Input((2,))
    assert described() == first


def test_a_users_functional_model() -> None:
    blocks = cut_points(residual_model())
    assert [block.name for block in blocks] == ["stem", "first", "second", "answer"]


def test_models_inside_a_model_are_flattened_and_split_exactly() -> None:
    model = nested_model()
    randomise(model)
    blocks = cut_points(model)
    assert [block.name for block in blocks] == ["stem", "first", "second", "new_head"]
    pixels = images(2, 16).astype("float32")
    expected = np.asarray(model(pixels, training=False))
    for block in blocks[:-1]:
        prefix, suffix = split_model(model, block.output)
        assert np.array_equal(np.asarray(suffix(prefix(pixels), training=False)), expected)


def test_a_sequential_model_is_cut_where_the_size_changes() -> None:
    blocks = cut_points(sequential_model())
    assert [block.layers for block in blocks] == [("c1",), ("c2", "flat", "d1", "d2")]


def test_a_sequential_model_that_grows_is_flattened_again() -> None:
    model = sequential_model()
    assert flat_model(model) is flat_model(model)
    model.add(layers.Dense(7, name="d3"))
    assert flat_model(model).output_shape == (None, 7)


def test_a_layer_used_twice_is_never_cut_apart() -> None:
    image = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    x = layers.MaxPooling2D(name="shrink")(shared(image))
    x = layers.Conv2D(4, 3, name="own", padding="same")(layers.MaxPooling2D(name="again")(shared(x)))
    blocks = cut_points(keras.Model(image, x))
    assert [block.layers for block in blocks] == [("shared", "shrink", "again"), ("own",)]


def test_a_subclassed_model_is_refused_with_the_repair() -> None:
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(BlockError, match="functional"):
        cut_points(Own())


def test_several_outputs_are_refused() -> None:
    image = keras.Input((4,))
    model = keras.Model(image, [layers.Dense(1)(image), layers.Dense(2)(image)])
    with pytest.raises(BlockError, match="one output"):
        cut_points(model)
