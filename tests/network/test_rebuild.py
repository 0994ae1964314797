"""The float32 rebuild: same outputs, no half precision, no dropout, no augmentation, its own weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests.backbones.models import images, nested_model, randomise, residual_model, sequential_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import NetworkError
from tfxfer.network.network import attach_head
from tfxfer.network.rebuild import rebuild_float32


@pytest.mark.parametrize("build", [residual_model, nested_model, sequential_model])
def test_a_users_model_gives_the_same_outputs(build) -> None:
    model = build()
    randomise(model)
    rebuilt = rebuild_float32(model)
    pixels = images(3, 16).astype("float32")
    assert np.array_equal(np.asarray(rebuilt(pixels)), np.asarray(model(pixels, training=False)))
    assert not {id(weight) for weight in rebuilt.weights} & {id(weight) for weight in model.weights}


def test_the_copy_is_not_touched_by_training_the_original() -> None:
    model = residual_model()
    rebuilt = rebuild_float32(model)
    before = [weight.tobytes() for weight in rebuilt.get_weights()]
    randomise(model)
    assert [weight.tobytes() for weight in rebuilt.get_weights()] == before


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_half_precision_becomes_float32(policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = nested_model()
    finally:
        keras.config.set_dtype_policy("float32")
    randomise(model)
    rebuilt = rebuild_float32(model)
    pixels = images(2, 16)
    assert {weight.dtype for weight in rebuilt.weights} == {"float32"}
    assert {layer.compute_dtype for layer in rebuilt.layers} == {"float32"}
    scale = np.abs(np.asarray(rebuilt(pixels.astype("float32")))).max()
    half = np.asarray(model(pixels.astype("float32"), training=False), "float32")
    np.testing.assert_allclose(np.asarray(rebuilt(pixels.astype("float32"))), half, atol=0.05 * scale)


def test_dropout_and_augmentation_are_gone() -> None:
    image = keras.Input((16, 16, 3), name="image")
    x = layers.RandomFlip()(image)
    x = layers.RandomRotation(0.1)(x)
    model = keras.Model(image, nested_model()(layers.GaussianNoise(0.1)(x)))
    names = {type(layer).__name__ for layer in rebuild_float32(model).layers}
    assert not names & {"RandomFlip", "RandomRotation", "GaussianNoise", "Dropout"}


def test_augmentation_that_crops_is_refused() -> None:
    model = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.RandomCrop(8, 8, name="crop"), layers.Conv2D(2, 3)]
    )
    with pytest.raises(NetworkError, match=r"'crop'.*Move it out of the model"):
        rebuild_float32(model)


def test_a_layer_that_cannot_be_built_again_is_named() -> None:
    class Own(layers.Layer):
        def __init__(self, scale: np.ndarray, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self.kernel = self.add_weight(shape=scale.shape, name="kernel")

        def call(self, x):
            return x * self.kernel

    image = keras.Input((4,))
    with pytest.raises(NetworkError, match=r"'mine' \(Own\).*get_config"):
        rebuild_float32(keras.Model(image, Own(np.ones(4), name="mine")(image)))


def test_a_network_is_rebuilt() -> None:
    network = attach_head(load_backbone("keras/EfficientNetB0", image_size=32, weights="none"), ["a", "b"])
    pixels = images(2, 32)
    rebuilt = rebuild_float32(network)
    expected = np.asarray(network.model(pixels, training=False))
    assert np.array_equal(np.asarray(rebuilt(pixels, training=False)), expected)
    assert rebuilt.inputs[0].dtype == "uint8"
