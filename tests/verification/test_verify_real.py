"""What verification finds in a real network with ImageNet weights, whose BatchNorm the converters fold."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.verification import making, tampering
from tests.verification.making import hand_over, read_photos
from tests.verification.tampering import rehash_contract
from tfxfer.verification.verify import inspect_bundle, verify_bundle

pytestmark = pytest.mark.real

ARTIFACTS = ("litert/float32.tflite", "onnx/float32.onnx", "saved_model")
SIZE = (96, 96)
WEIGHTS = "keras_weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def flower_network(assets: Path, images: np.ndarray, targets: np.ndarray) -> Any:
    """MobileNetV2 0.35 with its ImageNet weights, and a logistic regression as the head."""
    import keras
    from sklearn.linear_model import LogisticRegression

    image = keras.Input((*SIZE, 3), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    base = keras.applications.MobileNetV2(
        input_tensor=pixels, alpha=0.35, include_top=False, weights=str(assets / WEIGHTS), pooling="avg"
    )
    features = base.predict(images, verbose=0)
    solved = LogisticRegression(max_iter=200).fit(features, targets)
    logits = keras.layers.Dense(len(making.LABELS), name="logits")
    model = keras.Model(base.input, logits(base.output))
    logits.set_weights([solved.coef_.T, solved.intercept_])
    return model


@pytest.fixture(scope="module")
def flowers(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photos of each of three flowers, under the labels that `making` uses."""
    folder = tmp_path_factory.mktemp("flowers")
    kinds = sorted(path for path in (assets / "images/flowers5").iterdir() if path.is_dir())
    for kind, label in zip(kinds, making.LABELS, strict=False):
        (folder / label).mkdir()
        for photo in sorted(kind.iterdir())[:40]:
            shutil.copyfile(photo, folder / label / photo.name)
    return folder


@pytest.fixture(scope="module")
def original(assets: Path, flowers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    photos = read_photos(flowers, "crop", SIZE)
    model = flower_network(assets, photos.images[::2], photos.targets[::2])
    return hand_over(model, tmp_path_factory.mktemp("flower_bundle") / "bundle", photos)


def test_a_real_bundle_is_verified_with_data(original: Path, flowers: Path) -> None:
    report = verify_bundle(original, str(flowers))
    assert {check.status for check in report.checks} == {"passed"}


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_golden_answers_find_a_weight_changed_by_five_percent(
    original: Path, tmp_path: Path, artifact: str
) -> None:
    """With every hash recomputed; weights of channels that no photo can light up are left out."""
    bundle = Path(shutil.copytree(original, tmp_path / "bundle"))
    kernel = tampering.first_convolution(bundle, artifact).ravel()
    tampering.change_one_weight(bundle, artifact, kernel[np.abs(kernel).argmax()], 1.05)
    rehash_contract(bundle)
    report = inspect_bundle(bundle)
    assert {check.name for check in report.failures} == {artifact}
    assert "golden logits" in report.failures[0].why


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_any_changed_weight_is_found_where_only_the_manifest_was_hashed_again(
    original: Path, tmp_path: Path, artifact: str
) -> None:
    bundle = Path(shutil.copytree(original, tmp_path / "bundle"))
    kernel = tampering.first_convolution(bundle, artifact).ravel()
    tampering.change_one_weight(bundle, artifact, kernel[np.abs(kernel).argmin()], 1.0001)
    tampering.rehash(bundle)
    assert artifact in {check.name for check in inspect_bundle(bundle).failures}
