"""Facts of backbones: held against Keras itself, without building a network."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest

from tfxfer.catalogue.backbones import BACKBONES, BackboneFacts, backbone_facts, require_kind
from tfxfer.catalogue.pixels import Pixels
from tfxfer.errors import ConfigError

KERAS = [facts for facts in BACKBONES.values() if facts.name.startswith("keras/")]


def apply(pixels: Pixels, images: np.ndarray) -> np.ndarray:
    ordered = images[..., ::-1] if pixels.order == "bgr" else images
    return ordered * np.asarray(pixels.scale) + np.asarray(pixels.offset)


@pytest.mark.parametrize("facts", KERAS, ids=lambda facts: facts.constructor)
def test_pixels_do_what_preprocess_input_does(facts: BackboneFacts) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3)).astype("float64")
    module = importlib.import_module(f"keras.applications.{facts.family}")
    expected = module.preprocess_input(images.copy())
    np.testing.assert_allclose(apply(facts.pixels, images), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("facts", KERAS, ids=lambda facts: facts.constructor)
def test_options_are_the_constructors_own_with_its_defaults(facts: BackboneFacts) -> None:
    keras = importlib.import_module("keras")
    parameters = inspect.signature(vars(keras.applications)[facts.constructor]).parameters
    assert {name: parameters[name].default for name in facts.options} == dict(facts.options)


def test_every_classifier_of_keras_applications_is_in_the_catalogue() -> None:
    keras = importlib.import_module("keras")
    classifiers = {name for name, value in vars(keras.applications).items() if inspect.isfunction(value)}
    assert classifiers == {facts.constructor for facts in KERAS}


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'keras/MobileNetV2'"):
        backbone_facts("keras/MobilNetV2")
    with pytest.raises(ConfigError, match="Did you mean 'keras/ResNet50'"):
        backbone_facts("resnet50")


def test_data_of_another_kind_are_refused() -> None:
    require_kind(BACKBONES["keras/MobileNetV2"], "image")
    with pytest.raises(ConfigError, match=r"'image'\. Received: data of kind 'waveform'"):
        require_kind(BACKBONES["keras/MobileNetV2"], "waveform")


def test_the_catalogue_and_the_policy_need_no_tensorflow() -> None:
    code = (
        "import sys, tfxfer.catalogue.backbones, tfxfer.network.policy, tfxfer.network.head; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
