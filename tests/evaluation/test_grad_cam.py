"""The heat map is Grad-CAM's, and shows nothing where nothing speaks for an answer."""

from __future__ import annotations

import numpy as np
import pytest

from tfxfer.backbones.backbone import load_backbone
from tfxfer.evaluation.grad_cam import grad_cam
from tfxfer.network.network import Network, attach_head
from tfxfer.network.split import split_model


@pytest.fixture(scope="module")
def network() -> Network:
    return attach_head(load_backbone("embedded/small", image_size=32), ("a", "b", "c"))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def test_under_average_pooling_it_is_the_class_activation_map(network: Network, images: np.ndarray) -> None:
    """There the gradient is the head's own weights: Zhou et al. 2016, "Learning deep features ..."."""
    prefix, _ = split_model(network.model, network.backbone_output)
    features = np.asarray(prefix(images, training=False))
    kernel, _ = network.model.get_layer("logits").get_weights()
    outputs = [2, 0, 1]
    expected = np.stack(
        [np.maximum(one @ kernel[:, output], 0) for one, output in zip(features, outputs, strict=True)]
    )
    expected /= expected.max(axis=(1, 2), keepdims=True)
    found = grad_cam(network, images, outputs)
    assert found is not None
    assert found.shape == (3, 4, 4)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_another_answer_has_another_map(network: Network, images: np.ndarray) -> None:
    first, second = (grad_cam(network, images, [output] * 3) for output in (0, 1))
    assert first is not None
    assert second is not None
    assert np.abs(first - second).max() > 0.1


def test_where_nothing_speaks_for_it_the_map_is_empty(images: np.ndarray) -> None:
    network = attach_head(load_backbone("embedded/small", image_size=32), ("a", "b"))
    dense = network.model.get_layer("logits")
    kernel, bias = dense.get_weights()
    dense.set_weights([-np.abs(kernel), bias])
    found = grad_cam(network, images, [0, 1, 0])
    assert found is not None
    assert not found.any()
