"""The range a network was trained on is found from its BatchNorm statistics, in Keras models and in SavedModels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.backbones.lively import lively, photographs
from tests.backbones.models import randomise, residual_model
from tfxfer.backbones.backbone import load_backbone
from tfxfer.backbones.pixel_fit import USUAL, apply_pixels, better_fit, pixel_distances
from tfxfer.catalogue.pixels import RAW, SIGNED_UNIT, UNIT, Pixels
from tfxfer.network.run_backbone import backbone_model


def test_the_right_range_lies_nearest() -> None:
    photos = photographs("embedded/small")
    model = backbone_model(lively("embedded/small", photos))
    distances = pixel_distances(model, photos, {"stated": RAW, **USUAL})
    assert min(USUAL, key=lambda name: distances[name]).startswith("[-1,1]")
    assert (better_fit(RAW, distances) or "").startswith("[-1,1]")
    assert better_fit(SIGNED_UNIT, {**distances, "stated": distances["[-1,1]"]}) is None


def test_of_grey_pictures_only_what_does_the_same_to_each_channel_is_compared() -> None:
    model = residual_model()
    randomise(model)
    grey = load_backbone(model, pixels="[-1,1]", channels=1).model
    distances = pixel_distances(
        grey, photographs("embedded/small")[:2, :16, :16, :1], {"stated": UNIT, **USUAL}
    )
    assert set(distances) == {"stated", "[0,255]", "[0,1]", "[-1,1]"}
    assert distances["stated"] == distances["[0,1]"]


def test_without_batch_norm_nothing_is_measured() -> None:
    model = residual_model()
    plain = type(model)(model.inputs, model.get_layer("stem_conv").output)
    assert pixel_distances(plain, photographs("embedded/small")[:2, :16, :16], USUAL) == {}
    assert better_fit(UNIT, {}) is None


def test_pixels_are_applied_as_in_the_graph() -> None:
    images = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    found = apply_pixels(images, Pixels("bgr", (1.0, 2.0, 3.0), (0.5, 0.0, -1.0)))
    np.testing.assert_allclose(found[0, 0, 0], [2.5, 2.0, -1.0])


@pytest.mark.real
@pytest.mark.slow
def test_a_saved_models_range_is_found_too(assets: Path) -> None:
    folder = assets / "saved_models/mobilenet_v2_035_224_feature_vector"
    model = load_backbone(f"hub/{folder}", pixels="[0,1]").model
    flowers = [
        photo
        for kind in sorted((assets / "images/flowers5").iterdir())
        for photo in sorted(kind.glob("*"))[:2]
    ]
    from tfxfer.data.unlabelled import open_unlabelled

    ((_, images),) = open_unlabelled(flowers, size=(224, 224)).batches(len(flowers))
    distances = pixel_distances(model, images, {"stated": UNIT, **USUAL})
    assert better_fit(UNIT, distances) in ("[-1,1]", "[-1,1], BGR")
    assert better_fit(SIGNED_UNIT, {**distances, "stated": distances["[-1,1]"]}) is None
