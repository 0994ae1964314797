"""Networks: from uint8 pictures to logits, seeded, labelled, refused with the repair."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.backbones.models import images
from tfxfer.backbones.backbone import Backbone, load_backbone
from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.pixels import Pixels
from tfxfer.errors import ConfigError, NetworkError
from tfxfer.network.network import attach_head
from tfxfer.network.preprocess import Preprocess


@pytest.fixture(scope="module")
def small() -> Backbone:
    return load_backbone("embedded/small", weights="none")


def test_one_flat_graph_from_uint8_to_float32_logits(small: Backbone) -> None:
    network = attach_head(small, ["a", "b", "c"], hidden=[8], dropout=0.1)
    (image,) = network.model.inputs
    assert (image.name, image.dtype, image.shape) == ("image", "uint8", (None, 32, 32, 3))
    assert network.model.outputs[0].dtype == "float32"
    assert network.model.output_shape == (None, 3)
    assert not any(isinstance(layer, keras.Model) for layer in network.model.layers)
    assert network.labels == ("a", "b", "c")
    assert network.blocks[-1].output is network.backbone_output
    assert network.backbone.parameters == small.parameters


def test_predict_gives_probabilities_and_logits_batch_by_batch(small: Backbone) -> None:
    network = attach_head(small, ["a", "b", "c"])
    outputs = network.predict(images(5, 32), batch_size=2)
    np.testing.assert_allclose(outputs.probabilities.sum(1), 1, rtol=1e-6)
    assert outputs.logits.shape == (5, 3)
    whole = np.asarray(network.model(images(5, 32), training=False))
    np.testing.assert_allclose(outputs.logits, whole, atol=1e-5)
    assert network.predict(images(0, 32)).logits.shape == (0, 3)


def test_preprocessing_is_the_backbones_own(small: Backbone) -> None:
    network = attach_head(small, ["a", "b"])
    pixels = images(2, 32)
    scale, offset = (
        np.asarray(triple, "float32") for triple in (small.input.pixels.scale, small.input.pixels.offset)
    )
    features = np.asarray(small.model(pixels * scale + offset, training=False)).mean((1, 2))
    logits = features @ network.model.get_layer("logits").get_weights()[0]
    np.testing.assert_allclose(network.predict(pixels).logits, logits, atol=1e-5)


@pytest.mark.parametrize("name", ["MobileNetV2", "VGG16", "DenseNet121", "EfficientNetB0"])
def test_the_layer_does_what_preprocess_input_does(name: str) -> None:
    facts = BACKBONES[f"keras/{name}"]
    module = vars(keras.applications)[facts.family]
    pixels = images(2, 6)
    expected = module.preprocess_input(pixels.astype("float64"))
    given = np.asarray(Preprocess.of(facts.pixels)(pixels))
    np.testing.assert_allclose(given, expected, atol=2e-5)


def test_preprocessing_stays_float32_under_mixed_precision() -> None:
    layer = Preprocess.of(Pixels.uniform(1 / 255, 0.0))
    assert layer(np.zeros((1, 2, 2, 3), "uint8")).dtype == "float32"
    assert Preprocess.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(("scale", "shape"), [((0.5, 0.5, 0.5), ()), ((0.5, 0.5, 0.25), (3,))])
def test_a_number_that_all_channels_share_is_one_number_in_the_graph(
    scale: tuple[float, ...], shape: tuple[int, ...]
) -> None:
    layer = Preprocess("rgb", scale, (1.0, 2.0, 3.0))
    traced = tf.function(layer).get_concrete_function(tf.TensorSpec((None, 2, 2, 3), tf.uint8))
    constants = [step.outputs[0].shape for step in traced.graph.get_operations() if step.type == "Const"]
    assert constants == [shape, (3,)]


@pytest.mark.parametrize("hidden", [[], [8]])
def test_the_head_drops_features_while_it_trains_and_only_then(small: Backbone, hidden: list[int]) -> None:
    batch = images(3, 32)
    for dropout, drops in ((0.5, True), (0.0, False)):
        network = attach_head(small, ["a", "b", "c"], hidden=hidden, dropout=dropout)
        network.model.trainable = False  # BatchNorm then has one answer, and what differs is the dropout's
        answers = [np.asarray(network.model(batch, training=training)) for training in (True, True, False)]
        assert np.array_equal(answers[0], answers[1]) is not drops
        assert np.array_equal(answers[0], answers[2]) is not drops


def test_the_head_comes_from_the_seed(small: Backbone) -> None:
    def kernel(seed: int) -> np.ndarray:
        return np.asarray(attach_head(small, ["a", "b"], seed=seed).model.get_layer("logits").kernel)

    assert np.array_equal(kernel(3), kernel(3))
    assert not np.array_equal(kernel(3), kernel(4))


def test_max_pooling_is_a_choice(small: Backbone) -> None:
    network = attach_head(small, ["a", "b"], pooling="max")
    assert isinstance(network.model.get_layer("head_pooling"), keras.layers.GlobalMaxPooling2D)


@pytest.mark.parametrize("labels", [["a"], ["a", "a"], "ab", ["a", 1]])
def test_labels_must_be_two_or_more_and_different(small: Backbone, labels: object) -> None:
    with pytest.raises(NetworkError, match="labels must be"):
        attach_head(small, labels)  # type: ignore[arg-type]


@pytest.mark.parametrize("head", [{"dropout": 1.0}, {"hidden": [0]}, {"pooling": "sum"}])
def test_a_heads_values_have_a_range(small: Backbone, head: dict) -> None:
    with pytest.raises(ConfigError, match=f"head.{next(iter(head))}"):
        attach_head(small, ["a", "b"], **head)
