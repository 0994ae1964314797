"""What is known of hub/ handles by their names."""

from __future__ import annotations

import pytest

from tfxfer.catalogue.hub_modules import handle_kind, hub_facts, kaggle_handle
from tfxfer.catalogue.pixels import UNIT

KNOWN = {
    "google/imagenet/mobilenet_v1_025_128/feature_vector/5": (
        "MobileNet v1",
        128,
        "google/mobilenet-v1",
        "025-128",
    ),
    "google/imagenet/mobilenet_v2_035_224/feature_vector/5": (
        "MobileNet v2",
        224,
        "google/mobilenet-v2",
        "035-224",
    ),
    "google/imagenet/mobilenet_v3_small_100_224/feature_vector/5": (
        *("MobileNet v3", 224, "google/mobilenet-v3"),
        "small-100-224",
    ),
    "google/efficientnet/b7/feature-vector/1": ("EfficientNet", 600, "tensorflow/efficientnet", "b7"),
    "tensorflow/efficientnet/lite4/feature-vector/2": (
        "EfficientNet-Lite",
        300,
        "tensorflow/efficientnet",
        "lite4",
    ),
    "google/imagenet/efficientnet_v2_imagenet21k_ft1k_m/feature_vector/2": (
        *("EfficientNetV2", 480, "google/efficientnet-v2"),
        "imagenet21k-ft1k-m",
    ),
    "google/imagenet/efficientnet_v2_imagenet1k_b3/feature_vector/2": (
        *("EfficientNetV2", 300, "google/efficientnet-v2"),
        "imagenet1k-b3",
    ),
    "google/imagenet/resnet_v1_50/feature_vector/5": ("ResNet v1", 224, "google/resnet-v1", "50"),
    "google/imagenet/resnet_v2_152/feature_vector/5": ("ResNet v2", 224, "google/resnet-v2", "152"),
    "google/imagenet/inception_v3/feature_vector/5": ("Inception", 299, "google/inception", "v3"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_well_known_modules_have_a_contract_under_both_names(name: str) -> None:
    family, side, owner, variation = KNOWN[name]
    facts = hub_facts(f"https://tfhub.dev/{name}")
    assert facts is not None
    assert (facts.family, facts.pixels, facts.image_size) == (family, UNIT, (side, side))
    assert facts.kaggle == f"{owner}/tensorFlow2/{variation}-feature-vector"
    assert hub_facts(facts.kaggle) == facts
    assert hub_facts(f"{facts.kaggle}/2") == facts


def test_bit_takes_any_size() -> None:
    facts = hub_facts("https://tfhub.dev/google/bit/m-r50x1/1")
    assert facts is not None
    assert facts.image_size is None
    assert hub_facts(facts.kaggle) == facts
    assert facts.kaggle == "google/bit/tensorFlow2/m-r50x1"


@pytest.mark.parametrize(
    "handle",
    [
        "https://tfhub.dev/google/yamnet/1",
        "google/yamnet/tensorFlow2/yamnet/1",
        "models/mobilenet_v2",
        "google/x/tfLite/y",
    ],
)
def test_others_are_unknown(handle: str) -> None:
    assert hub_facts(handle) is None


def test_kinds_of_handles() -> None:
    page = "https://www.kaggle.com/models/google/bit/frameworks/TensorFlow2/variations/m-r50x1/versions/1"
    kinds = {
        page: "kaggle",
        "google/bit/tensorFlow2/m-r50x1": "kaggle",
        "https://tfhub.dev/x/1": "address",
        "models/x.tar.gz": "archive",
        "/models/x": "folder",
        "a/b/c/d": "folder",
    }
    assert {handle: handle_kind(handle) for handle in kinds} == kinds
    assert kaggle_handle(page) == "google/bit/tensorFlow2/m-r50x1/1"
