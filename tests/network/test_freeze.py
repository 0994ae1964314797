"""What learns, what the boundary is, and that frozen bytes stay as they are, also under Keras's own fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests.backbones.models import images, nested_model, randomise, residual_model, sequential_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import BlockError
from tfxfer.network.freeze import FrozenBoundary, freeze
from tfxfer.network.network import Network, attach_head
from tfxfer.network.policy import FreezePolicy
from tfxfer.network.split import split_model


@pytest.fixture(scope="module")
def mobilenet() -> Network:
    return attach_head(load_backbone("keras/MobileNetV2", image_size=32, weights="none"), ["a", "b"])


def test_the_head_alone_learns_unless_asked(mobilenet: Network) -> None:
    boundary = freeze(mobilenet)
    assert [weight.path for weight in mobilenet.model.trainable_weights] == ["logits/kernel", "logits/bias"]
    assert (boundary.name, boundary.shape) == ("head_pooling", (None, 1280))
    assert (boundary.trainable_parameters, boundary.frozen_parameters) == (2 * 1280 + 2, 2_257_984)
    assert boundary.unfrozen_blocks == ()


def test_the_last_three_blocks_learn_without_their_norms(mobilenet: Network) -> None:
    boundary = freeze(mobilenet, FreezePolicy("3 blocks"))
    assert str(boundary) == "last 3 blocks: 1,194,880 of 2,223,872 backbone weights learn"
    assert boundary.unfrozen_blocks == ("block_15", "block_16", "Conv_1")
    assert boundary.name == "block_14_add"
    norms = [layer for layer in mobilenet.model.layers if isinstance(layer, layers.BatchNormalization)]
    assert not any(norm.trainable for norm in norms)


def test_norms_learn_where_asked_and_only_in_blocks_that_learn(mobilenet: Network) -> None:
    boundary = freeze(mobilenet, FreezePolicy("3 blocks", batch_norm="learn"))
    assert boundary.backbone_trainable == 1_206_080
    assert mobilenet.model.get_layer("Conv_1_bn").trainable
    assert not mobilenet.model.get_layer("block_14_project_BN").trainable


def test_under_all_nothing_lies_under_the_boundary(mobilenet: Network) -> None:
    boundary = freeze(mobilenet, FreezePolicy("all", batch_norm="learn"))
    assert boundary.tensor is None
    assert boundary.frozen_parameters == 2_257_984 - 2_223_872  # the moving statistics
    assert boundary.backbone_trainable == boundary.backbone_weights == 2_223_872


def test_freezing_again_takes_the_first_policy_back(mobilenet: Network) -> None:
    freeze(mobilenet, FreezePolicy("all", batch_norm="learn"))
    freeze(mobilenet)
    assert len(mobilenet.model.trainable_weights) == 2


def test_from_an_unknown_block_is_answered(mobilenet: Network) -> None:
    with pytest.raises(BlockError, match="Did you mean 'block_16'"):
        freeze(mobilenet, FreezePolicy("from blok_16"))


@pytest.mark.parametrize("unfreeze", ["none", "1 block", "2 blocks"])
def test_the_boundary_splits_the_model_exactly(unfreeze: str) -> None:
    model = nested_model()
    randomise(model)
    boundary = freeze(model, FreezePolicy(unfreeze))
    prefix, suffix = split_model(model, boundary.tensor)
    pixels = images(3, 16).astype("float32")
    assert np.array_equal(np.asarray(suffix(prefix(pixels, training=False))), np.asarray(model(pixels)))
    assert not prefix.trainable_weights
    assert {id(weight) for weight in suffix.trainable_weights} == {
        id(weight) for weight in model.trainable_weights
    }


def test_a_users_models_head_is_what_follows_the_last_reduction() -> None:
    model = residual_model()
    boundary = freeze(model)
    assert [weight.path for weight in model.trainable_weights] == ["answer/kernel", "answer/bias"]
    assert boundary.name == "pool"
    model = sequential_model()
    boundary = freeze(model)
    assert [layer.name for layer in model.layers if layer.trainable_weights] == ["d1", "d2"]
    assert boundary.name == "flat"


def test_a_frozen_container_hides_nothing_that_learns() -> None:
    model = nested_model()
    model.get_layer("base").trainable = False
    freeze(model, FreezePolicy("1 block"))
    paths = [weight.path.rpartition("/")[0].rpartition("/")[2] for weight in model.trainable_weights]
    assert paths == ["second_a_conv", "second_b_conv", "new_head", "new_head"]


def test_augmentation_under_the_boundary_forbids_computing_it_once() -> None:
    image = keras.Input((16, 16, 3))
    x = layers.RandomFlip(name="flip")(image)
    model = keras.Model(image, residual_model()(x))
    boundary = freeze(model)
    assert boundary.tensor is None
    assert boundary.augmentation == ("flip",)
    assert len(model.trainable_weights) == 2


def fitted(model: keras.Model, epochs: int = 2) -> dict[str, float]:
    """Train with Keras's fit; the largest change of each weight."""
    before = {weight.path: np.asarray(weight) for weight in model.weights}
    model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images(16, 16), np.arange(16) % 2, batch_size=4, epochs=epochs, verbose=0)
    return {
        weight.path: float(np.abs(np.asarray(weight) - before[weight.path]).max()) for weight in model.weights
    }


def test_the_usual_recipe_moves_the_statistics_of_an_unfrozen_base() -> None:
    model = nested_model()  # calls its base with training=False, as the guides say
    changes = fitted(model)
    assert max(change for path, change in changes.items() if "moving" in path) > 1e-3


@pytest.mark.parametrize("unfreeze", ["none", "1 block", "all"])
def test_freeze_keeps_every_frozen_byte_under_kerass_fit(unfreeze: str) -> None:
    model = nested_model()
    boundary = freeze(model, FreezePolicy(unfreeze))
    assert isinstance(boundary, FrozenBoundary)
    frozen = {weight.path for weight in model.non_trainable_weights}
    changes = fitted(model)
    assert {path for path in frozen if changes[path] != 0} == set()
    assert {path for path in changes if "moving" in path} <= frozen
    assert all(changes[weight.path] > 0 for weight in model.trainable_weights)


def test_norms_that_learn_move_their_statistics_in_learning_blocks_only() -> None:
    model = nested_model()
    freeze(model, FreezePolicy("1 block", batch_norm="learn"))
    moved = {path for path, change in fitted(model).items() if "moving" in path and change > 0}
    assert moved
    assert all("second" in path for path in moved)
