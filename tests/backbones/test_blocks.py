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
from tfxfer.catalogue.measured import measured_blocks
from tfxfer.errors import BlockError
from tfxfer.network.split import split_model

SLOW = pytest.mark.slow

# One of each family; their names and counts are in catalogue/measured_blocks.json.
FAMILIES = (
    *(
        "MobileNet",
        "MobileNetV2",
        "MobileNetV3Small",
        "MobileNetV3Large",
        "EfficientNetB0",
        "EfficientNetV2B0",
    ),
    *("ResNet50", "ResNet50V2", "ConvNeXtTiny", "VGG16", "VGG19", "DenseNet121", "InceptionV3"),
    *("InceptionResNetV2", "Xception", "NASNetMobile"),
)
HEAVY = ("DenseNet121", "InceptionResNetV2", "NASNetMobile")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW if name in HEAVY else ()) for name in FAMILIES]
)
def test_names_and_counts_of_a_family(name: str) -> None:
    backbone = load_backbone(f"keras/{name}", image_size=96, weights="none")
    blocks = cut_points(backbone.model)
    assert tuple(block.name for block in blocks) == measured_blocks(f"keras/{name}")
    assert len({block.name for block in blocks}) == len(blocks)


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
