"""Loading backbones: contracts, options, seeds, refusals."""

from __future__ import annotations

import random
import socket

import numpy as np
import pytest

from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.weight_names import named_weights
from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.pixels import SIGNED_UNIT
from tfxfer.errors import ConfigError, WeightsError

SMALL = [
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "ResNet50",
    "ConvNeXtTiny",
]


@pytest.mark.parametrize("name", SMALL)
def test_parameters_are_as_the_catalogue_says(name: str) -> None:
    backbone = load_backbone(f"keras/{name}", image_size=64, weights="none")
    assert backbone.parameters == BACKBONES[f"keras/{name}"].parameters
    assert backbone.model.input_shape == (None, 64, 64, 3)
    assert backbone.input.size == (64, 64)
    assert len(backbone.model.output_shape) == 4


def test_the_embedded_backbone_needs_nothing() -> None:
    backbone = load_backbone("embedded/small", weights="none")
    assert backbone.input.pixels == BACKBONES["embedded/small"].pixels
    assert backbone.parameters == BACKBONES["embedded/small"].parameters
    assert backbone.parameters * 4 <= 2_000_000  # bytes


def test_options_reach_the_constructor() -> None:
    backbone = load_backbone(
        "keras/MobileNetV2", image_size=(64, 96), weights="none", options={"alpha": 0.35}
    )
    assert backbone.parameters == 410_208
    assert backbone.model.input_shape == (None, 64, 96, 3)


def test_random_weights_come_from_the_seed_and_leave_the_callers_alone() -> None:
    def first(seed: int) -> np.ndarray:
        model = load_backbone("keras/MobileNetV2", image_size=32, weights="none", seed=seed).model
        return np.concatenate([np.ravel(weight) for weight in named_weights(model).values()])

    random.seed(5)
    expected = random.random()
    random.seed(5)
    assert np.array_equal(first(1), first(1))
    assert random.random() == expected
    assert not np.array_equal(first(1), first(2))


def test_pixels_that_the_caller_states_replace_the_catalogues() -> None:
    backbone = load_backbone("keras/VGG16", image_size=32, weights="none", pixels="[-1,1]")
    assert backbone.input.pixels == SIGNED_UNIT


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("keras/MobileNetV9", {}, "Did you mean"),
        ("keras/MobileNetV2", {"image_size": 16}, "at least 32 pixels"),
        ("keras/MobileNetV2", {"image_size": 0}, "positive"),
        (
            "keras/MobileNetV2",
            {"weights": "none", "options": {"alfa": 1}},
            "options of 'keras/MobileNetV2' are: alpha",
        ),
        ("keras/VGG16", {"options": {"alpha": 1}}, "are: none"),
        ("keras/MobileNetV2", {"pixels": "[0,2]", "weights": "none"}, "pixels must be"),
        ("embedded/small", {"weights": "imagenet"}, "weights of 'embedded/small' must be"),
        ("hub/nowhere", {"pixels": "[0,1]"}, "no folder"),
        ("file/model.keras", {}, "needs pixels"),
    ],
)
def test_what_cannot_be_is_refused_with_the_repair(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_backbone(name, **arguments)


def test_a_missing_weights_file_is_named(tmp_path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.h5"):
        load_backbone("keras/MobileNetV2", image_size=32, weights=str(tmp_path / "nowhere.h5"))


@pytest.mark.parametrize(
    ("name", "hash"), [("keras/MobileNetV2", "Keras knows no hash"), ("keras/DenseNet121", "MD5 is 30ee3e11")]
)
def test_without_a_network_the_message_gives_address_place_and_hash(
    name, hash, tmp_path, monkeypatch, capsys
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(WeightsError) as caught:
        load_backbone(name, image_size=96)
    message = str(caught.value)
    assert "https://storage.googleapis.com/tensorflow/keras-applications/" in message
    assert str(tmp_path / "models") in message
    assert hash in message
    out, err = capsys.readouterr()
    assert out == ""  # which is for results, such as one JSON document
    assert "Downloading data" in err
